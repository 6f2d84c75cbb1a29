"""Looks for the bytes of vectors in files: the proof that something is gone. Reads only."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_FRAGMENT = 16
#: A fragment of fewer different bytes than this would be found by chance.
_MIN_DISTINCT = 6


@dataclass(frozen=True, slots=True)
class Trace:
    """A file in which a piece of a vector was found, and where (byte offset)."""

    path: str
    offset: int


@dataclass(frozen=True, slots=True)
class Search:
    """What a search looked at and what it found.

    Attributes:
        files: How many files were read.
        bytes: How many bytes these hold.
        fragments: How many pieces of vectors were looked for; 0 proves nothing.
        traces: Where one was found.
    """

    files: int
    bytes: int
    fragments: int
    traces: tuple[Trace, ...]

    @property
    def clean(self) -> bool:
        """Whether something was looked for and not found."""
        return self.fragments > 0 and not self.traces


def fragments(vectors: Iterable[bytes]) -> list[bytes]:
    """The pieces of vectors to look for, each 16 bytes.

    A server may compress what it writes (LZF breaks a run that it cannot compress after at most 32 bytes), so the whole
    vector need not stand in a file of one piece. Four pieces 8 bytes apart are taken from the middle: at least one of
    them lies within a run.

    Args:
        vectors: Each as stored.

    Returns:
        Without repeats; short vectors, and pieces that would be found by chance, are left out.

    >>> [len(piece) for piece in fragments([bytes(range(100))])]
    [16, 16, 16, 16]
    >>> fragments([bytes(100), b"short"])
    []
    """
    found: dict[bytes, None] = {}
    for vector in vectors:
        middle = max(0, len(vector) // 2 - 20)
        for start in range(middle, middle + 32, 8):
            piece = vector[start : start + _FRAGMENT]
            if len(piece) == _FRAGMENT and len(set(piece)) >= _MIN_DISTINCT:
                found[piece] = None
    return list(found)


def search_folder(folder: Path, vectors: Iterable[bytes]) -> Search:
    """Looks for vectors in every regular file below a folder.

    Files that vanish meanwhile are passed over: what they held is gone.

    Raises:
        OSError: A file cannot be read.
    """
    pieces = fragments(vectors)
    files = size = 0
    traces: list[Trace] = []
    for path in _files(folder):
        try:
            length, found = _search_file(path, pieces)
        except FileNotFoundError:
            continue
        files += 1
        size += length
        if found is not None:
            traces.append(Trace(str(path), found))
    return Search(files, size, len(pieces), tuple(traces))


def _files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for root, _, names in os.walk(folder, onerror=refuse):
        for name in sorted(names):
            path = Path(root) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _search_file(path: Path, pieces: Sequence[bytes]) -> tuple[int, int | None]:
    """Length of a file and where the first piece found stands."""
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        if length == 0:
            return 0, None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            offsets = [at for piece in pieces if (at := content.find(piece)) >= 0]
            return length, min(offsets, default=None)

"""The gallery on disk, so that a restart need not read everything from the store. Never the truth: it may be deleted.

One file: a line of magic, length and checksum of a JSON header, the header (what follows, each with its checksum), then
arrays and strings end to end. It is written beside its predecessor, forced to disk, and renamed over it; it is used
only after every checksum agrees. Nothing in it is executed or unpickled.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from reid.types import EmbedderSpec
from services.errors import SnapshotError
from services.matcher.columns import SightingTable
from services.matcher.gallery import Gallery
from services.matcher.index.contract import VectorIndex
from services.matcher.index.segment import Part, Snapshottable
from services.matcher.state import GalleryState

log = logging.getLogger(__name__)

MAGIC = b"vreid-gallery 3\n"
FILE_NAME = "gallery.snapshot"
_MAX_HEADER = 64 * 2**20
_CHUNK = 8 * 2**20
_PIECE = 4096
#: One at a time, from looking to renaming: an older one must never replace a newer, which may lack what was erased.
_WRITING = threading.Lock()

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """What a snapshot says of itself."""

    log_position: str
    sightings: int
    vectors: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Capture:
    """A gallery at one moment: copied, or in parts that do not change.

    Attributes:
        position: Of the log.
        model_id: Of its vectors.
        dim: Length of a vector.
        columns: By name.
        texts: Strings of each kind, in pieces.
        tables: Of identities, in pieces, by name.
        parts: Of the index.
    """

    position: str
    model_id: str
    dim: int
    columns: Arrays
    texts: Mapping[str, list[Sequence[str]]]
    tables: Mapping[str, list[dict[str, str]]]
    parts: list[Part]

    @property
    def arrays(self) -> dict[str, Callable[[], NDArray[Any]]]:
        """What is written, in this order, each made when it is asked for: the vectors are as large as all of memory."""
        made: dict[str, Callable[[], NDArray[Any]]] = {}
        for name, column in self.columns.items():
            made[f"column.{name}"] = partial(_itself, column)
        for number, part in enumerate(self.parts):
            made[f"part.{number}.ids"] = partial(_living_ids, part)
            made[f"part.{number}.vectors"] = partial(_living_rows, part)
        for name, pieces in self.texts.items():
            made[f"strings.{name}"] = partial(np.frombuffer, _joined(pieces), np.uint8)
        made["identities"] = partial(np.frombuffer, _as_json(self.tables), np.uint8)
        return made


def write_snapshot(gallery: Gallery, folder: Path) -> SnapshotInfo:
    """Writes the gallery as it is now; the feeding thread waits while all but the vectors is copied, searches never.

    Args:
        gallery: Whose index must be one that is written down.
        folder: Made if missing, readable by its owner only.

    Raises:
        SnapshotError: The index keeps its vectors elsewhere, or the disk refuses; what was there before is unharmed.
    """
    with _WRITING:
        return _captured_and_written(gallery, folder)


def _captured_and_written(gallery: Gallery, folder: Path) -> SnapshotInfo:
    capture = gallery.captured(_capture)
    arrays = capture.arrays
    header = {
        "model_id": capture.model_id,
        "dim": capture.dim,
        "log_position": capture.position,
        "sightings": int(np.count_nonzero(capture.columns["alive"])),
        "vectors": sum(part.count for part in capture.parts),
        "counts": {name: sum(map(len, pieces)) for name, pieces in capture.texts.items()},
        "arrays": [_described(name, make()) for name, make in arrays.items()],
    }
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        size = _write(path, header, arrays.values())
    except OSError as exc:
        raise SnapshotError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    log.info("snapshot at %s: %d vectors, %d bytes", capture.position, header["vectors"], size)
    return SnapshotInfo(capture.position, int(str(header["sightings"])), int(str(header["vectors"])), size)


def load_snapshot(gallery: Gallery, folder: Path) -> SnapshotInfo | None:
    """Fills a gallery from a snapshot, after checking all of it.

    Returns:
        What it was; None where there is none.

    Raises:
        SnapshotError: It is damaged, of another model, or does not fit; the gallery is as before.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            header, arrays = _read(file, path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise SnapshotError(f"{path}: cannot be read: {exc.strerror or exc}") from exc
    if header["model_id"] != gallery.model_id or header["dim"] != gallery.dim:
        raise SnapshotError(f"{path}: holds vectors of another model than {gallery.model_id}")
    try:
        gallery.adopt(lambda index: _state(gallery.spec, index, header, arrays), header["log_position"])
    except (ValueError, KeyError, TypeError) as exc:
        raise SnapshotError(f"{path}: its parts do not fit each other: {exc}") from exc
    return SnapshotInfo(header["log_position"], header["sightings"], header["vectors"], path.stat().st_size)


def remove_snapshot(folder: Path) -> None:
    """Removes a snapshot and what an interrupted write left; nothing where there is none."""
    with _WRITING:
        for path in (folder / FILE_NAME, folder / f"{FILE_NAME}.part"):
            path.unlink(missing_ok=True)


def _capture(state: GalleryState, position: str) -> _Capture:
    index = state.index
    if not isinstance(index, Snapshottable):
        raise SnapshotError(f"a {index.backend} index keeps its vectors itself and needs no snapshot")
    columns, strings = state.table.export()
    # Copied in pieces, because no other thread runs while one is made; what is made of them can wait.
    texts = {
        name: [listed[start : start + _PIECE] for start in range(0, len(listed), _PIECE)]
        for name, listed in strings.items()
    }
    tables = {name: list(_pieces(table)) for name, table in state.export_identities().items()}
    parts = [part for part in index.parts() if part.count]
    return _Capture(position, state.spec.model_id, index.dim, columns, texts, tables, parts)


def _pieces(table: Mapping[str, str]) -> Iterator[dict[str, str]]:
    rows = iter(table.items())
    while piece := dict(islice(rows, _PIECE)):
        yield piece


def _itself(array: NDArray[Any]) -> NDArray[Any]:
    return array


def _living_ids(part: Part) -> NDArray[Any]:
    return part.living()[0]


def _living_rows(part: Part) -> NDArray[Any]:
    return part.living()[1]


def _joined(pieces: Sequence[Sequence[str]]) -> bytes:
    """Strings end to end, a line each; in pieces as above."""
    return b"\n".join(["\n".join(piece).encode() for piece in pieces])


def _as_json(tables: Mapping[str, Sequence[Mapping[str, str]]]) -> bytes:
    """Tables of strings as one JSON object; in pieces as above."""
    written = [
        f"{json.dumps(name)}: {{{', '.join(json.dumps(piece)[1:-1] for piece in pieces)}}}"
        for name, pieces in tables.items()
    ]
    return f"{{{', '.join(written)}}}".encode()


def _described(name: str, array: NDArray[Any]) -> dict[str, Any]:
    return {
        "name": name,
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "blake2b": hashlib.blake2b(_bytes(array), digest_size=32).hexdigest(),
    }


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _write(path: Path, header: dict[str, Any], arrays: Iterable[Callable[[], NDArray[Any]]]) -> int:
    part = path.with_name(f"{path.name}.part")
    text = json.dumps(header).encode()
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(MAGIC)
            file.write(len(text).to_bytes(8, "little"))
            file.write(hashlib.blake2b(text, digest_size=32).digest())
            file.write(text)
            for make in arrays:
                file.write(_bytes(make()))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)  # On a full disk it holds the space that the store needs.
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size


def _read(file: IO[bytes], path: Path) -> tuple[dict[str, Any], Arrays]:
    if file.read(len(MAGIC)) != MAGIC:
        raise SnapshotError(f"{path}: is no snapshot of this version")
    length = int.from_bytes(file.read(8), "little")
    digest = file.read(32)
    text = file.read(length) if length <= _MAX_HEADER else b""
    if len(text) != length or hashlib.blake2b(text, digest_size=32).digest() != digest:
        raise SnapshotError(f"{path}: its header is damaged")
    header: dict[str, Any] = json.loads(text)
    left = os.fstat(file.fileno()).st_size - file.tell()
    arrays: Arrays = {}
    for entry in header["arrays"]:
        array = np.empty(entry["shape"], np.dtype(entry["dtype"]))
        if array.nbytes > left:
            raise SnapshotError(f"{path}: is cut short")
        left -= array.nbytes
        view, hashed = _bytes(array), hashlib.blake2b(digest_size=32)
        for start in range(0, len(view), _CHUNK):
            chunk = view[start : start + _CHUNK]
            file.readinto(chunk)  # type: ignore[attr-defined]  # buffered files have it
            hashed.update(chunk)
        if hashed.hexdigest() != entry["blake2b"]:
            raise SnapshotError(f"{path}: {entry['name']} is damaged")
        arrays[entry["name"]] = array
    return header, arrays


def _state(spec: EmbedderSpec, index: VectorIndex, header: dict[str, Any], arrays: Arrays) -> GalleryState:
    if not isinstance(index, Snapshottable):
        raise ValueError(f"a {index.backend} index cannot be loaded")
    strings = {}
    for name, count in header["counts"].items():
        listed = arrays[f"strings.{name}"].tobytes().decode().split("\n") if count else []
        if len(listed) != count:
            raise ValueError(f"{len(listed)} {name}, expected {count}")
        strings[name] = listed
    columns = {n.removeprefix("column."): a for n, a in arrays.items() if n.startswith("column.")}
    state = GalleryState(spec, index)
    state.table = SightingTable.load(columns, strings)
    state.load_identities(json.loads(arrays["identities"].tobytes()))
    parts: list[tuple[NDArray[np.int64], NDArray[np.float16]]] = []
    while (ids := arrays.get(f"part.{len(parts)}.ids")) is not None:
        parts.append((ids, arrays[f"part.{len(parts)}.vectors"]))
    index.load(parts)
    return state

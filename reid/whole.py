"""Files that are there whole or not at all. Owns the draft beside one; knows nothing of what is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def draft_of(path: Path) -> Path:
    """Where a file is written before it is put in its place."""
    return path.with_name(path.name + ".part")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives the draft to write, and puts it in the place of the file when all went well; else it goes.

    Raises:
        OSError: It cannot be put there.
    """
    draft = draft_of(path)
    try:
        yield draft
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise

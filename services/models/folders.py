"""Folders of the model cache: written whole or not at all, by one writer at a time. Knows no models."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from services.errors import ModelFileError

_LOCK_TIMEOUT_S = 900.0


@contextlib.contextmanager
def draft_beside(folder: Path) -> Iterator[Path]:
    """An empty folder beside ``folder``; what was not put in place when the block ends is removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def put_in_place(draft: Path, folder: Path) -> None:
    """Makes a draft the folder; one that was there is replaced.

    Raises:
        OSError: It cannot be written; one that was there stays.
    """
    for path in draft.rglob("*"):
        if path.is_file():
            sync_file(path)
    draft.chmod(0o755)
    with draft_beside(folder) as aside:
        former = aside / "former"
        if folder.exists():
            folder.rename(former)
        try:
            draft.rename(folder)
        except OSError:
            if former.exists():
                former.rename(folder)
            raise


def remove_whole(folder: Path) -> None:
    """Removes a folder so that nobody meets half of it.

    Raises:
        OSError: It is not there or cannot be removed.
    """
    with draft_beside(folder) as aside:
        folder.rename(aside / "former")


@contextlib.contextmanager
def locked(locks_dir: Path, name: str) -> Iterator[None]:
    """Keeps other processes and threads off ``name`` meanwhile.

    Raises:
        ModelFileError: The folder cannot be written, or another process held the name for a quarter of an hour.
    """
    try:
        locks_dir.mkdir(parents=True, exist_ok=True)
        opened = (locks_dir / f"{name}.lock").open("w")
    except OSError as exc:
        raise ModelFileError(f"cannot write the model cache {locks_dir.parent}: {exc.strerror}") from exc
    with opened as file:
        deadline = time.monotonic() + _LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as exc:
                if time.monotonic() > deadline:
                    raise ModelFileError(f"another process has been busy with model {name} for too long") from exc
                time.sleep(0.1)
        yield


def sha256_of(path: Path) -> str:
    """Hash of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Waits until a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())

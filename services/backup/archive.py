"""One backup file: a tar whose last member says what must be in it. Knows nothing of what it holds.

Written beside its name and renamed once it is on disk; a file that was cut short has no last member.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

from services.errors import SnapshotError

_LAST = "backup.json"
_FORMAT = 1
_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds.

    Attributes:
        about: What its maker said of it.
        members: Bytes and SHA-256 by name.
    """

    about: Mapping[str, Any]
    members: Mapping[str, tuple[int, str]]

    @property
    def bytes(self) -> int:
        """Of all members together."""
        return sum(size for size, _ in self.members.values())


class _Counted(io.RawIOBase):
    """Reads no further than a length, and hashes what it reads."""

    def __init__(self, source: IO[bytes], length: int) -> None:
        self._source = source
        self._left = length
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        self.digest.update(data)
        return data


class BackupWriter:
    """Writes a backup; leaves nothing under its name unless ``finish`` was called."""

    def __init__(self, path: Path) -> None:
        """Begins a file that only its owner may read.

        Raises:
            SnapshotError: It cannot be made, or there is one already.
        """
        if path.exists():
            raise SnapshotError(f"{path} exists already")
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._members: dict[str, tuple[int, str]] = {}
        try:
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as exc:
            raise SnapshotError(f"{self._part}: {exc.strerror}") from exc
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def __enter__(self) -> BackupWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # of one that is given up
            self._tar.close()
        self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, name: str, source: IO[bytes], length: int) -> None:
        """Adds ``length`` bytes of an open file.

        Raises:
            SnapshotError: They cannot be read or written.
        """
        info = tarfile.TarInfo(name)
        info.size, info.mode = length, 0o600
        counted = _Counted(source, length)
        try:
            self._tar.addfile(info, counted)
        except OSError as exc:
            raise SnapshotError(f"{self._path}: {name}: {exc.strerror or exc}") from exc
        self._members[name] = (length, counted.digest.hexdigest())

    def finish(self, about: Mapping[str, Any]) -> Contents:
        """Says what is in it, forces it to disk and gives it its name.

        Raises:
            SnapshotError: It cannot be written.
        """
        document = {"format": _FORMAT, "about": dict(about), "members": self._members}
        text = json.dumps(document, sort_keys=True).encode()
        info = tarfile.TarInfo(_LAST)
        info.size, info.mode = len(text), 0o600
        try:
            self._tar.addfile(info, io.BytesIO(text))
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._part.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as exc:
            raise SnapshotError(f"{self._path}: {exc.strerror or exc}") from exc
        return Contents(dict(about), dict(self._members))


def read_backup(path: Path, into: Path | None = None) -> Contents:
    """Checks a backup from its first byte to its last, and unpacks it on the way where a folder is given.

    Args:
        path: Of the backup.
        into: An empty folder; what lies in it afterwards counts only where this returns.

    Raises:
        SnapshotError: It is no backup, is damaged or cut short, or cannot be unpacked.
    """
    found: dict[str, tuple[int, str]] = {}
    last: dict[str, Any] | None = None
    try:
        with tarfile.open(path, "r|") as tar:
            for info, source in _files(tar, path):
                if info.name == _LAST:
                    last = json.loads(source.read())
                    continue
                found[info.name] = (info.size, _copy(source, into / info.name if into is not None else None))
    except (OSError, tarfile.TarError, ValueError, EOFError) as exc:
        raise SnapshotError(f"{path}: no whole backup: {exc}") from exc
    if last is None or last.get("format") != _FORMAT:
        raise SnapshotError(f"{path}: cut short, or written by another release")
    said = {name: (int(size), str(digest)) for name, (size, digest) in last["members"].items()}
    if said != found:
        wrong = sorted(name for name in said.keys() | found.keys() if said.get(name) != found.get(name))
        raise SnapshotError(f"{path}: damaged: {wrong[0]} and {len(wrong) - 1} more are not what was written")
    return Contents(last["about"], said)


def _files(tar: tarfile.TarFile, path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for info in tar:
        source = tar.extractfile(info) if info.isreg() else None
        if source is None or not _NAME.fullmatch(info.name) or ".." in PurePosixPath(info.name).parts:
            raise SnapshotError(f"{path}: holds {info.name!r}, which no backup does")
        yield info, source


def _copy(source: IO[bytes], target: Path | None) -> str:
    digest = hashlib.sha256()
    if target is None:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()

"""A gallery in one file: what `gallery export` writes and `gallery import` takes. Sends nothing.

A line of magic, then chunks (8 bytes of length, then a message), a zero length, and the BLAKE2b checksum of all before
it. Everything is checked before the first chunk is handed out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from google.protobuf.message import DecodeError

from services.errors import SnapshotError
from services.rpc import vreid_pb2 as pb

MAGIC = b"vreid-export 1\n"
_MAX_CHUNK = 2**30
_DIGEST = 32
_BLOCK = 2**20


def archive_of(chunks: Iterable[pb.ExportChunk]) -> Iterator[bytes]:
    """The bytes of a file that holds these chunks, part by part."""
    hashed = hashlib.blake2b(digest_size=_DIGEST)

    def parts() -> Iterator[bytes]:
        yield MAGIC
        for chunk in chunks:
            data = chunk.SerializeToString()
            yield len(data).to_bytes(8, "little")
            yield data
        yield (0).to_bytes(8, "little")

    for part in parts():
        hashed.update(part)
        yield part
    yield hashed.digest()


def write_archive(path: Path, chunks: Iterable[pb.ExportChunk]) -> int:
    """Writes an export, beside the path first and renamed when it is whole; returns how many sightings it holds.

    Raises:
        SnapshotError: It cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    count = 0

    def counted() -> Iterator[pb.ExportChunk]:
        nonlocal count
        for chunk in chunks:
            count += len(chunk.sightings)
            yield chunk

    try:
        with part.open("wb") as file:
            file.writelines(archive_of(counted()))
        part.replace(path)
    except OSError as exc:
        raise SnapshotError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    finally:
        part.unlink(missing_ok=True)
    return count


def read_archive(path: Path) -> Iterator[pb.ExportChunk]:
    """The chunks of an export, after all of it was checked.

    Raises:
        SnapshotError: It is no export, damaged or cut short.
    """
    try:
        with path.open("rb") as file:
            _check(file, path)
            file.seek(len(MAGIC))
            while length := int.from_bytes(file.read(8), "little"):
                yield pb.ExportChunk.FromString(file.read(length))
    except OSError as exc:
        raise SnapshotError(f"{path}: {(exc.strerror or 'cannot be read').lower()}") from exc
    except DecodeError as exc:
        raise SnapshotError(f"{path}: is damaged") from exc


def _check(file: IO[bytes], path: Path) -> None:
    if file.read(len(MAGIC)) != MAGIC:
        raise SnapshotError(f"{path}: is no export of this version")
    size = file.seek(0, 2)
    body = size - _DIGEST
    hashed = hashlib.blake2b(digest_size=_DIGEST)
    file.seek(0)
    left = body
    while left > 0 and (block := file.read(min(_BLOCK, left))):
        hashed.update(block)
        left -= len(block)
    if file.read() != hashed.digest():
        raise SnapshotError(f"{path}: is damaged or cut short")
    place = len(MAGIC)
    while True:
        file.seek(place)
        length = int.from_bytes(file.read(8), "little")
        place += 8 + length
        if length > _MAX_CHUNK or place > body:
            raise SnapshotError(f"{path}: is damaged")
        if length == 0:
            break

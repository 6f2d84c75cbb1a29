"""Keeps the pictures of vehicles, in a folder or any place that fsspec reaches. Knows nothing of what they show."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import cv2
import fsspec
import numpy as np
from fsspec.implementations.local import LocalFileSystem
from numpy.typing import NDArray

from services.errors import ConfigError, NotFound

_KEY = re.compile(r"[0-9a-f]{32}")
JPEG_QUALITY = 92


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """A picture as JPEG.

    Args:
        image: uint8 (H, W, 3) BGR with pixels.

    Raises:
        ValueError: The picture is not uint8 (H, W, 3) or has no pixels.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image must be uint8 (H, W, 3) with pixels, got {image.dtype} {image.shape}")
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


@contextmanager
def _reached() -> Iterator[None]:
    """Turns what a place's client raises into OSError; each client has errors of its own, and none is known here."""
    try:
        yield
    except OSError:
        raise
    except Exception as exc:
        raise OSError(f"{type(exc).__name__}: {exc}") from exc


def new_crop_key() -> str:
    """A random name, 32 hexadecimal digits: a picture cannot be guessed from what it shows."""
    return secrets.token_hex(16)


class CropStore:
    """Pictures by random key.

    A crop is written before the log entry that names it, so a key that was read from the store of record has its
    picture, unless retention removed it. What is written and never named is an orphan.
    """

    def __init__(self, url: str) -> None:
        """Opens the place.

        Args:
            url: A folder, or an fsspec URL such as `s3://bucket/prefix` or `memory://crops`.

        Raises:
            OSError: The folder cannot be made, or the place is not reached.
        """
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = PurePosixPath(root)
        self._local = isinstance(self._fs, LocalFileSystem)
        with _reached():
            self._fs.makedirs(str(self._root), exist_ok=True)

    def put(self, image: NDArray[np.uint8]) -> str:
        """Stores a picture (uint8 (H, W, 3) BGR) as JPEG and returns its key.

        Raises:
            OSError: It cannot be written.
            ValueError: It is no picture.
        """
        key = new_crop_key()
        self.put_jpeg(key, encode_jpeg(image))
        return key

    def put_jpeg(self, key: str, data: bytes) -> None:
        """Stores encoded bytes under a key made by ``new_crop_key``; doing it again changes nothing.

        Raises:
            OSError: They cannot be written; nothing half-written remains under the key.
            ValueError: The key is none of ours.
        """
        if not _KEY.fullmatch(key):
            raise ValueError(f"a crop key has 32 hexadecimal digits, got {key!r}")
        path = self._path(key)
        if not self._local:
            with _reached():
                self._fs.pipe_file(path, data)
            return
        part = f"{path}.part"
        self._fs.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        try:
            self._fs.pipe_file(part, data)
            self._fs.mv(part, path)
        except OSError:
            self._remove(part)
            raise

    def get(self, key: str) -> bytes:
        """The JPEG of a key.

        Raises:
            NotFound: There is none.
            OSError: It cannot be read.
        """
        if not _KEY.fullmatch(key):
            raise NotFound(f"no crop {key!r}")
        try:
            with _reached():
                data: bytes = self._fs.cat_file(self._path(key))
        except FileNotFoundError as exc:
            raise NotFound(f"no crop {key!r}") from exc
        return data

    def has(self, key: str) -> bool:
        """Whether there is a picture of that key. Raises OSError where nobody can tell."""
        with _reached():
            return bool(_KEY.fullmatch(key) and self._fs.exists(self._path(key)))

    def delete(self, key: str) -> None:
        """Removes a picture; does nothing when there is none. Raises OSError where it cannot be removed."""
        if _KEY.fullmatch(key):
            self._remove(self._path(key))

    def older_than(self, age_s: float) -> list[str]:
        """Keys of the pictures that were written longer ago than this, by key. Raises OSError: none can be listed."""
        newest = time.time() - age_s
        found = []
        with _reached():
            held = self._fs.find(str(self._root), detail=True)
        for path, info in held.items():
            name = PurePosixPath(path)
            written = info.get("mtime") or info.get("LastModified") or info.get("created")
            at_s = written.timestamp() if hasattr(written, "timestamp") else written
            if name.suffix == ".jpg" and _KEY.fullmatch(name.stem) and at_s is not None and float(at_s) < newest:
                found.append(name.stem)
        return sorted(found)

    def _path(self, key: str) -> str:
        return str(self._root / key[:2] / f"{key}.jpg")

    def _remove(self, path: str) -> None:
        try:
            with _reached():
                self._fs.rm_file(path)
        except FileNotFoundError:
            return


def open_crops(url: str | None, data_dir: Path) -> CropStore:
    """The pictures that a configuration names: at ``url``, or beside everything else that lasts.

    Raises:
        ConfigError: The place cannot be used.
    """
    place = url or str(data_dir / "crops")
    try:
        return CropStore(place)
    except (OSError, ValueError, ImportError) as exc:
        raise ConfigError(f"ingest.crops_url: {place} cannot be used: {exc}") from exc

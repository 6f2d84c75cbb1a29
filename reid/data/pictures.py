"""Finds and decodes pictures on disk. Knows no vehicle and no data set."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from reid.data.jpeg import is_cut_short
from reid.data.samples import Sample
from reid.errors import DataError
from reid.types import Image

#: Files of these kinds are pictures; those that OpenCV cannot decode, as most builds `.heic`, are unreadable ones.
_KINDS = "avif bmp gif heic heif jfif jp2 jpe jpeg jpg pgm png ppm tif tiff webp"
PICTURES = frozenset(f".{kind}" for kind in _KINDS.split())


def read_picture(path: Path) -> Image | None:
    """Decodes a picture, turned upright as its camera noted.

    Returns:
        uint8 (H, W, 3) BGR, or None when the file is no picture, was cut short, or claims more pixels than OpenCV
        takes.
    """
    # OpenCV is given no path: names need not be UTF-8, and from a file it fills up with grey what a JPEG lacks.
    try:
        data = path.read_bytes()
        picture = None if is_cut_short(data) else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if picture is None or picture.size == 0 else np.asarray(picture, np.uint8)


def require_picture(path: Path) -> Image:
    """Decodes a picture that is known to be there.

    Returns:
        uint8 (H, W, 3) BGR.

    Raises:
        DataError: It cannot be read any more.
    """
    picture = read_picture(path)
    if picture is None:
        raise DataError(f"cannot read {path}")
    return picture


def readable(samples: Iterable[Sample]) -> tuple[tuple[Sample, ...], tuple[Path, ...]]:
    """Decodes every picture once, by a thread per core.

    Returns:
        Samples that can be used, in order, and the paths of those that cannot.
    """
    listed = tuple(samples)
    with ThreadPoolExecutor(os.cpu_count(), "picture-check") as pool:
        can_be_read = [*pool.map(lambda sample: read_picture(sample.path) is not None, listed)]
    good = tuple(sample for sample, can in zip(listed, can_be_read, strict=True) if can)
    return good, tuple(sample.path for sample, can in zip(listed, can_be_read, strict=True) if not can)


def list_pictures(folder: Path) -> list[Path]:
    """Pictures of a folder, not of those below it, sorted by name.

    Raises:
        DataError: The folder is missing or holds none.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {folder}")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise DataError(f"no picture in {folder}")
    return found


def pictures_below(root: Path) -> list[Path]:
    """Pictures of a folder and of those below it, links to folders followed, sorted by path.

    Each folder is read once, at its own place rather than by a link to it; what a link finds above ``root`` is not.

    Raises:
        DataError: A folder cannot be read; the message names it.
    """
    seen = set(root.resolve().parents)
    own, linked, found = deque([root]), deque[Path](), []
    while own or linked:
        folder = own.popleft() if own else linked.popleft()
        real = folder.resolve()
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(folder.iterdir())
        except OSError as exc:
            raise DataError(f"cannot read the folder {folder}: {exc.strerror}") from exc
        for path in entries:
            if path.is_dir():
                (linked if path.is_symlink() else own).append(path)
            elif path.suffix.lower() in PICTURES:
                found.append(path)
    return sorted(found)


def read_lines(path: Path) -> list[str]:
    """Lines of a split file, stripped, blank ones left out.

    Raises:
        DataError: The file is missing, is no text, or is empty; the message names it.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as exc:
        raise DataError(f"cannot read the split file {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise DataError(f"the split file {path} is no text") from exc
    kept = [line for line in lines if line]
    if not kept:
        raise DataError(f"the split file {path} is empty")
    return kept


def require_files(paths: Sequence[Path], named_in: Path) -> None:
    """Makes sure that the pictures which a split file names are there.

    Raises:
        DataError: Some are not; the message counts them and names the first.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise DataError(f"{len(missing)} pictures named in {named_in} are missing, the first {missing[0]}")

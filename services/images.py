"""Pictures from outside, made safe: the header is judged before a pixel is decoded. Knows no files and no network."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from services.errors import NotAnImage
from services.memory import give_back

#: The only decoders that are tried, by Pillow's names.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP")

#: What decoding a picture of more pixels leaves in the heap is given back at once.
_LARGE_PX = 10_000_000

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    UserWarning,  # where warnings are errors
)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture must keep to.

    Attributes:
        min_side_px: Neither side is shorter.
        max_pixels: Width times height is no more.
    """

    min_side_px: int = 8
    max_pixels: int = 40_000_000


def check_image(data: bytes, limits: ImageLimits, name: str = "image") -> tuple[int, int]:
    """Judges a picture by its header; decodes nothing.

    Args:
        data: The file's bytes.
        limits: What to keep to.
        name: What to call it in messages.

    Returns:
        Width and height in pixels, as stored.

    Raises:
        NotAnImage: Empty, no picture of a known format, too small or too large.
    """
    with _open(data, limits, name) as picture:
        return picture.size


def decode_image(data: bytes, limits: ImageLimits, name: str = "image") -> NDArray[np.uint8]:
    """Decodes a picture, turned upright as its camera noted.

    Args:
        data: The file's bytes.
        limits: What to keep to; checked on the header first.
        name: What to call it in messages.

    Returns:
        uint8 (H, W, 3), BGR, contiguous. Transparent pixels are as their colour says; of an animation the first frame.

    Raises:
        NotAnImage: As check_image, or damaged or cut short.
    """
    pixels = _decoded(data, limits, name)
    if pixels.size > 3 * _LARGE_PX:  # by now the decoder has let everything else go
        give_back()
    return pixels


def _decoded(data: bytes, limits: ImageLimits, name: str) -> NDArray[np.uint8]:
    with _open(data, limits, name) as picture:
        try:
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            rgb = np.asarray(upright.convert("RGB"), dtype=np.uint8)  # (H, W, 3)
        except _BOMB as exc:
            raise NotAnImage(f"{name}: {_too_many(limits)}") from exc
        except _UNREADABLE as exc:
            raise NotAnImage(f"{name}: damaged or cut short") from exc
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _open(data: bytes, limits: ImageLimits, name: str) -> Image.Image:
    if not data:
        raise NotAnImage(f"{name}: empty")
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except _BOMB as exc:
        raise NotAnImage(f"{name}: {_too_many(limits)}") from exc
    except _UNREADABLE as exc:
        raise NotAnImage(f"{name}: not a picture of a known format ({', '.join(FORMATS)})") from exc
    width, height = picture.size
    if min(width, height) < limits.min_side_px:
        picture.close()
        raise NotAnImage(f"{name}: {width}x{height} is too small, each side needs {limits.min_side_px} pixels")
    if width * height > limits.max_pixels:
        picture.close()
        raise NotAnImage(f"{name}: {width}x{height} has more pixels than the {limits.max_pixels} allowed")
    return picture


def _too_many(limits: ImageLimits) -> str:
    """Why a picture is not opened at all: the decoder has a bound of its own, which may be the lower one."""
    most = Image.MAX_IMAGE_PIXELS
    bound = limits.max_pixels if most is None else min(limits.max_pixels, 2 * most)
    return f"more pixels than the {bound} allowed"

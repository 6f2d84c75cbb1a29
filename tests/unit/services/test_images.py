from __future__ import annotations

import io
import logging
import struct
import sys
import threading
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from services import images
from services.errors import NotAnImage
from services.images import ImageLimits, check_image, decode_image
from services.observability.logs import configure_logging
from services.observability.settings import LoggingSettings

LIMITS = ImageLimits(min_side_px=8, max_pixels=10_000)


def encoded(
    size: tuple[int, int], fmt: str = "PNG", mode: str = "RGB", colour: object = (255, 0, 0), **save: object
) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, fmt, **save)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def imported_library() -> Iterator[None]:
    """Replaces what opens pictures, as the import of a library does that a module's fixture asks for."""

    def opened(*given: object, **named: object) -> Image.Image:
        raise ModuleNotFoundError("No module named 'pi_heif'")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "open", opened)
        yield


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(b"")
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (body, pixels)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "BMP"])
def test_known_formats_become_bgr(fmt: str) -> None:
    image = decode_image(encoded((20, 10), fmt), LIMITS)
    assert image.shape == (10, 20, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image[5, 5, 2] > 240
    assert image[5, 5, 0] < 15


@pytest.mark.parametrize(("mode", "colour"), [("L", 7), ("RGBA", (1, 2, 3, 0)), ("P", 3), ("I;16", 900), ("1", 1)])
def test_other_pixel_kinds(mode: str, colour: object) -> None:
    assert decode_image(encoded((9, 9), "PNG", mode, colour), LIMITS).shape == (9, 9, 3)


def test_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_image(encoded((20, 10), "JPEG", exif=exif), LIMITS).shape == (20, 10, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"hello, not a picture", "known format"),
        (encoded((16, 16), "GIF"), "known format"),
        (encoded((1, 1)), "1x1 is too small"),
        (encoded((7, 100)), "too small"),
        (encoded((101, 100)), "more pixels"),
        (png_header(100_000, 100_000), "more pixels"),
        (png_header(12_000, 12_000), "more pixels"),
    ],
    ids=["empty", "text", "gif", "one_pixel", "narrow", "large", "bomb", "half_bomb"],
)
def test_judged_by_the_header(data: bytes, message: str) -> None:
    for judge in (check_image, decode_image):
        with pytest.raises(NotAnImage, match=f"^probe: .*{message}"):
            judge(data, LIMITS, "probe")


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "BMP"])
def test_cut_short(fmt: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, fmt)
    with pytest.raises(NotAnImage):
        decode_image(buffer.getvalue()[: len(buffer.getvalue()) // 2], LIMITS)


def test_header_of_a_good_picture() -> None:
    assert check_image(encoded((20, 10)), LIMITS) == (20, 10)


@pytest.mark.parametrize(("side", "times"), [(64, 0), (3200, 1)], ids=["small", "large"])
def test_what_a_large_picture_leaves_in_the_heap_is_given_back(monkeypatch, side: int, times: int) -> None:
    given: list[int] = []
    monkeypatch.setattr(images, "give_back", lambda: given.append(1))
    buffer = io.BytesIO()
    Image.new("L", (side, side)).save(buffer, "PNG")
    assert decode_image(buffer.getvalue(), ImageLimits()).shape == (side, side, 3)
    assert len(given) == times


@pytest.mark.usefixtures("imported_library")
def test_no_library_of_another_test_opens_pictures() -> None:
    assert decode_image(encoded((20, 10)), LIMITS).shape == (10, 20, 3)
    with pytest.raises(NotAnImage, match="image: not a picture"):
        decode_image(b"no picture", LIMITS)


def odd(tag: int) -> bytes:
    """A picture with a note that claims to be larger than the file."""
    entries = struct.pack("<HHII", tag, 2, 500, 26) + struct.pack("<HHII", 0x112, 3, 1, 6)
    return encoded((20, 10), "JPEG", exif=b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4))


def test_what_is_odd_in_pictures_that_can_be_read_fills_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    monkeypatch.setattr(root, "handlers", [])
    level = root.level
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            configure_logging(LoggingSettings(), "matcher", told)
            for tag in range(1000, 1010):
                assert decode_image(odd(tag), LIMITS).shape == (20, 10, 3)
            warnings.warn("a library's own", UserWarning, stacklevel=1)
        finally:
            logging.captureWarnings(False)
            sys.excepthook, threading.excepthook = hooks
            root.setLevel(level)
    assert "a library's own" in told.getvalue()
    assert "Tag data" not in told.getvalue()


def test_where_warnings_are_errors_an_odd_picture_is_no_failure_of_ours() -> None:
    with pytest.raises(NotAnImage, match=r"^image: "):
        decode_image(odd(1000), LIMITS)

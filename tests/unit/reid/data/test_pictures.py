"""Every picture that can be had whole is had as OpenCV sees it; any other is none, and ends nothing."""

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from reid.data import Sample, read_picture, readable
from reid.data.jpeg import is_cut_short

RNG = np.random.default_rng(0)
PIXELS = cv2.resize(RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8), (96, 72), interpolation=cv2.INTER_CUBIC)


def by_pillow(kind="JPEG", mode="RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, kind, **options)
    return file.getvalue()


def by_opencv(suffix=".jpg", *options) -> bytes:
    return cv2.imencode(suffix, PIXELS, list(options))[1].tobytes()


def with_notes(thumbnail: bytes = b"", **options) -> bytes:
    """A JPEG turned by its camera, whose notes hold a picture of their own: a whole JPEG with its end marker."""
    notes = Image.Exif()
    notes[0x0112] = 6
    return by_pillow(exif=notes.tobytes() + thumbnail, **options)


JPEGS = {
    "pillow": by_pillow(),
    "pillow progressive": by_pillow(progressive=True),
    "pillow grey": by_pillow(mode="L"),
    "pillow cmyk": by_pillow(mode="CMYK"),
    "opencv": by_opencv(),
    "opencv progressive": by_opencv(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "opencv with restarts": by_opencv(".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "thumbnail in its notes": with_notes(by_pillow(quality=20)),
    "thumbnail in its notes, progressive": with_notes(by_pillow(quality=20), progressive=True),
}
OTHERS = {
    "png": by_pillow("PNG"),
    "png with a palette": by_pillow("PNG", "P"),
    "png of 16 bits": cv2.imencode(".png", PIXELS.astype(np.uint16) * 257)[1].tobytes(),
    "png with transparency": by_pillow("PNG", "RGBA"),
    "bmp": by_pillow("BMP"),
    "webp": by_pillow("WEBP"),
}
BEHIND = {"nothing": b"", "zeros": bytes(4096), "line end": b"\r\n", "markers": b"\xff\xda\x00\x0c\xff\xd8\xff\xe1" * 9}


@pytest.mark.parametrize("name", [*JPEGS, *OTHERS])
def test_pixels_are_those_that_opencv_reads_from_the_file(tmp_path, name):
    path = tmp_path / "picture"
    path.write_bytes({**JPEGS, **OTHERS}[name])
    assert np.array_equal(read_picture(path), cv2.imread(str(path), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("name", JPEGS)
def test_whatever_stands_behind_a_whole_jpeg_it_is_whole(tmp_path, name, behind):
    path = tmp_path / "picture.jpg"
    path.write_bytes(JPEGS[name] + BEHIND[behind])
    assert not is_cut_short(path.read_bytes())
    assert np.array_equal(read_picture(path), cv2.imdecode(np.frombuffer(JPEGS[name], np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("padding", [b"", bytes(4096)])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_was_cut_short_is_none_wherever_it_was_cut(tmp_path, capfd, name, padding):
    whole = JPEGS[name]
    cuts = [2, 20, *np.linspace(21, len(whole) - 2, 40).astype(int), len(whole) - 1]
    assert [cut for cut in cuts if not is_cut_short(whole[:cut] + padding)] == []
    path = tmp_path / "picture.jpg"
    for cut in cuts[::4]:
        path.write_bytes(whole[:cut] + padding)
        assert read_picture(path) is None
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", OTHERS)
def test_other_pictures_that_were_cut_short_are_none(tmp_path, name):
    path = tmp_path / "picture"
    for share in (0.3, 0.6, 0.95):
        path.write_bytes(OTHERS[name][: int(share * len(OTHERS[name]))])
        assert read_picture(path) is None


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def huge() -> bytes:
    """A few bytes that claim to be 60,000 by 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


def test_what_is_no_picture_is_left_out_and_listed(tmp_path):
    (tmp_path / "a.jpg").write_bytes(by_opencv())
    (tmp_path / "b.jpg").write_bytes(b"")
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    (tmp_path / "d.png").write_bytes(huge())
    (tmp_path / "e.jpg").mkdir()
    paths = [*sorted(tmp_path.iterdir()), tmp_path / "gone.jpg"]
    good, bad = readable([Sample(path, "own", "1", "1") for path in paths])
    assert [sample.path.name for sample in good] == ["a.jpg"]
    assert list(bad) == paths[1:]


def test_a_name_that_is_no_text_is_a_name_like_any_other(tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    path = Path(os.fsdecode(folder + b"/car_1_cam1.\xff.jpg"))
    path.parent.mkdir()
    path.write_bytes(by_opencv())
    assert read_picture(path).shape == PIXELS.shape

"""Clips made on the spot, small enough to encode in a moment."""

from fractions import Fraction

import av
import numpy as np
import pytest

from simulator.rtsp.clip import AccessUnit, Clip


@pytest.fixture
def encode_clip(tmp_path):
    """Encodes a grey clip and returns its path."""

    def encode(name="clip.mp4", *, frames=24, fps=12, gop=6, b_frames=0, codec="libx264"):
        path = tmp_path / name
        options = {"g": str(gop), "bf": str(b_frames), "sc_threshold": "0", "preset": "ultrafast", "threads": "1"}
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=fps, options=options if codec == "libx264" else {})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for k in range(frames):
                image = np.full((48, 64, 3), (k * 10) % 256, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            container.mux(stream.encode())
        return path

    return encode


@pytest.fixture
def make_clip():
    """A clip of invented packets, with keyframes at the given positions."""

    def make(frames=10, keyframes=(0, 4), fps=Fraction(10), size=40):
        sets = (b"\x67\x42\x00\x0a", b"\x68\xce")
        units = tuple(
            AccessUnit(k, k in keyframes, ((b"\x65" if k in keyframes else b"\x41") + bytes([k % 255 + 1]) * size,))
            for k in range(frames)
        )
        return Clip(fps, 64, 48, sets, units)

    return make

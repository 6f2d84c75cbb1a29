"""A real city server in a thread of its own, and clips that carry their frame number as a picture."""

import asyncio
import itertools
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from services.ingest.cameras import CameraSettings
from services.ingest.source import open_source
from simulator.rtsp.clip import load_clip
from simulator.rtsp.server import CityServer

BITS = 8
WIDTH, HEIGHT = 160, 48
FPS = 20


def burn(number):
    """A picture whose eight columns are the bits of a number."""
    image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    step = WIDTH // BITS
    for bit in range(BITS):
        if number >> bit & 1:
            image[:, bit * step : (bit + 1) * step] = 220
    return image


@pytest.fixture(scope="session")
def burnt_picture():
    """Burns a number into a picture."""
    return burn


@pytest.fixture(scope="session")
def burnt_number():
    """Reads the number back."""

    def read(image):
        step = image.shape[1] // BITS
        columns = [image[:, bit * step + 4 : (bit + 1) * step - 4].mean() > 125 for bit in range(BITS)]
        return sum(1 << bit for bit, lit in enumerate(columns) if lit)

    return read


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory):
    """Encodes a clip of burnt numbers; the same arguments give the same file."""
    folder = tmp_path_factory.mktemp("burnt")
    loaded = {}

    def path(*, frames=60, gop=10, b_frames=0, fps=FPS):
        file = folder / f"{frames}-{gop}-{b_frames}-{Fraction(fps).numerator}.mp4"
        if not file.exists():
            options = {"g": str(gop), "bf": str(b_frames), "sc_threshold": "0", "preset": "ultrafast", "threads": "1"}
            with av.open(str(file), "w") as container:
                stream = container.add_stream("libx264", rate=fps, options=options | {"crf": "20"})
                stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
                for k in range(frames):
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(burn(k), format="bgr24")))
                container.mux(stream.encode())
        return file

    def make(**kwargs):
        file = path(**kwargs)
        if file not in loaded:
            loaded[file] = load_clip(file)
        return loaded[file]

    make.path = path
    return make


class City:
    """A server that tests start, stop and start again."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="city", daemon=True)
        self.thread.start()
        self.servers = []

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def start(self, clip, *, ago_s=0.0, loop=True, **kwargs):
        kwargs.setdefault("t0_ns", time.time_ns() - round(ago_s * 1e9))
        server = CityServer({"c1": clip}, loop=loop, **kwargs)
        self.call(server.start())
        self.servers.append(server)
        return server

    def stop(self, server):
        self.call(server.stop())
        self.servers.remove(server)

    def drop(self, server):
        async def disconnect():
            return server.disconnect("c1")

        return self.call(disconnect())

    def close(self):
        for server in list(self.servers):
            self.stop(server)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def city():
    made = City()
    yield made
    made.close()


@pytest.fixture
def settings_for():
    """Camera settings for a server, with short time-outs."""

    def make(server, *, account="", **kwargs):
        url = server.urls()["c1"].replace("rtsp://", f"rtsp://{account}")
        return CameraSettings(id="c1", url=url, **({"open_timeout_s": 5.0, "read_timeout_s": 3.0} | kwargs))

    return make


@pytest.fixture
def watch(settings_for):
    """Opens a server's camera and reads some frames."""

    def read(server, count, **kwargs):
        source = open_source(settings_for(server, **kwargs), lambda: "session")
        try:
            return list(itertools.islice(source, count))
        finally:
            source.close()

    return read

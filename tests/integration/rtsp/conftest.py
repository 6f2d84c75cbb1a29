"""A real city server in a thread of its own, and clips that carry their frame number as a picture."""

import asyncio
import itertools
import struct
import threading
import time
from fractions import Fraction
from typing import ClassVar

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

    def start(self, clip, *, ago_s=0.0, loop=True, cameras=("c1",), **kwargs):
        kwargs.setdefault("t0_ns", time.time_ns() - round(ago_s * 1e9))
        server = CityServer(dict.fromkeys(cameras, clip), loop=loop, **kwargs)
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

    def inject(self, server, fault):
        self.call(server.inject(fault))

    def heal(self, server):
        self.call(server.heal())

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

    def make(server, *, camera="c1", account="", **kwargs):
        url = server.urls()[camera].replace("rtsp://", f"rtsp://{account}")
        return CameraSettings(id=camera, url=url, **({"open_timeout_s": 5.0, "read_timeout_s": 3.0} | kwargs))

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


class Client:
    """An RTSP client that does nothing by itself."""

    #: Of the conversation that goes on, to be closed with it.
    opened: ClassVar = []

    def __init__(self, reader, writer, url):
        self.reader, self.writer, self.url = reader, writer, url
        self.cseq = 0
        self.packets = []

    @classmethod
    async def connect(cls, server, camera="c1"):
        url = server.urls()[camera]
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        cls.opened.append(writer)
        return cls(reader, writer, url)

    def send(self, method, url=None, **headers):
        self.cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self.cseq}"]
        lines += [f"{k}: {v}" for k, v in headers.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def ask(self, method, url=None, **headers):
        self.send(method, url, **headers)
        return await self.reply()

    async def reply(self):
        while True:
            first = await self.reader.readexactly(1)
            if first == b"$":
                await self._packet()
                continue
            head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.strip().split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines[1:])
            body = await self.reader.readexactly(int(fields.get("Content-Length", 0)))
            return int(lines[0].split()[1]), fields, body.decode()

    async def next_packet(self):
        while not self.packets:
            assert await self.reader.readexactly(1) == b"$"
            await self._packet()
        return self.packets.pop(0)

    async def media(self):
        """The next packet of the media channel."""
        while True:
            channel, packet = await self.next_packet()
            if channel == 0:
                return packet

    async def is_quiet(self, for_s=0.3):
        """Nothing arrives for a while."""
        assert not self.packets
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.reader.readexactly(1), for_s)

    async def _packet(self):
        channel, size = struct.unpack("!BH", await self.reader.readexactly(3))
        self.packets.append((channel, await self.reader.readexactly(size)))

    async def set_up(self):
        status, headers, _ = await self.ask(
            "SETUP", f"{self.url}/track1", Transport="RTP/AVP/TCP;unicast;interleaved=0-1"
        )
        assert status == 200
        return headers["Session"].split(";")[0]


def run_conversation(clip, conversation, *, ago_s=1.0, loop=True, cameras=("c1",), **kwargs):
    """Runs a conversation with a fresh server."""

    async def run():
        server = CityServer(
            dict.fromkeys(cameras, clip), t0_ns=time.time_ns() - round(ago_s * 1e9), loop=loop, **kwargs
        )
        await server.start()
        try:
            async with asyncio.timeout(30):
                return await conversation(await Client.connect(server), server)
        finally:
            for writer in Client.opened:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in Client.opened), return_exceptions=True)
            Client.opened.clear()
            await server.stop()

    return asyncio.run(run())


@pytest.fixture(scope="session")
def connect():
    """Connects a raw client to a server's camera."""
    return Client.connect


@pytest.fixture(scope="session")
def talk():
    """Runs a conversation of raw clients with a fresh server."""
    return run_conversation

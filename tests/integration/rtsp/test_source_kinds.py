"""Sources beyond plain RTSP over TCP: TLS, UDP, passwords by reference, HTTP MJPEG, H.265, the camera's own clock."""

import asyncio
import http.server
import itertools
import shutil
import ssl
import subprocess
import threading
import time

import av
import cv2
import numpy as np
import pytest

from services.errors import SourceUnavailable
from services.ingest.cameras import CameraSettings
from services.ingest.source import open_source
from simulator.clock import CameraClock
from simulator.rtsp.auth import Credentials
from simulator.rtsp.faults.schedule import FaultSchedule
from simulator.rtsp.faults.script import FaultPlan


def some(settings, count):
    source = open_source(settings, lambda: "session")
    try:
        return list(itertools.islice(source, count))
    finally:
        source.close()


def numbers(frames, burnt_number):
    return [burnt_number(frame.image) for frame in frames]


def test_a_password_is_read_where_the_settings_refer_to(
    city, make_clip, settings_for, burnt_number, tmp_path, monkeypatch
):
    server = city.start(make_clip(), credentials=Credentials("me", "p@ss/word:1"))
    (tmp_path / "secret").write_text("p@ss/word:1\n")
    monkeypatch.setenv("CAMERA_WORD", "p@ss/word:1")
    for reference in (f"file:{tmp_path / 'secret'}", "env:CAMERA_WORD"):
        frames = some(settings_for(server, user="me", password=reference, transport="udp"), 5)
        seen = numbers(frames, burnt_number)
        assert seen == [frame.index % 60 for frame in frames]
    monkeypatch.setenv("CAMERA_WORD", "other")
    with pytest.raises(SourceUnavailable, match="refused"):
        some(settings_for(server, user="me", password="env:CAMERA_WORD"), 1)
    with pytest.raises(SourceUnavailable, match="no environment variable NOWHERE"):
        some(settings_for(server, user="me", password="env:NOWHERE"), 1)


def test_frames_are_dated_by_the_camera_s_clock_where_that_was_asked(city, make_clip, settings_for):
    """Its clock is 5 s ahead: by sender reports every frame is, and its age is told all the same."""
    plan = FaultPlan(FaultSchedule(("c1",)), {"c1": CameraClock(offset_s=5.0)})
    server = city.start(make_clip(), ago_s=3.0, plan=plan)
    frames = some(settings_for(server, clock="camera"), 10)
    assert {frame.clock for frame in frames} == {"camera"}
    for frame in frames:
        assert frame.captured_at_ns - frame.seen_at_ns == pytest.approx(5e9, abs=0.5e9)
        exact_ns = server.t0_ns + frame.index * 50_000_000 + 5_000_000_000
        assert abs(frame.captured_at_ns - exact_ns) < 20_000_000
    by_host = some(settings_for(server), 3)
    assert {frame.clock for frame in by_host} == {"host"}
    assert all(frame.seen_at_ns == frame.captured_at_ns for frame in by_host)
    assert abs(by_host[0].captured_at_ns - time.time_ns()) < 3e9


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
        pass
    writer.close()


@pytest.fixture
def tls_front(tmp_path):
    """Puts TLS before a server's port; gives the port of the front."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program to make a certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    fronts = []

    def front(port):
        async def serve(reader, writer):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

        async def begin():
            fronts.append(await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
            return fronts[-1].sockets[0].getsockname()[1]

        return asyncio.run_coroutine_threadsafe(begin(), loop).result(20)

    yield front

    async def end():
        for server in fronts:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_rtsp_over_tls(city, make_clip, tls_front, burnt_number):
    server = city.start(make_clip(), ago_s=1.0)
    inner = int(server.urls()["c1"].split(":")[2].split("/")[0])
    port = tls_front(inner)
    frames = some(CameraSettings(id="c1", url=f"rtsps://127.0.0.1:{port}/c1", read_timeout_s=5.0), 5)
    assert numbers(frames, burnt_number) == [frame.index % 60 for frame in frames]


@pytest.fixture
def mjpeg_server():
    """A camera that gives JPEG pictures over HTTP, ten a second, each with its number burnt in."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                for number in range(200):
                    image = np.full((48, 160, 3), 30, np.uint8)
                    for bit in range(8):
                        if number >> bit & 1:
                            image[:, bit * 20 : bit * 20 + 20] = 220
                    data = cv2.imencode(".jpg", image)[1].tobytes()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                    self.wfile.write(head.encode() + data + b"\r\n")
                    time.sleep(0.1)
            except OSError:
                return

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/video"
    server.shutdown()
    server.server_close()


def test_mjpeg_over_http(mjpeg_server, burnt_number):
    frames = some(CameraSettings(id="c1", url=mjpeg_server, read_timeout_s=5.0), 8)
    seen = numbers(frames, burnt_number)
    assert seen == list(range(seen[0], seen[0] + 8))
    assert all(abs(frame.captured_at_ns - time.time_ns()) < 5e9 for frame in frames)


def test_a_reader_that_is_too_slow_stays_near_the_live_edge(city, make_clip, settings_for, burnt_number):
    """Four frames in five cannot be taken: packets are skipped, what comes is whole, and it does not get older."""
    server = city.start(make_clip(), ago_s=1.0)
    source = open_source(settings_for(server), lambda: "session")
    ages_s = []
    try:
        for frame in itertools.islice(source, 24):
            assert burnt_number(frame.image) == frame.index % 60
            ages_s.append((time.time_ns() - frame.captured_at_ns) / 1e9)
            time.sleep(0.25)
    finally:
        source.close()
    assert source.pace.left_out["skipped"] > 10
    # Unpaced, the last of 24 frames would be five seconds old.
    assert max(ages_s) < 3.0


@pytest.mark.parametrize("codec", ["libx265", "mjpeg"])
def test_other_codecs_in_files(codec, tmp_path, burnt_picture, burnt_number):
    path = tmp_path / ("clip.mkv" if codec == "mjpeg" else "clip.mp4")
    options = {"x265-params": "log-level=none:pools=1"} if codec == "libx265" else {}
    try:
        container = av.open(str(path), "w")
        stream = container.add_stream(codec, rate=10, options=options)
    except (av.FFmpegError, ValueError):
        pytest.skip(f"this FFmpeg has no {codec}")
    stream.width, stream.height = 160, 48
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    for number in range(12):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(burnt_picture(number), format="bgr24")))
    container.mux(stream.encode())
    container.close()
    frames = some(CameraSettings(id="c1", url=str(path)), 100)
    assert numbers(frames, burnt_number) == list(range(12))
    assert [frame.index for frame in frames] == list(range(12))

"""Our source against the real server and against servers that misbehave."""

import contextlib
import gc
import io
import itertools
import socket
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.errors import SourceGone, SourceUnavailable
from services.ingest.cameras import CameraSettings
from services.ingest.source import open_source
from simulator.rtsp.auth import Credentials
from simulator.rtsp.clip import AccessUnit, Clip
from simulator.rtsp.connection import Limits


def test_the_end_of_the_city_is_a_clean_end_then_gone(city, make_clip, watch):
    server = city.start(make_clip(frames=30), ago_s=-0.5, loop=False)
    for transport in ("tcp", "udp"):
        if transport == "tcp":
            frames = watch(server, 1000, transport=transport)
            assert frames[-1].index == 29
        else:
            with pytest.raises(SourceGone) as caught:
                watch(server, 1, transport=transport)
            assert caught.value.for_good


def test_goodbye_reaches_udp_clients_too(city, make_clip, watch):
    frames = watch(city.start(make_clip(frames=30), ago_s=-0.5, loop=False), 1000, transport="udp")
    assert frames[-1].index == 29


def test_an_unknown_camera_is_gone_but_not_for_good(city, make_clip, settings_for):
    settings = settings_for(city.start(make_clip()))
    with pytest.raises(SourceGone) as caught:
        open_source(settings.model_copy(update={"url": f"{settings.url}x"}), lambda: "s")
    assert not caught.value.for_good


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_right_password_opens(city, make_clip, watch, transport):
    server = city.start(make_clip(), credentials=Credentials("me", "p@ss:w"))
    assert len(watch(server, 3, account="me:p%40ss%3Aw@", transport=transport)) == 3


@pytest.mark.parametrize("account", ["", "me:hunter2@", "you:secret@"])
def test_a_wrong_password_is_said_without_it(city, make_clip, watch, account):
    server = city.start(make_clip(), credentials=Credentials("me", "secret"))
    with pytest.raises(SourceUnavailable, match="user or password refused"):
        watch(server, 1, account=account)


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="refused") as caught:
        open_source(CameraSettings(id="c", url=f"rtsp://me:hunter2@127.0.0.1:{port}/c"), lambda: "s")
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def rogue():
    """A TCP server that answers every connection with pieces of bytes, or with silence."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept = []

    def serve(pieces):
        def answer():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                kept.append(client)
                for piece in pieces:
                    with contextlib.suppress(OSError):
                        client.sendall(piece)

        threading.Thread(target=answer, daemon=True).start()
        return listener.getsockname()[1]

    yield serve
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for client in kept:
        client.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_our_keepalive_outlasts_the_servers_session_timeout(city, make_clip, watch, transport):
    server = city.start(make_clip(), limits=Limits(session_timeout_s=1.0))
    assert len(watch(server, 50, transport=transport)) == 50


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_reconnecting_leaves_nothing_behind(city, make_clip, watch, transport):
    def held():
        gc.collect()
        resident_kb = int(Path("/proc/self/statm").read_text().split()[1]) * 4
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir())), resident_kb

    server = city.start(make_clip(), ago_s=3.0)
    for _ in range(3):
        watch(server, 1, transport=transport)
    threads, files, resident_kb = held()
    for _ in range(12):
        watch(server, 1, transport=transport)
    while server.connections:
        time.sleep(0.01)
    after = held()
    assert after[0] <= threads
    assert after[1] <= files + 1
    assert after[2] - resident_kb < 12_000


def test_motion_jpeg_over_http_is_timed_by_its_arrival(rogue, burnt_picture, burnt_number):
    boundary = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"

    def pictures():
        yield b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n"
        for number in range(30):
            data = io.BytesIO()
            Image.fromarray(burnt_picture(number)).save(data, "jpeg")
            yield boundary % (len(data.getvalue()), data.getvalue())
            time.sleep(0.05)

    settings = CameraSettings(id="c", url=f"http://127.0.0.1:{rogue(pictures())}/live", read_timeout_s=2)
    source = open_source(settings, lambda: "s")
    # The first ones may come at once: they waited while the stream was being recognised.
    frames = list(itertools.islice(source, 20))
    source.close()
    numbers = [burnt_number(f.image) for f in frames]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert all(a.captured_at_ns < b.captured_at_ns for a, b in itertools.pairwise(frames))
    assert frames[-1].captured_at_ns - frames[0].captured_at_ns > 100_000_000


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200 OK\r\n\r\n<html>", bytes(range(256)) * 40, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" * 3],
    ids=["silence", "http", "noise", "empty-replies"],
)
def test_a_server_that_is_no_camera(rogue, data):
    settings = CameraSettings(id="c", url=f"rtsp://127.0.0.1:{rogue([data])}/c", open_timeout_s=1, read_timeout_s=1)
    with pytest.raises(SourceUnavailable) as caught:
        list(open_source(settings, lambda: "s"))
    assert "\n" not in str(caught.value)


def test_packets_of_garbage_are_a_lost_stream(city, make_clip, watch):
    good = make_clip()
    rng = np.random.default_rng(1)
    units = tuple(
        AccessUnit(u.frame, u.keyframe, tuple(nal[:1] + rng.bytes(len(nal)) for nal in u.nals)) for u in good.units
    )
    server = city.start(Clip(good.fps, good.width, good.height, good.parameter_sets, units))
    with pytest.raises(SourceUnavailable):
        watch(server, 1000, read_timeout_s=1.0)


def test_a_stream_that_falls_silent_is_lost_not_ended(city, make_clip, watch):
    server = city.start(make_clip(), ago_s=-30.0)
    with pytest.raises(SourceUnavailable, match="no data for 1 s"):
        watch(server, 1, open_timeout_s=1.0, read_timeout_s=1.0)


def test_a_cut_connection_ends_the_session(city, make_clip, settings_for):
    server = city.start(make_clip())
    source = open_source(settings_for(server), lambda: "s")
    next(source)
    assert city.drop(server) == 1
    for _ in range(200):
        try:
            next(source)
        except (StopIteration, SourceUnavailable):
            break
    else:
        pytest.fail("the session went on without a connection")
    source.close()


def test_another_picture_size_ends_the_session(city, make_clip, watch, tmp_path):
    import av

    from simulator.rtsp.clip import load_clip

    small = make_clip(frames=20)
    path = tmp_path / "large.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"g": "10", "bf": "0", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 192, 96, "yuv420p"
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((96, 192, 3), np.uint8), format="bgr24")))
        container.mux(stream.encode())
    large = load_clip(path)
    grown = [
        AccessUnit(20 + u.frame, u.keyframe, (large.parameter_sets if u.keyframe else ()) + u.nals) for u in large.units
    ]
    server = city.start(Clip(Fraction(20), 160, 48, small.parameter_sets, (*small.units, *grown)), ago_s=0.3)
    with pytest.raises(SourceUnavailable, match="picture size changed from 160x48 to 192x96"):
        watch(server, 1000)

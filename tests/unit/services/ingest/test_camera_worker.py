import itertools
import threading
import time

import numpy as np
import pytest
from PIL import Image

from detector.types import Frame
from services.errors import SourceGone, SourceUnavailable
from services.ingest import camera as camera_module
from services.ingest.camera import Backoff, CameraWorker
from services.ingest.cameras import CameraSettings
from services.ingest.slot import LatestFrames
from services.ingest.source import Source, open_source

IMAGE = np.zeros((2, 2, 3), np.uint8)


class ScriptedCamera:
    """An opener whose sessions follow a script: an exception to raise, or steps that give, raise, block or end."""

    def __init__(self, *sessions):
        self.sessions = list(sessions)
        self.opened = 0
        self.closed = 0
        self.release = threading.Event()

    def __call__(self, settings, session_ids):
        session_id = session_ids()
        steps = self.sessions[min(self.opened, len(self.sessions) - 1)]
        self.opened += 1
        if isinstance(steps, Exception):
            raise steps
        return Source(session_id, self._frames(settings.id, session_id, steps), self._close)

    def _close(self):
        self.closed += 1

    def _frames(self, camera_id, session_id, steps):
        for index, step in enumerate(steps):
            if isinstance(step, Exception):
                raise step
            if step == "block":
                self.release.wait(60)
            yield Frame(camera_id, session_id, index, index, "host", IMAGE)


@pytest.fixture
def run(monkeypatch):
    """Starts workers and stops them at the end; collects their states and lets a test wait for one."""
    monkeypatch.setattr(camera_module, "FIRST_BACKOFF_S", 0.01)
    monkeypatch.setattr(camera_module, "WATCHDOG_GRACE_S", 0.1)
    started = []

    def start(opener, *, url="rtsp://h/c", slot=None, once=False, **settings):
        ids = map("session-{}".format, itertools.count())
        states, changed = [], threading.Condition()

        def on_state(state):
            with changed:
                states.append(state)
                changed.notify_all()

        def wait_for(predicate):
            with changed:
                assert changed.wait_for(lambda: any(predicate(s) for s in states), 20), states
                return next(s for s in states if predicate(s))

        chosen = {"read_timeout_s": 5.0, "open_timeout_s": 1.0} | settings
        camera = CameraSettings(id="c1", url=url, **chosen)
        worker = CameraWorker(
            camera, slot or LatestFrames(), once=once, on_state=on_state, session_ids=lambda: next(ids), opener=opener
        )
        worker._backoff = Backoff(first_s=0.01, max_s=0.05)
        started.append((worker, opener))
        worker.start()
        return worker, states, wait_for

    yield start
    for worker, opener in started:
        if isinstance(opener, ScriptedCamera):
            opener.release.set()
        worker.stop(5.0)


def test_a_lost_stream_comes_back_as_a_new_session(run):
    camera = ScriptedCamera([1, SourceUnavailable("no data for 10 s")], [1, 1, "block"])
    worker, states, wait_for = run(camera)
    wait_for(lambda s: s.state == "up" and s.reconnects == 1)
    assert [(s.state, s.session_id, s.detail) for s in states] == [
        ("starting", "", ""),
        ("up", "session-0", ""),
        ("down", "session-0", "no data for 10 s"),
        ("up", "session-1", ""),
    ]
    assert worker.state == states[-1]
    assert camera.closed == 1


def test_an_unreachable_camera_is_tried_for_ever_and_told_once(run):
    camera = ScriptedCamera(*[SourceUnavailable("Connection refused: rtsp://me:hunter2@h/c")] * 5, [1, "block"])
    _, states, wait_for = run(camera)
    wait_for(lambda s: s.state == "up")
    assert [s.state for s in states] == ["starting", "down", "up"]
    assert states[1].detail == "Connection refused: rtsp://me:***@h/c"
    assert states[-1].reconnects == 0


def test_a_file_ends_at_its_end(run):
    slot = LatestFrames()
    _, states, wait_for = run(ScriptedCamera([1, 1, 1]), url="clip.mp4", slot=slot)
    indices = [slot.take(4, 10.0)[0].index for _ in range(3)]
    wait_for(lambda s: s.state == "ended")
    assert indices == [0, 1, 2]
    assert states[-1].detail == ""


def test_a_file_that_cannot_be_read_ends_with_the_reason_when_run_once(run):
    _, states, wait_for = run(ScriptedCamera(SourceUnavailable("no such file: x")), url="clip.mp4", once=True)
    wait_for(lambda s: s.state == "ended")
    assert states[-1].detail == "no such file: x"


def test_once_a_stream_ends_when_the_server_says_that_it_is_over(run):
    camera = ScriptedCamera([1], SourceGone("gone", for_good=True))
    _, states, wait_for = run(camera, once=True)
    wait_for(lambda s: s.state == "ended")
    assert [s.state for s in states] == ["starting", "up", "down", "ended"]


def test_once_a_stream_that_its_server_forgets_for_a_moment_comes_back(run):
    camera = ScriptedCamera([1], *[SourceGone("the server knows no such stream", for_good=False)] * 3, [1, "block"])
    _, states, wait_for = run(camera, once=True)
    wait_for(lambda s: s.reconnects == 1)
    assert "ended" not in [s.state for s in states]


def test_once_a_stream_that_its_server_forgot_for_long_has_ended(run, monkeypatch):
    monkeypatch.setattr(camera_module, "GONE_AFTER_S", 0.05)
    _, _, wait_for = run(ScriptedCamera([1], SourceGone("gone", for_good=False)), once=True)
    wait_for(lambda s: s.state == "ended")


def test_once_an_address_that_was_never_known_is_down_not_ended(run):
    camera = ScriptedCamera(*[SourceGone("the server knows no such stream", for_good=False)] * 3, [1, "block"])
    _, states, wait_for = run(camera, once=True)
    wait_for(lambda s: s.state == "up")
    assert [s.state for s in states] == ["starting", "down", "up"]


def test_a_worker_that_comes_after_the_end_ends_too(run):
    _, _, wait_for = run(ScriptedCamera(SourceGone("over", for_good=True)), once=True)
    wait_for(lambda s: s.state == "ended")


def test_without_once_a_forgotten_stream_is_tried_again(run):
    _, _, wait_for = run(ScriptedCamera([1], SourceGone("gone", for_good=True), [1, "block"]))
    wait_for(lambda s: s.reconnects == 1)


def test_a_read_that_hangs_is_given_up_and_replaced(run):
    slot = LatestFrames()
    camera = ScriptedCamera([1, "block", 1], [1, "block"])
    worker, _, wait_for = run(camera, slot=slot, read_timeout_s=0.2)
    wait_for(lambda s: s.state == "down" and s.abandoned == 1)
    wait_for(lambda s: s.state == "up" and s.reconnects == 1)
    slot.take(4, 5.0)
    camera.release.set()
    assert worker.state.abandoned >= 1


@pytest.fixture
def play(run, tmp_path):
    """Plays a folder of so many pictures in real time; gives its worker, its slot and ``wait_for``."""

    def start(count, **settings):
        for number in range(count):
            Image.new("RGB", (8, 6)).save(tmp_path / f"{number}.png")
        slot = LatestFrames()
        worker, _, wait_for = run(open_source, url=str(tmp_path), slot=slot, realtime=True, **settings)
        return worker, slot, wait_for

    return start


def test_a_gap_in_what_is_played_is_no_read_that_hangs(play):
    began_s = time.monotonic()
    worker, slot, wait_for = play(2, image_fps=0.6, read_timeout_s=0.2)
    indices = [slot.take(1, 10.0)[0].index for _ in range(2)]
    assert time.monotonic() - began_s > 1.6
    assert indices == [0, 1]
    wait_for(lambda s: s.state == "ended")
    assert worker.state.abandoned == 0


def test_what_is_played_does_not_stand_still_when_the_hosts_clock_is_set_back(play, monkeypatch):
    _, slot, _ = play(3, image_fps=3.0)
    slot.take(1, 10.0)
    now_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() - 3600 * 10**9)
    assert [frame.index for _ in range(2) for frame in slot.take(1, 5.0)] == [1, 2]


def test_stop_does_not_wait_for_a_frame_that_is_due_later(play):
    worker, _, wait_for = play(2, image_fps=0.01)
    wait_for(lambda s: s.state == "up")
    assert worker.stop(5.0)


def test_an_unforeseen_error_costs_one_session(run, caplog):
    camera = ScriptedCamera([1, RuntimeError("rtsp://me:hunter2@h")], [1, "block"])
    _, states, wait_for = run(camera)
    wait_for(lambda s: s.reconnects == 1)
    assert "internal error: RuntimeError" in [s.detail for s in states]
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text


def test_stop_ends_its_threads_even_while_a_file_waits(run):
    slot = LatestFrames()
    worker, _, wait_for = run(ScriptedCamera([1, 1, 1]), url="clip.mp4", slot=slot)
    wait_for(lambda s: s.state == "up")
    assert worker.stop(10.0)
    offered = slot.counts("c1").offered
    slot.take(4, 0.0)
    assert slot.counts("c1").offered == offered


def test_back_off_grows_to_its_limit_with_jitter():
    backoff = Backoff(first_s=0.5, max_s=10.0)
    pauses = [backoff.next_s() for _ in range(12)]
    assert all(0.5 * c <= p <= c for p, c in zip(pauses, [0.5, 1, 2, 4, 8] + [10] * 7, strict=True))
    assert len(set(pauses)) > 1
    backoff.reset()
    assert backoff.next_s() <= 0.5

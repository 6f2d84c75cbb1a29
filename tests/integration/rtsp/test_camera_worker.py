"""A camera worker against the real server: whatever the server does, only this camera notices, and it comes back."""

import threading
import time
from collections import defaultdict

import pytest

from services.ingest.camera import CameraWorker
from services.ingest.slot import LatestFrames
from simulator.rtsp.auth import Credentials


class Collector:
    """Takes frames and states while a test waits for something to become true."""

    def __init__(self):
        self.slot = LatestFrames()
        self.frames = []
        self.states = []
        self.changed = threading.Condition()
        self.workers = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while not self.slot.closed:
            taken = self.slot.take(8, 1.0)
            with self.changed:
                self.frames.extend(taken)
                self.changed.notify_all()

    def on_state(self, state):
        with self.changed:
            self.states.append(state)
            self.changed.notify_all()

    def start(self, settings, **kwargs):
        worker = CameraWorker(settings, self.slot, on_state=self.on_state, **kwargs)
        self.workers.append(worker)
        worker.start()
        return worker

    def wait(self, predicate):
        with self.changed:
            assert self.changed.wait_for(predicate, 40), (self.states, len(self.frames))

    def sessions(self):
        indices = defaultdict(list)
        for frame in self.frames:
            indices[frame.session_id].append(frame.index)
        return list(indices.values())


@pytest.fixture
def collector():
    made = Collector()
    yield made
    assert all(worker.stop(20.0) for worker in made.workers)
    made.slot.close()


def test_a_dropped_camera_comes_back_as_a_new_session_and_counts_on(city, make_clip, settings_for, collector):
    server = city.start(make_clip(), ago_s=1.0)
    worker = collector.start(settings_for(server))
    collector.wait(lambda: len(collector.frames) >= 5)
    city.drop(server)
    collector.wait(lambda: len(collector.sessions()) == 2)
    first, second = collector.sessions()
    assert first == sorted(first)
    assert second[0] > first[-1]
    assert worker.state.reconnects == 1
    assert "down" in {state.state for state in collector.states}


def test_a_restarted_server_is_found_again(city, make_clip, settings_for, collector, burnt_number):
    t0_ns = time.time_ns() - 1_000_000_000
    server = city.start(make_clip(), t0_ns=t0_ns)
    settings = settings_for(server)
    port = int(settings.url.split(":")[2].split("/")[0])
    collector.start(settings)
    collector.wait(lambda: len(collector.frames) >= 3)
    city.stop(server)
    collector.wait(lambda: collector.states[-1].state == "down")
    city.start(make_clip(), t0_ns=t0_ns, port=port)
    collector.wait(lambda: len(collector.sessions()) == 2)
    frames = list(collector.frames)  # More of them come meanwhile.
    assert [f.index % 60 for f in frames] == [burnt_number(f.image) for f in frames]


def test_a_wrong_password_is_down_with_a_reason_and_no_password(city, make_clip, settings_for, collector, caplog):
    server = city.start(make_clip(), credentials=Credentials("me", "right"))
    collector.start(settings_for(server, account="me:hunter2@"))
    collector.wait(lambda: collector.states[-1].state == "down")
    assert collector.states[-1].detail == "user or password refused"
    assert "hunter2" not in f"{collector.states} {caplog.text}"


def test_one_camera_that_is_down_leaves_the_other_alone(city, make_clip, settings_for, collector):
    server = city.start(make_clip())
    settings = settings_for(server)
    collector.start(settings.model_copy(update={"id": "dead", "url": f"{settings.url}x"}))
    collector.start(settings)
    collector.wait(lambda: len(collector.frames) >= 10)
    assert {frame.camera_id for frame in collector.frames} == {"c1"}
    assert [s.state for s in collector.states if s.camera_id == "dead"] == ["starting", "down"]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_once_the_city_is_over_so_is_the_camera(city, make_clip, settings_for, collector, transport):
    server = city.start(make_clip(frames=40), ago_s=-0.7, loop=False)
    collector.start(settings_for(server, transport=transport), once=True)
    collector.wait(lambda: collector.states[-1].state == "ended")
    assert collector.states[-1].detail == ""
    collector.wait(lambda: collector.frames[-1].index == 39)


def test_a_file_is_read_completely_and_ends(make_clip, collector):
    from services.ingest.cameras import CameraSettings

    collector.start(CameraSettings(id="file", url=str(make_clip.path())), once=True)
    collector.wait(lambda: collector.states[-1].state == "ended")
    collector.wait(lambda: len(collector.frames) == 60)
    assert [f.index for f in collector.frames] == list(range(60))

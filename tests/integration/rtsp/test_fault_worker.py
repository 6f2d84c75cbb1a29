"""The product's camera workers while one of their cameras fails: it comes back, its neighbour goes on."""

import threading
from collections import Counter

import pytest

from services.ingest.camera import CameraWorker
from services.ingest.slot import LatestFrames
from simulator.rtsp.faults.kinds import Drop, Garbage, Loss, Password, Resolution, Restart, Slow, Stall


class Watcher:
    """Counts frames per camera and keeps states, while a test waits for something to become true."""

    def __init__(self):
        self.slot = LatestFrames()
        self.frames = Counter()
        self.sizes = []
        self.states = []
        self.changed = threading.Condition()
        self.workers = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while not self.slot.closed:
            taken = self.slot.take(8, 1.0)
            with self.changed:
                self.frames.update(frame.camera_id for frame in taken)
                self.sizes.extend(frame.image.shape[:2] for frame in taken if frame.camera_id == "c1")
                self.changed.notify_all()

    def on_state(self, state):
        with self.changed:
            self.states.append(state)
            self.changed.notify_all()

    def start(self, settings, *, once=False):
        worker = CameraWorker(settings, self.slot, once=once, on_state=self.on_state)
        self.workers.append(worker)
        worker.start()

    def wait(self, predicate):
        with self.changed:
            assert self.changed.wait_for(predicate, 60), (self.states, self.frames)

    def seen(self, camera):
        return [state.state for state in self.states if state.camera_id == camera]

    def details(self):
        return {state.detail for state in self.states if state.camera_id == "c1" and state.state == "down"}

    def more(self, camera, count):
        before = self.frames[camera]
        self.wait(lambda: self.frames[camera] >= before + count)


@pytest.fixture
def watcher():
    made = Watcher()
    yield made
    assert all(worker.stop(20.0) for worker in made.workers)
    made.slot.close()


@pytest.fixture
def two_cameras(city, make_clip, settings_for, watcher, tmp_path, request):
    """Two workers on two cameras of one server, both up; over TCP unless a test says otherwise."""
    server = city.start(make_clip(), ago_s=1.0, cameras=("c1", "c2"), cache=tmp_path)
    patience = {"read_timeout_s": 1.0, "open_timeout_s": 1.0, "transport": getattr(request, "param", "tcp")}
    for camera in ("c1", "c2"):
        watcher.start(settings_for(server, camera=camera, **patience))
    watcher.wait(lambda: watcher.frames["c1"] >= 5 and watcher.frames["c2"] >= 5)
    return server


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Drop(), ""),
        (Drop(how="refuse"), ""),
        (Drop(how="missing"), "the server knows no such stream"),
        (Drop(how="silent"), "no data for 1 s"),
        (Stall(), "no data for 1 s"),
        (Garbage(), ""),
        (Garbage(where="framing"), ""),
        (Password(user="you", password="secret"), "user or password refused"),
        (Restart(for_s=60), ""),
    ],
    ids=lambda value: f"{value.kind}-{value.summary()}" if hasattr(value, "kind") else "",
)
def test_a_faulty_camera_is_down_with_a_reason_and_returns_while_its_neighbour_goes_on(
    city, watcher, two_cameras, fault, says
):
    city.inject(two_cameras, fault.model_copy(update={"camera": "c1"}))
    watcher.wait(lambda: "down" in watcher.seen("c1"))
    if says:
        watcher.wait(lambda: says in watcher.details())
    watcher.more("c2", 10)
    city.heal(two_cameras)
    watcher.wait(lambda: watcher.seen("c1")[-1] == "up")
    watcher.more("c1", 5)
    assert watcher.seen("c2") == ["starting", "up"]


@pytest.mark.parametrize("two_cameras", ["udp"], indirect=True)
@pytest.mark.parametrize("fault", [Drop(), Garbage(where="framing")], ids=["drop", "garbage"])
def test_over_udp_too(city, watcher, two_cameras, fault):
    city.inject(two_cameras, fault.model_copy(update={"camera": "c1"}))
    watcher.wait(lambda: "down" in watcher.seen("c1"))
    city.heal(two_cameras)
    watcher.wait(lambda: watcher.seen("c1")[-1] == "up")
    assert watcher.seen("c2") == ["starting", "up"]


@pytest.mark.parametrize("announce", ["in_band", "reconnect"])
def test_a_new_picture_size_is_a_new_session_of_that_size(city, watcher, two_cameras, announce):
    city.inject(two_cameras, Resolution(camera="c1", size=(96, 32), announce=announce))
    watcher.wait(lambda: watcher.sizes[-1] == (32, 96))
    city.heal(two_cameras)
    watcher.wait(lambda: watcher.sizes[-1] == (48, 160))
    assert watcher.seen("c1").count("up") >= 3
    assert watcher.seen("c2") == ["starting", "up"]


@pytest.mark.parametrize("fault", [Slow(latency_s=0.5, jitter_s=0.2), Loss(share=0.05)], ids=["late", "lossy"])
def test_a_bad_link_is_no_outage(city, watcher, two_cameras, fault):
    city.inject(two_cameras, fault.model_copy(update={"camera": "c1"}))
    watcher.more("c1", 20)
    assert watcher.seen("c2") == ["starting", "up"]


def test_a_restart_of_all_takes_all_down_and_all_come_back(city, watcher, two_cameras):
    city.inject(two_cameras, Restart(for_s=1.0))
    watcher.wait(lambda: "down" in watcher.seen("c1") and "down" in watcher.seen("c2"))
    watcher.wait(lambda: watcher.seen("c1")[-1] == watcher.seen("c2")[-1] == "up")
    watcher.more("c1", 5)
    watcher.more("c2", 5)


def test_a_camera_that_its_server_forgets_for_a_while_is_read_to_the_city_s_end(city, make_clip, settings_for, watcher):
    """With ``once`` too: only the server's word that it is over ends a camera, not a 404."""
    server = city.start(make_clip(frames=200), ago_s=1.0, loop=False)
    watcher.start(settings_for(server, read_timeout_s=1.0, open_timeout_s=1.0), once=True)
    watcher.wait(lambda: watcher.frames["c1"] >= 5)
    city.inject(server, Drop(camera="c1", how="missing", for_s=2.0))
    watcher.wait(lambda: "the server knows no such stream" in watcher.details())
    watcher.wait(lambda: any(state.reconnects == 1 for state in watcher.states))
    assert "ended" not in watcher.seen("c1")
    watcher.wait(lambda: watcher.seen("c1")[-1] == "ended")

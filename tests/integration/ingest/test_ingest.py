"""Whole runs of ingest in this process: real decoding, detector, tracker and embedder, the store in memory."""

import os
import signal
import threading
import time

import av
import cv2
import numpy as np
import pytest

from detector.types import VEHICLE_CLASSES, VehicleClass
from services.crops import CropStore
from services.errors import StoreUnavailable
from services.identity.memory_store import MemoryStore
from services.ingest.cameras import CameraSettings
from services.ingest.runner import IngestParts, build_ingest
from services.ingest.settings import IngestSettings

FPS = 10


@pytest.fixture
def make(detector, embedder, tmp_path):
    def build(cameras, store, *, once=True, **settings):
        return build_ingest(
            IngestParts(
                store=store,
                crop_store=CropStore(str(tmp_path / "crops")),
                detector=detector,
                embedder=embedder,
                cameras=cameras,
                once=once,
                settings=IngestSettings(**settings),
            )
        )

    return build


def film_of_passes(path, bus_jpg, passes=2):
    """A film of a bus that crosses the picture, again and again with an empty street between."""
    photo = cv2.imread(str(bus_jpg))
    bus = cv2.resize(photo[220:780], (288, 200))
    street = np.full((360, 640, 3), 120, np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for _ in range(passes):
            for left in [*range(0, 340, 16), *[None] * 19]:
                picture = street.copy()
                if left is not None:
                    picture[100:300, left : left + 288] = bus
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))


def test_a_photograph_becomes_one_sighting(make, bus_jpg, tmp_path):
    store = MemoryStore()
    ingest = make([CameraSettings(id="gate", url=str(bus_jpg))], store)
    assert ingest.run() == 0
    sightings = [sighting for sighting, _ in store.scan_sightings()]
    assert len(sightings) == 1
    sighting = sightings[0]
    assert sighting.final
    assert sighting.camera_id == "gate"
    assert VEHICLE_CLASSES[int(sighting.class_probs.argmax())] is VehicleClass.BUS
    assert sighting.frame_size == (810, 1080)
    assert np.linalg.norm(sighting.embedding) == pytest.approx(1.0, abs=1e-2)
    assert len(sighting.exemplars) == len(sighting.crop_keys) >= 1
    crop = CropStore(str(tmp_path / "crops")).get(sighting.crop_keys[0])
    # No larger than the network sees, which is 144 by 144.
    assert max(cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR).shape[:2]) == 144
    camera = store.list_cameras()[0]
    assert camera.state == "ended"
    assert camera.stats["frames_inferred"] == camera.stats["frames_offered"] > 10
    assert ingest.report().publish.dropped == {}


def test_two_cameras_at_once_and_each_pass_is_a_sighting(make, bus_jpg, tmp_path):
    film = tmp_path / "film.mp4"
    film_of_passes(film, bus_jpg)
    store = MemoryStore()
    ingest = make([CameraSettings(id=name, url=str(film)) for name in ("north", "south")], store)
    assert ingest.run() == 0
    sightings = [sighting for sighting, _ in store.scan_sightings()]
    for name in ("north", "south"):
        mine = sorted((s for s in sightings if s.camera_id == name), key=lambda s: s.start_ns)
        assert len(mine) == 2
        assert all(s.final and s.revision >= 1 for s in mine)
        assert mine[0].boxes_xyxy[0][0] < mine[0].boxes_xyxy[-1][0]
    assert len({s.sighting_id for s in sightings}) == 4
    # Vectors of one vehicle agree between the cameras: the same pixels went through separate tracks.
    vectors = np.stack([s.embedding for s in sightings])
    assert (vectors @ vectors.T).min() > 0.9


def test_a_camera_that_does_not_answer_is_down_and_the_other_goes_on(make, bus_jpg, unused_port):
    store = MemoryStore()
    cameras = [
        CameraSettings(id="dead", url=f"rtsp://user:secret@127.0.0.1:{unused_port}/x"),
        CameraSettings(id="live", url=str(bus_jpg)),
    ]
    ingest = make(cameras, store, once=False)
    thread = threading.Thread(target=ingest.run)
    thread.start()
    try:
        wait_for(lambda: {c.camera_id: c.state for c in store.list_cameras()} == {"dead": "down", "live": "ended"})
    finally:
        ingest.stop()
        thread.join(30)
    assert not thread.is_alive()
    dead = next(c for c in store.list_cameras() if c.camera_id == "dead")
    assert dead.detail
    assert "secret" not in dead.detail + dead.url
    assert [s.camera_id for s, _ in store.scan_sightings()] == ["live"]


def test_told_to_stop_it_drains_and_ends_with_success(make, bus_jpg, tmp_path):
    film = tmp_path / "film.mp4"
    film_of_passes(film, bus_jpg)
    store = MemoryStore()
    ingest = make([CameraSettings(id="north", url=str(film), realtime=True)], store, once=False)
    former = signal.signal(signal.SIGTERM, lambda *_: ingest.stop())
    try:
        threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
        assert ingest.run() == 0
    finally:
        signal.signal(signal.SIGTERM, former)
    sightings = [sighting for sighting, _ in store.scan_sightings()]
    assert len(sightings) == 1
    assert sightings[0].final


def test_an_outage_of_the_store_loses_nothing(make, bus_jpg, tmp_path):
    class Outage(MemoryStore):
        def __init__(self):
            super().__init__()
            self.refused = 0

        def put_sighting(self, sighting, lease):
            if self.refused < 3:
                self.refused += 1
                raise StoreUnavailable("away")
            return super().put_sighting(sighting, lease)

    store = Outage()
    ingest = make([CameraSettings(id="gate", url=str(bus_jpg))], store)
    assert ingest.run() == 0
    assert store.refused == 3
    assert [s.final for s, _ in store.scan_sightings()] == [True]
    assert ingest.report().publish.dropped == {}


def test_a_failing_network_ends_the_role_with_an_error(make, bus_jpg, monkeypatch, caplog):
    class Broken:
        def look(self, frames, busy):
            raise RuntimeError("the network is broken")

    ingest = make([CameraSettings(id="gate", url=str(bus_jpg))], MemoryStore())
    monkeypatch.setattr(ingest._pipeline, "_looker", Broken())
    assert ingest.run() == 1
    assert "the network is broken" in caplog.text


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)

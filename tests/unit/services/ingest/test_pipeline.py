import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from ingest_fakes import HueEmbedder, tracklet

from detector.types import Detections, Frame
from services.ingest.looking import FrameLooker
from services.ingest.pipeline import IngestPipeline
from services.ingest.settings import IngestSettings
from services.ingest.sightings import SightingBuilder
from services.ingest.stats import IngestStats
from tracker.single_camera.session import CameraTracker


class Finder:
    """Finds one box per picture; notes the batches."""

    def __init__(self):
        self.batches = []

    def detect(self, images):
        self.batches.append(len(images))
        box = np.array([[0, 0, 10, 10]], np.float32)
        return [Detections(box, np.ones(1, np.float32), np.full(1, 2, np.int64)) for _ in images]


class OneTrack:
    """One track that is due with every third frame."""

    def __init__(self, camera_id, session_id):
        self.names = {"camera": camera_id, "session": session_id}
        self.frames = 0
        self.open = False

    @property
    def active_count(self):
        return int(self.open)

    open_count = active_count

    def update(self, frame, detections):
        self.frames += 1
        self.open = True
        return [tracklet(**self.names)] if self.frames % 3 == 0 else []

    def flush(self):
        done = [tracklet(final=True, **self.names)] if self.open else []
        self.open = False
        return done


class Outbox:
    def __init__(self):
        self.log = []
        self.gone = set()

    def submit(self, outgoing):
        sighting = outgoing.sighting
        self.log.append((sighting.camera_id, sighting.track_keys[0].session_id, sighting.revision, sighting.final))

    def deleted(self):
        gone, self.gone = self.gone, set()
        return gone

    def session_started(self, session_id):
        self.log.append(("started", session_id))

    def session_ended(self, session_id):
        self.log.append(("ended", session_id))


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def finder():
    return Finder()


@pytest.fixture
def stats():
    return IngestStats(time.monotonic)


@pytest.fixture
def make(outbox, finder, stats):
    def build(**settings):
        ids = itertools.count()
        chosen = IngestSettings(**settings)
        builder = SightingBuilder(HueEmbedder(), lambda: f"s{next(ids)}", chosen)
        return IngestPipeline(FrameLooker(finder), OneTrack, builder, outbox, stats, chosen)

    return build


def frame(index, camera="cam1", session="s1"):
    return Frame(camera, session, index, time.time_ns(), "host", np.zeros((36, 64, 3), np.uint8))


def test_cameras_share_an_inference_and_keep_their_tracks_apart(make, outbox, finder, stats):
    pipeline = make()
    for i in range(3):
        pipeline.process([frame(i), frame(i, "cam2", "s2")])
    pipeline.finish()
    assert finder.batches == [2, 2, 2]
    assert outbox.log == [
        ("started", "s1"),
        ("started", "s2"),
        ("cam1", "s1", 1, False),
        ("cam2", "s2", 1, False),
        ("cam1", "s1", 2, True),
        ("ended", "s1"),
        ("cam2", "s2", 2, True),
        ("ended", "s2"),
    ]
    assert stats.figures("cam1").frames_inferred == 3
    assert stats.figures("cam1").vehicles == 0


def test_a_new_session_closes_the_former_one(make, outbox):
    pipeline = make()
    pipeline.process([frame(0)])
    pipeline.process([frame(0, session="s1b")])
    assert outbox.log == [("started", "s1"), ("cam1", "s1", 1, True), ("ended", "s1"), ("started", "s1b")]


def test_a_silent_camera_has_its_tracks_closed_once(make, outbox, stats):
    pipeline = make(idle_flush_s=0.01)
    pipeline.process([frame(0)])
    time.sleep(0.03)
    pipeline.close_idle()
    pipeline.close_idle()
    assert outbox.log == [("started", "s1"), ("cam1", "s1", 1, True)]
    assert stats.figures("cam1").vehicles == 0
    pipeline.process([frame(1)])
    assert stats.figures("cam1").vehicles == 1


def test_the_age_of_a_frame_is_measured_from_its_capture(make, stats):
    pipeline = make()
    late = Frame("cam1", "s1", 0, time.time_ns() - 3_000_000_000, "host", np.zeros((36, 64, 3), np.uint8))
    pipeline.process([late])
    assert stats.figures("cam1").frame_age_p50_s >= 2.9


class Parked:
    def detect(self, images):
        box = np.array([[8, 4, 56, 32]], np.float32)
        return [Detections(box, np.full(1, 0.9, np.float32), np.full(1, 2, np.int64)) for _ in images]


class Sightings(Outbox):
    def submit(self, outgoing):
        self.log.append(outgoing.sighting)


def test_a_deleted_vehicle_that_stands_there_is_a_fresh_sighting_from_then_on(stats):
    ids, outbox, chosen = itertools.count(), Sightings(), IngestSettings()
    builder = SightingBuilder(HueEmbedder(), lambda: f"s{next(ids)}", chosen)
    pipeline = IngestPipeline(FrameLooker(Parked()), CameraTracker, builder, outbox, stats, chosen)
    image = np.random.default_rng(0).integers(0, 255, (36, 64, 3), np.uint8)

    def play(seconds):
        for second in seconds:
            for part in range(5):
                at_ns = 10**18 + second * 10**9 + part * 2 * 10**8
                pipeline.process([replace(frame(5 * second + part), captured_at_ns=at_ns, image=image)])

    play(range(10))
    outbox.gone = {"s0"}
    play(range(10, 20))
    pipeline.finish()
    seen = [entry for entry in outbox.log if not isinstance(entry, tuple)]
    before, after = ([s for s in seen if s.sighting_id == name] for name in ("s0", "s1"))
    assert len(before) + len(after) == len(seen)
    assert [s.revision for s in after] == list(range(1, len(after) + 1))
    assert (before[-1].final, after[-1].final) == (False, True)
    assert all(s.start_ns >= 10**18 + 10 * 10**9 for s in after)
    assert not {key for s in before for key in s.crop_keys} & {key for s in after for key in s.crop_keys}
    assert not {key for s in before for key in s.track_keys} & {key for s in after for key in s.track_keys}

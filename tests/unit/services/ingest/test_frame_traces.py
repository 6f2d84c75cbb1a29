"""One trace from a frame to the decision on its sighting, across ingest, the work stream and the associator."""

import itertools
import time

import numpy as np
import pytest
from ingest_fakes import HueEmbedder, tracklet
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from detector.types import Detections, Frame
from reid.types import Calibration
from services.crops import CropStore
from services.identity.ingest_board import MemoryIngestBoard
from services.identity.memory_store import MemoryStore
from services.ingest.cameras import CameraSettings
from services.ingest.looking import FrameLooker
from services.ingest.pipeline import IngestPipeline
from services.ingest.publisher import SightingPublisher
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare
from services.ingest.sightings import SightingBuilder
from services.ingest.stats import IngestStats
from services.matcher.associator import AssociatorLoop
from services.observability import catalogue
from services.observability.instruments import REGISTRY
from services.observability.networks import MeasuredDetector, MeasuredEmbedder
from services.observability.settings import TracingSettings
from services.observability.tracing import start_tracing, stop_tracing
from tracker.multi_camera.settings import AssociationSettings


class Finder:
    def detect(self, images):
        return [Detections.empty() for _ in images]


class OneTrack:
    """Gives one final tracklet with its first frame."""

    active_count = open_count = 0

    def __init__(self, camera_id, session_id):
        self._names = {"camera": camera_id, "session": session_id}
        self._told = False

    def update(self, frame, detections):
        told, self._told = self._told, True
        return [] if told else [tracklet(final=True, **self._names)]

    def flush(self):
        return []


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    start_tracing(TracingSettings(sample_ratio=1.0), "test", "north", exporter)
    yield exporter
    stop_tracing()


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def seen(store, tmp_path):
    """Runs one frame through ingest into the store."""
    ids = itertools.count()
    settings = IngestSettings()
    share = CameraShare(store, MemoryIngestBoard(), settings, "me", [CameraSettings(id="cam1", url="rtsp://h/1")])
    publisher = SightingPublisher(store, CropStore(str(tmp_path)), settings, "me", share)
    publisher.start()
    pipeline = IngestPipeline(
        FrameLooker(MeasuredDetector(Finder())),
        OneTrack,
        SightingBuilder(MeasuredEmbedder(HueEmbedder()), lambda: f"s{next(ids)}", settings),
        publisher,
        IngestStats(time.monotonic),
        settings,
    )

    def run():
        image = np.zeros((36, 64, 3), np.uint8)
        pipeline.process([Frame("cam1", "s1", 0, time.time_ns() - 50_000_000, "host", image)])
        assert publisher.close(20.0)

    return run


def decide(store):
    clock_ns = itertools.count(0, 500_000_000)
    loop = AssociatorLoop(
        store,
        AssociationSettings(),
        Calibration(10.0, -5.0),
        "hue",
        id_factory=lambda: "i1",
        owner="test",
        clock=lambda: next(clock_ns),
    )
    for _ in range(50):
        if loop.step(1):
            return
    raise AssertionError("nothing was decided")


def test_one_trace_from_frame_to_decision(spans, store, seen):
    seen()
    decide(store)
    done = {each.name: each for each in spans.get_finished_spans()}
    assert set(done) == {"frames", "detect", "track", "embed", "sighting", "put", "decide"}
    assert len({each.context.trace_id for each in done.values()}) == 1
    parents = {name: each.parent and each.parent.span_id for name, each in done.items()}
    root = done["frames"].context.span_id
    assert parents["frames"] is None
    assert parents["detect"] == parents["track"] == parents["embed"] == parents["sighting"] == root
    assert parents["put"] == done["sighting"].context.span_id
    assert parents["decide"] == done["put"].context.span_id
    assert done["decide"].attributes["identity_id"] == "i1"
    assert done["decide"].attributes["sighting_id"] == done["sighting"].attributes["sighting_id"]


def test_without_tracing_the_stream_carries_nothing_and_decisions_are_counted(store, seen):
    name, labels = catalogue.DECIDED.name, {"kind": "new"}
    count = f"{catalogue.DECISION_LATENCY.name}_count"
    before = REGISTRY.get_sample_value(name, labels) or 0, REGISTRY.get_sample_value(count) or 0
    seen()
    assert [item.trace for item in store.read_work("0-0", 10, 0)] == [""]
    decide(store)
    assert REGISTRY.get_sample_value(name, labels) == before[0] + 1
    assert REGISTRY.get_sample_value(count) == before[1] + 1

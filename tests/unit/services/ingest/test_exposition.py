"""What ingest tells a scrape: every camera with its state, every reason that frames were left out, the spool."""

import time

import numpy as np
import pytest
from ingest_fakes import HueEmbedder

from detector.types import Frame
from services.crops import CropStore
from services.identity.ingest_board import MemoryIngestBoard
from services.identity.memory_store import MemoryStore
from services.ingest.camera import CameraState
from services.ingest.cameras import CameraSettings
from services.ingest.crew import CameraCrew
from services.ingest.exposition import IngestExposition
from services.ingest.publisher import SightingPublisher
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare
from services.ingest.sightings import SightingBuilder
from services.ingest.slot import LatestFrames
from services.ingest.stats import IngestStats
from services.observability import catalogue
from services.observability.instruments import REGISTRY

CAMERAS = [CameraSettings(id=name, url=f"rtsp://h/{name}") for name in ("gate", "yard", "clip")]
STATES = {"gate": "up", "yard": "down", "clip": "ended"}


class Worker:
    """A camera worker that only says how it fares."""

    def __init__(self, settings):
        self.settings = settings
        self.state = CameraState(settings.id, STATES[settings.id], "", "s1", 2, 0, abandoned=1)
        self.left_out = {"paced": 3, "capped": 4, "damaged": 5, "skipped": 6}

    def start(self):
        pass

    def stop(self, timeout_s):
        return True


@pytest.fixture
def values(tmp_path):
    """Values by name and labels after four frames of one camera, of which one was looked at and one was still."""
    slot, stats, settings = LatestFrames(), IngestStats(time.monotonic), IngestSettings(spool_sightings=7)
    crew = CameraCrew(slot, stats, Worker, lambda camera: (640, 384) if camera.id == "gate" else None)
    store = MemoryStore()
    share = CameraShare(store, MemoryIngestBoard(), settings, "me", CAMERAS)
    share.keep()
    crew.follow(share.held)
    for number in range(4):
        slot.put(Frame("gate", "s1", number, time.time_ns(), "host", np.zeros((4, 4, 3), np.uint8)))
    slot.take(1, 0.0)
    stats.frame_done("gate", 0.25, 3)
    stats.frame_gated("gate")
    publisher = SightingPublisher(store, CropStore(str(tmp_path)), settings, "me", share)
    builder = SightingBuilder(HueEmbedder(), lambda: "s", settings)
    exposition = IngestExposition(crew, share, publisher, builder, settings.spool_sightings, lambda: 0.4)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in exposition.families()
        for sample in family.samples
    }


def test_cameras_are_up_or_down_and_a_recording_that_ended_is_neither(values):
    assert values["vreid_ingest_camera_up", "gate"] == 1
    assert values["vreid_ingest_camera_up", "yard"] == 0
    assert ("vreid_ingest_camera_up", "clip") not in values
    assert values["vreid_ingest_cameras_wanted",] == 3
    assert all(values["vreid_ingest_camera_leased", camera.id] == 1 for camera in CAMERAS)


def test_every_frame_is_accounted_for(values):
    dropped = {reason: values["vreid_ingest_frames_dropped_total", "gate", reason] for reason in _reasons(values)}
    assert dropped == {"replaced": 3, "still": 1, "paced": 3, "capped": 4, "damaged": 5, "skipped": 6}
    assert values["vreid_ingest_frames_offered_total", "gate"] == 4
    assert values["vreid_ingest_frames_inferred_total", "gate"] == 1
    assert values["vreid_ingest_frames_decoded_total", "gate"] == 4 + 3 + 4


def _reasons(values):
    return {key[2] for key in values if key[0] == "vreid_ingest_frames_dropped_total"}


def test_ages_vehicles_reconnects_and_spool(values):
    assert values["vreid_ingest_vehicles", "gate"] == 3
    assert [values["vreid_ingest_input_width_pixels", name] for name in ("gate", "yard")] == [640, 0]
    assert values["vreid_ingest_busy_ratio",] == 0.4
    assert values["vreid_ingest_reconnects_total", "gate"] == 2
    assert values["vreid_ingest_reads_abandoned_total", "gate"] == 1
    assert (values["vreid_ingest_spool_sightings",], values["vreid_ingest_spool_limit_sightings",]) == (0, 7)
    buckets = {"camera_id": "gate", "le": "0.3"}
    assert REGISTRY.get_sample_value(f"{catalogue.FRAME_AGE.name}_bucket", buckets) >= 1

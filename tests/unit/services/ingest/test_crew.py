import time

import numpy as np
import pytest

from detector.types import Frame
from services.ingest.camera import CameraWorker
from services.ingest.cameras import CameraSettings
from services.ingest.crew import CameraCrew
from services.ingest.slot import LatestFrames
from services.ingest.source import Source
from services.ingest.stats import IngestStats

IMAGE = np.zeros((2, 2, 3), np.uint8)


def camera(name, **kwargs):
    return CameraSettings(id=name, url=f"rtsp://me:hunter2@h/{name}", **kwargs)


def opener(settings, session_ids):
    session_id = session_ids()

    def frames():
        for index in range(100_000):
            time.sleep(0.01)
            yield Frame(settings.id, session_id, index, index, "host", IMAGE)

    return Source(session_id, frames(), lambda: None)


@pytest.fixture
def crew():
    slot = LatestFrames()
    made = CameraCrew(slot, IngestStats(time.monotonic), lambda each: CameraWorker(each, slot, opener=opener))
    yield made
    made.stop(time.monotonic() + 10)


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def states(crew):
    return {record.camera_id: record.state for record in crew.records()}


def test_cameras_are_read_while_they_are_held(crew):
    assert crew.follow({"a": camera("a"), "b": camera("b")}) == []
    until(lambda: states(crew) == {"a": "up", "b": "up"})
    ended = []
    until(lambda: ended.extend(crew.follow({"b": camera("b")})) or ended == ["a"])
    assert states(crew) == {"b": "up"}
    assert crew.settings("a") is None
    while crew.slot.take(4, 0.0):
        pass
    time.sleep(0.1)
    assert {frame.camera_id for frame in crew.slot.take(4, 1.0)} == {"b"}, "no frame of the other comes any more"


def test_changed_settings_begin_anew(crew):
    crew.follow({"a": camera("a")})
    until(lambda: states(crew) == {"a": "up"})
    changed = camera("a", max_fps=2.0)
    ended = []
    until(lambda: ended.extend(crew.follow({"a": changed})) or ended == ["a"])
    until(lambda: crew.follow({"a": changed}) == [] and crew.settings("a") == changed)
    assert crew.follow({"a": changed}) == []


def test_all_have_ended_only_when_each_is_read_here(crew):
    crew.follow({"a": camera("a")})
    assert not crew.all_ended({"a": camera("a")})
    assert not crew.all_ended({"a": camera("a"), "b": camera("b")})
    assert crew.all_ended({})


def test_records_tell_every_count_and_no_password(crew):
    crew.follow({"a": camera("a", origin="runtime")})
    (record,) = crew.records()
    assert record.origin == "runtime"
    assert "hunter2" not in record.url
    wanted = ["offered", "inferred", "gated", "dropped", "paced", "capped", "damaged"]
    assert {f"frames_{name}" for name in wanted} <= set(record.stats)
    assert {"packets_skipped", "frame_age_p99_s", "reads_abandoned"} <= set(record.stats)

from __future__ import annotations

import os
import time

from benchmarks.console.cameras import SIZE_HW, pictures
from benchmarks.console.run import cpu_s
from benchmarks.console.site import fill
from services.crops import CropStore
from services.identity.memory_store import MemoryStore


def test_a_store_is_filled_with_decided_sightings_and_pictures(tmp_path):
    store, crops, said = MemoryStore(), CropStore(str(tmp_path)), []
    fill(store, crops, 31, 4, lambda done, of: said.append((done, of)))
    held = list(store.scan_sightings())
    assert len(held) == 31
    assert {identity for _, identity in held} == {f"vehicle-{n:07d}" for n in range(11)}
    assert all(crops.get(sighting.crop_keys[0])[:2] == b"\xff\xd8" for sighting, _ in held)
    assert [camera.state for camera in store.list_cameras()] == ["up"] * 4
    assert said[-1] == (31, 31)


def test_pictures_look_like_something():
    first, second = pictures()[:2]
    assert first.shape == (*SIZE_HW, 3)
    assert (first != second).any()


def test_processor_time_grows_with_work():
    before, deadline = cpu_s(os.getpid()), time.process_time() + 0.2
    while time.process_time() < deadline:
        pass
    assert cpu_s(os.getpid()) > before

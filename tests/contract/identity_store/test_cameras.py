"""Cameras: written whole, listed by id."""

from __future__ import annotations

from services.identity.store import CameraRecord


def test_cameras_are_listed_by_id_with_their_newest_state(store):
    south = CameraRecord("south", "rtsp://host/south", "file", "starting", "", 1_763_000_000_123_456_789)
    north = CameraRecord("north", "rtsp://host/north", "runtime", "up", "", 5, {"frames_per_s": 9.75, "reconnects": 2})
    for record in (south, north):
        store.put_camera(record)
    assert store.list_cameras() == [north, south]
    down = CameraRecord("south", "rtsp://host/south", "file", "down", "does not answer", 7)
    store.put_camera(down)
    assert store.list_cameras() == [north, down]

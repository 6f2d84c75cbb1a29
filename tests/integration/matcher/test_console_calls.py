"""The calls of a console over real gRPC: pictures, vehicles in a picture, events."""

from dataclasses import replace

import numpy as np
import pytest

from services.client import MatcherClient
from services.crops import CropStore
from services.errors import InputError, NotAnImage, NotFound
from services.matcher.build import Places


def test_events_are_read_from_a_position_on(street):
    events, position = street.client.events("0-0", 1000)
    assert position == street.store.last_event_id()
    decided = [event for event in events if event.kind == "sighting.decided"]
    assert [(e.sighting_id, e.identity_id, e.status) for e in decided][:2] == [
        ("red-1", "id-red", "new"),
        ("red-2", "id-red", "new"),
    ]
    assert decided[0].probability == pytest.approx(0.9)
    street.merge("id-red", "id-blue")
    later, end = street.client.events(position)
    assert [(e.kind, e.identity_id, e.other_identity_id) for e in later] == [("identity.merged", "id-red", "id-blue")]
    assert street.client.events(end) == ([], end)
    street.client.identity_undo_last("id-red")
    (undone,), end = street.client.events(end)
    assert (undone.kind, undone.identity_id, undone.other_identity_id) == ("identity.unmerged", "id-red", "id-blue")
    assert len(street.client.events("0-0", 2)[0]) == 2
    for after, limit in (("yesterday", 1), ("0-0", 1001)):
        with pytest.raises(InputError):
            street.client.events(after, limit)


def test_vehicles_are_found_in_a_picture(street, picture):
    (found,), size = street.client.find_vehicles(picture((0, 0, 250)))
    assert size == (64, 64)
    assert found.box_xyxy == (20, 20, 44, 44)
    assert street.client.find_vehicles(picture((110, 110, 110)))[0] == []
    with pytest.raises(NotAnImage):
        street.client.find_vehicles(b"no picture")


def test_a_stored_picture_is_handed_out(build, tmp_path):
    crops = CropStore(str(tmp_path))
    city = build(places=Places(crops))
    city.see("red-1", (0, 0, 250))
    key = crops.put(np.full((8, 8, 3), 200, np.uint8))
    stored = city.store.get_sighting("red-1")
    city.store.put_sighting(replace(stored, revision=2, crop_keys=(key,)), city.lease)
    assert city.client.picture("red-1", 0) == (crops.get(key), 1)
    assert city.client.gallery_picture("red-1") == crops.get(key)
    for index in (1, -1):
        with pytest.raises(NotFound, match="has 1 pictures"):
            city.client.picture("red-1", index)
    with pytest.raises(NotFound, match="no sighting"):
        city.client.picture("unknown", 0)
    with pytest.raises(InputError, match="sighting_id: missing"):
        city.client.picture("", 0)


def test_a_picture_that_cannot_be_read_gives_way_to_the_next(build, tmp_path):
    crops = CropStore(str(tmp_path))
    city = build(places=Places(crops))
    city.see("red-1", (0, 0, 250))
    assert city.client.picture("red-1", 0) == (b"", 0)
    keys = tuple(crops.put(np.full((8, 8, 3), shade, np.uint8)) for shade in (100, 200))
    stored = city.store.get_sighting("red-1")
    city.store.put_sighting(replace(stored, revision=2, crop_keys=keys), city.lease)
    second = crops.get(keys[1])
    crops.delete(keys[0])
    assert city.client.picture("red-1", 0) == city.client.picture("red-1", 1) == (second, 2)
    crops.delete(keys[1])
    assert city.client.gallery_picture("red-1") is None


def test_enrolling_and_finding_keep_to_the_callers_deadline(city, picture, monkeypatch):
    left = {}
    reader = city.matcher.parts.reader

    def keeping(name, real):
        def kept(*args):
            left[name] = args[-1]
            return real(*args)

        return kept

    for name in ("picture", "vehicles"):
        monkeypatch.setattr(reader, name, keeping(name, getattr(reader, name)))
    with MatcherClient(city.matcher.address, timeout_s=7.0) as client:
        client.gallery_enroll([picture((0, 0, 250))])
        client.find_vehicles(picture((0, 0, 250)))
    assert set(left) == {"picture", "vehicles"}
    assert all(0 < seconds < 8 for seconds in left.values()), left

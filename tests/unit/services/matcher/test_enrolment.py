"""What people put in is written whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.errors import Unavailable
from services.identity.codec import encode_sighting
from services.identity.memory_store import MemoryStore
from services.matcher.enrolment import Enroller, Enrolment
from services.matcher.probes import Reading

VECTOR = np.array([[0.6, 0.8]], np.float32)


@pytest.fixture
def reading() -> Reading:
    return Reading(VECTOR, EmbedderSpec("m", 2, (8, 8), Calibration(1.0, 0.0)))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def enroller(store) -> Enroller:
    return Enroller(store, lambda: "m")


def test_nothing_is_left_of_a_vehicle_whose_identity_was_deleted_meanwhile(store, enroller, reading, monkeypatch):
    first = enroller.enroll(Enrolment([reading]), "ann")
    acquire = store.acquire_lease

    def deleted_first(*arguments):
        store.delete_identity(first.identity_id, "bob")
        return acquire(*arguments)

    monkeypatch.setattr(store, "acquire_lease", deleted_first)
    with pytest.raises(Unavailable, match="did not take the sighting"):
        enroller.enroll(Enrolment([reading], first.identity_id), "ann")
    assert list(store.scan_sightings()) == []


def test_what_belongs_to_a_deleted_identity_is_not_taken(store, enroller, reading):
    first = enroller.enroll(Enrolment([reading]), "ann")
    second = enroller.enroll(Enrolment([reading]), "ann")
    fields = encode_sighting(store.get_sighting(first.sighting_id))
    other = MemoryStore()
    taker = Enroller(other, lambda: "m")
    assert taker.take(second.identity_id, encode_sighting(store.get_sighting(second.sighting_id)))
    other.delete_identity(second.identity_id, "bob")
    assert taker.take(second.identity_id, fields) is None
    assert list(other.scan_sightings()) == []

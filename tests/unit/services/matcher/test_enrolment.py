"""What people put in is written whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.errors import InputError, Unavailable
from services.identity.codec import encode_sighting
from services.identity.memory_store import MemoryStore
from services.matcher.enrolment import Enroller, Enrolment, Exported
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
    exported = [
        Exported(second.identity_id, encode_sighting(store.get_sighting(w.sighting_id))) for w in (second, first)
    ]
    other = MemoryStore()
    taker = Enroller(other, lambda: "m")
    assert taker.take(exported[0], "ann")
    other.delete_identity(second.identity_id, "bob")
    assert taker.take(exported[1], "ann") is None
    assert list(other.scan_sightings()) == []


@pytest.mark.parametrize(("camera_id", "enrolled", "stays"), [
    ("enrolled", False, True), ("north", True, True), ("north", False, False),
])  # fmt: skip
def test_what_is_enrolled_stays_so_when_it_moves(store, enroller, reading, camera_id, enrolled, stays):
    put = enroller.enroll(Enrolment([reading], seen_at_ns=10**9), "ann")
    sighting = replace(store.get_sighting(put.sighting_id), camera_id=camera_id)
    other = MemoryStore()
    assert Enroller(other, lambda: "m").take(Exported("i", encode_sighting(sighting), enrolled), "bob")
    assert other.get_identity("i").enrolled == stays
    assert [(e.actor, e.action, e.subject) for e in other.audit_log()] == [("bob", "enrol", "i")] * stays
    assert other.expire(other.now_ns()) == 1 - stays


@pytest.mark.parametrize(("identity_id", "changes", "reason"), [
    ("i:aliases", {}, "identity_id must not end in :sightings, :aliases, :events"),
    ("two words", {}, "identity_id must be 1 to 200 printable characters"),
    ("i", {"sighting_id": b"two words"}, "sighting_id must be 1 to 200 printable characters"),
    ("", {"start_ns": b"-1"}, "start_ns must be >= 0"),
    ("i", {"codec": b"9"}, "not a stored sighting: sighting was written in format 9"),
])  # fmt: skip
def test_what_cannot_be_stored_is_refused_as_input(store, enroller, reading, identity_id, changes, reason):
    put = enroller.enroll(Enrolment([reading]), "ann")
    fields = encode_sighting(store.get_sighting(put.sighting_id)) | changes
    other = MemoryStore()
    with pytest.raises(InputError, match=reason):
        Enroller(other, lambda: "m").take(Exported(identity_id, fields), "ann")
    assert list(other.scan_sightings()) == []


@pytest.mark.parametrize(
    "field",
    [
        {"end_ns": b"9223372036854775808"},
        {"start_ns": b"1" + b"0" * 30, "end_ns": b"1" + b"0" * 30},
        {"revision": b"2147483648"},
        {"colour": b"[1]"},
        {"colour": b'{"plaid":1}'},
        {"colour": b"[" * 100_000},
        {"track_keys": b"[" * 100_000},
        {"frame_size": b"[1e400,1]"},
    ],
    ids=["end", "start", "revision", "no_colours", "unknown_colour", "deep_colour", "deep_tracks", "endless_frame"],
)
def test_fields_that_are_no_sighting_are_refused_as_input(enroller, reading, field):
    first = enroller.enroll(Enrolment([reading]), "ann")
    fields = encode_sighting(enroller._store.get_sighting(first.sighting_id))
    taker = Enroller(MemoryStore(), lambda: "m")
    with pytest.raises(InputError, match="sightings: "):
        taker.take(Exported(first.identity_id, {**fields, **field}), "ann")
    assert list(taker._store.scan_sightings()) == []

"""The stored form: exact where it must be, refused where it cannot be read."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from services.identity.codec import check_id, decision_body, decode_event, decode_sighting, dumps, encode_sighting
from services.types import Sighting
from tracker.types import Decision, DecisionStatus, TrackKey


@pytest.fixture
def sighting() -> Sighting:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(3, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Sighting(
        sighting_id="s1",
        revision=4,
        final=True,
        track_keys=(TrackKey("größe", "a:b", 2**40),),
        camera_id="größe",
        start_ns=1_763_000_000_123_456_789,
        end_ns=1_763_000_009_987_654_321,
        times_ns=np.array([1_763_000_000_123_456_789, 1_763_000_009_987_654_321], np.int64),
        frames=np.array([0, 2**40], np.int64),
        boxes_xyxy=rng.uniform(size=(2, 4)).astype(np.float32),
        class_probs=np.array([1, 0, 0, 0], np.float32),
        colour={"white": 1 / 3},
        embedding=vectors[0],
        exemplars=vectors[1:],
        quality=0.1 + 0.2,
        model_id="m",
    )


def test_everything_but_the_vectors_is_exact(sighting):
    got = decode_sighting(encode_sighting(sighting))
    for name in ("start_ns", "end_ns", "quality", "colour", "track_keys", "camera_id", "frame_size", "crop_keys"):
        assert getattr(got, name) == getattr(sighting, name)
    np.testing.assert_array_equal(got.times_ns, sighting.times_ns)
    np.testing.assert_array_equal(got.frames, sighting.frames)
    np.testing.assert_array_equal(got.boxes_xyxy, sighting.boxes_xyxy)


def test_vectors_keep_their_direction(sighting):
    fields = encode_sighting(sighting)
    assert len(fields["embedding"]) == 2 * 256
    got = decode_sighting(fields)
    assert got.embedding.dtype == got.exemplars.dtype == np.float32
    assert float(got.embedding @ sighting.embedding) > 1 - 1e-5
    np.testing.assert_allclose(np.linalg.norm(got.exemplars, axis=1), 1, atol=1e-6)


def test_the_same_sighting_is_the_same_bytes(sighting):
    one = dataclasses.replace(sighting, colour={"a": 0.5, "b": 0.5})
    two = dataclasses.replace(sighting, colour={"b": 0.5, "a": 0.5})
    assert encode_sighting(one) == encode_sighting(two)


@pytest.mark.parametrize("beyond", [{"end_ns": 2**63}, {"revision": 2**31}, {"end_ns": 10**400}])
def test_what_no_column_holds_is_not_stored(sighting, beyond):
    with pytest.raises(ValueError, match="end_ns must be at most"):
        encode_sighting(dataclasses.replace(sighting, **beyond))
    encode_sighting(dataclasses.replace(sighting, end_ns=2**63 - 1, revision=2**31 - 1))


def test_a_newer_format_is_refused(sighting):
    fields = encode_sighting(sighting) | {"codec": b"2"}
    with pytest.raises(ValueError, match="format 2"):
        decode_sighting(fields)


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "a\0b", "x" * 201])
def test_ids_that_cannot_stand_in_a_key(value):
    with pytest.raises(ValueError, match="camera_id must be"):
        check_id("camera_id", value)


def test_json_is_deterministic_and_finite():
    assert dumps({"b": 1, "a": "ß"}) == '{"a":"ß","b":1}'
    with pytest.raises(ValueError, match="JSON"):
        dumps(float("nan"))


def test_numpy_numbers_of_a_decision_become_json():
    decision = Decision("s", 1, DecisionStatus.NEW, "i", np.float32(0.5), np.float64(1), 1, {"time": np.float32(0.25)})
    assert decision_body(decision)["evidence"] == {"time": 0.25}


def test_an_event_lays_its_fields_over_the_data():
    fields = {
        "kind": b"identity.split",
        "at_ns": b"1763000000123456789",
        "data": b'{"a":1}',
        "revision": b"2",
        "final": b"0",
        "sighting_ids": b'["x"]',
        "reason": b"2",
    }
    event = decode_event("1-1", fields)
    assert event.at_ns == 1_763_000_000_123_456_789
    assert event.payload == {"a": 1, "revision": 2, "final": False, "sighting_ids": ["x"], "reason": "2"}

"""Sightings: put once, replaced by later revisions, queued for a decision, finalised when their ingest is gone."""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.observability.settings import TracingSettings
from services.observability.tracing import span, start_tracing, stop_tracing, traceparent
from services.types import Merge
from tracker.types import TrackKey


def assert_same(got, want):
    for field in dataclasses.fields(want):
        a, b = getattr(got, field.name), getattr(want, field.name)
        if field.name in ("embedding", "exemplars"):
            np.testing.assert_allclose(a, b, atol=1e-3)
            np.testing.assert_allclose(np.linalg.norm(np.atleast_2d(a), axis=1), 1, atol=1e-6)
        elif isinstance(b, np.ndarray):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        else:
            assert a == b, field.name


def test_comes_back_as_it_was_put(site):
    put = site.make_sighting("s1", final=True, end_ns=site.make_sighting("s1").end_ns + 1)
    result = site.store.put_sighting(put, site.ingest)
    assert result.accepted
    assert result.log_position == site.store.last_event_id()
    assert_same(site.store.get_sighting("s1"), put)
    assert site.store.get_sighting("s2") is None


def test_many_come_back_in_order(site):
    site.put("s1")
    site.put("s2")
    got = site.store.get_sightings(["s2", "nothing", "s1"])
    assert [g and g.sighting_id for g in got] == ["s2", None, "s1"]
    assert site.store.get_sightings([]) == []


def test_whose_many_are_comes_in_order(site):
    site.assign(s1="a", s2="b", s3="c")
    site.put("s4")
    site.commit(Merge("a", "b", "same"))
    site.store.delete_identity("c", "tester")
    assert site.store.identities_of(["s4", "s2", "nothing", "s3", "s1"]) == [None, "a", None, None, "a"]
    assert site.store.identities_of([]) == []


def test_no_exemplars_and_no_colour(site):
    site.put("s1", exemplars=np.zeros((0, 16), np.float32), colour={}, crop_keys=())
    got = site.store.get_sighting("s1")
    assert got.exemplars.shape == (0, 16)
    assert got.colour == {}
    assert got.crop_keys == ()


def test_a_revision_is_put_once(site):
    first = site.put("s1", 2)
    assert first.accepted
    for revision in (2, 1):
        again = site.put("s1", revision)
        assert not again.accepted
        assert again.log_position == first.log_position
    assert site.kinds() == ["sighting.put"]
    assert len(site.store.read_work("0-0", 10, 0)) == 1


def test_a_later_revision_replaces(site):
    site.put("s1", 1)
    site.put("s1", 3, last_s=10, final=True, track_keys=(TrackKey("north", "x", 1), TrackKey("north", "y", 2)))
    got = site.store.get_sighting("s1")
    assert (got.revision, got.final, len(got.track_keys)) == (3, True, 2)
    work = site.store.read_work("0-0", 10, 0)
    assert [(w.sighting_id, w.revision, w.op) for w in work] == [("s1", 1, "put"), ("s1", 3, "put")]
    assert site.events()[1] == (
        "sighting.put",
        {"sighting_id": "s1", "revision": 3, "final": True, "camera_id": "north"},
    )


def test_a_later_revision_moves_its_identity_forward(site):
    site.assign(s1="a", s2="b")
    assert [i.identity_id for i in site.store.list_identities()] == ["b", "a"]
    site.put("s1", 2, last_s=60)
    assert [i.identity_id for i in site.store.list_identities()] == ["a", "b"]
    assert site.store.get_identity("a").last_seen_ns == site.store.get_sighting("s1").end_ns


@pytest.mark.parametrize(
    "changes",
    [
        {"sighting_id": ""},
        {"sighting_id": "a b"},
        {"class_probs": np.zeros(3, np.float32)},
        {"boxes_xyxy": np.full((3, 4), np.nan, np.float32)},
        {"boxes_xyxy": np.zeros((2, 4), np.float32)},
        {"exemplars": np.ones((1, 8), np.float32)},
        {"quality": float("nan")},
        {"colour": {"red": float("inf")}},
    ],
    ids=lambda c: next(iter(c)),
)
def test_what_cannot_be_stored_is_refused(site, changes):
    broken = dataclasses.replace(site.make_sighting("s1"), **changes)
    with pytest.raises(ValueError, match=r"."):
        site.store.put_sighting(broken, site.ingest)
    assert site.kinds() == []


def test_work_is_read_from_a_cursor(site):
    for n in range(5):
        site.put(f"s{n}")
    first = site.store.read_work("0-0", 2, 0)
    rest = site.store.read_work(first[-1].entry_id, 10, 0)
    assert [w.sighting_id for w in first + rest] == ["s0", "s1", "s2", "s3", "s4"]
    assert site.store.read_work(rest[-1].entry_id, 10, 20) == []


def test_waiting_ends_with_the_first_entry(site):
    timer = threading.Timer(0.1, lambda: site.put("s1"))
    timer.start()
    began = time.monotonic()
    try:
        assert [w.sighting_id for w in site.store.read_work("0-0", 10, 20_000)] == ["s1"]
        assert time.monotonic() - began < 10
        assert [e.kind for e in site.store.read_events("0-0", 10, 20_000)] == ["sighting.put"]
    finally:
        timer.join()


def test_scan_gives_everything_with_its_identity(site):
    for n in range(530):
        site.put(f"s{n}")
    site.commit(site.decide("s1", "a"), site.decide("s2", "b"))
    site.commit(Merge("a", "b", "same"))
    found = {s.sighting_id: i for s, i in site.store.scan_sightings()}
    assert len(found) == 530
    assert {s: i for s, i in found.items() if i is not None} == {"s1": "a", "s2": "a"}


def test_what_will_have_no_further_revision_is_closed(site):
    site.put("s1", final=False)
    site.put("s2", final=False)
    site.put("s3", final=True)
    assert site.store.finalise(["s1", "s3", "unknown"]) == ["s1"]
    assert [site.store.get_sighting(name).final for name in ("s1", "s2", "s3")] == [True, False, True]
    assert [item.sighting_id for item in site.store.read_work("0-0", 10, 0)] == ["s1", "s2", "s3", "s1"]
    assert site.store.finalise(["s1"]) == site.store.finalise([]) == []


def test_orphans_are_finalised(site):
    def key(session):
        return (TrackKey("north", session, 1),)

    site.put("gone", track_keys=key("dead"))
    site.put("half", track_keys=key("dead") + key("alive"))
    site.put("alive", track_keys=key("alive"))
    site.put("done", track_keys=key("dead"), final=True)
    assert site.store.finalise_orphans(["alive"], idle_s=60) == []
    time.sleep(0.01)
    assert site.store.finalise_orphans(["alive"], idle_s=0.005) == ["gone"]
    assert site.store.finalise_orphans(["alive"], idle_s=0.005) == []
    assert site.store.get_sighting("gone").final
    assert site.events()[-1][1] == {"sighting_id": "gone", "revision": 1, "final": True, "camera_id": "north"}
    work = site.store.read_work("0-0", 10, 0)
    assert (work[-1].sighting_id, work[-1].revision) == ("gone", 1)
    assert site.put("gone", 2, track_keys=key("dead")).accepted


def test_a_trace_travels_with_the_work_it_belongs_to(site):
    exporter = InMemorySpanExporter()
    start_tracing(TracingSettings(sample_ratio=1.0), "test", "north", exporter)
    try:
        with span("frames"):
            carried = traceparent()
            site.put("s1", 1)
        site.put("s2", 1)
    finally:
        stop_tracing()
    site.put("s1", 2)
    work = site.store.read_work("0-0", 10, 0)
    assert [(item.sighting_id, item.revision, item.trace) for item in work] == [
        ("s1", 1, carried),
        ("s2", 1, ""),
        ("s1", 2, ""),
    ]
    assert carried.startswith("00-")

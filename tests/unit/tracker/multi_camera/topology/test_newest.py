"""The newest sightings, as they stand and as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.topology import newest as module
from tracker.multi_camera.topology.newest import Newest
from tracker.multi_camera.visits import Visits


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "LEAST", 16)
    monkeypatch.setattr(module, "MOST", 64)
    monkeypatch.setattr(module, "FIRST", 4)


def check(newest, topology):
    """The arrays say what the sightings say, and rank them by start."""
    newest.prepare(topology)
    known = sorted(newest, key=lambda o: o.start_ns)
    places = np.array([newest.place(o.sighting_id) for o in known], np.intp)
    assert len(set(places.tolist())) == len(known)
    assert [newest.at(place) for place in places.tolist()] == known
    for mine, theirs in zip(newest.visits.at(places).arrays, Visits.of(known, topology.camera).arrays, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(newest.embeddings[places], [o.embedding for o in known])
    np.testing.assert_array_equal(newest.details[places], [o.detail for o in known])
    ranked = newest.rank[places]
    starts = np.array([o.start_ns for o in known])
    assert all((ranked[1:] > ranked[:-1]) | (starts[1:] == starts[:-1]))
    free = np.setdiff1d(np.arange(len(newest.embeddings)), places)
    assert np.isposinf(newest.visits.start_s[free]).all()


def test_arrays_follow_what_comes_grows_and_goes(vehicles, topology, small):
    rng, newest = np.random.default_rng(3), Newest(horizon_s=1e6)
    for n in range(200):
        name = f"s{rng.integers(40)}"
        if rng.random() < 0.2:
            newest.drop(name)
        else:
            start_s = float(rng.integers(60))
            newest.put(vehicles.see(name, n, "abc"[n % 3], start_s, start_s + 5, revision=n + 1, detail=0.5))
        if n % 7 == 0:
            check(newest, topology)
    check(newest, topology)


def test_the_oldest_go_when_there_are_too_many(vehicles, topology, small):
    newest = Newest(horizon_s=1e6)
    for n in reversed(range(100)):
        newest.put(vehicles.see(f"s{n}", n, "a", n, n + 5))
    check(newest, topology)
    assert {o.sighting_id for o in newest} == {f"s{n}" for n in range(36, 100)}


def test_what_is_too_old_to_matter_goes_but_for_a_few(vehicles, topology, small):
    newest = Newest(horizon_s=30.0)
    for n in range(60):
        newest.put(vehicles.see(f"s{n}", n, "a", n, n + 5))
    check(newest, topology)
    assert {o.sighting_id for o in newest} == {f"s{n}" for n in range(29, 60)}
    newest = Newest(horizon_s=3.0)
    for n in range(60):
        newest.put(vehicles.see(f"s{n}", n, "a", n, n + 5))
    check(newest, topology)
    assert len(newest) == 16


def test_changes_are_counted(vehicles):
    newest = Newest(horizon_s=10.0)
    newest.put(vehicles.see("s1", 1, "a", 0, 4))
    newest.put(vehicles.see("s1", 1, "a", 0, 5, revision=2))
    assert newest.version == 2
    newest.drop("s2")
    assert newest.version == 2
    newest.drop("s1")
    assert newest.version == 3
    assert newest.get("s1") is None

"""Identities remembered, and their rows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.tracker.multi_camera.conftest import scorer_for


def test_memory_is_a_function_of_its_members(vehicles):
    seen = [vehicles.see(f"s{i}", 1, "ab"[i % 2], 10 * i, 10 * i + 3, noise=0.4) for i in range(9)]
    _, forwards, _ = scorer_for([(o, "x") for o in seen])
    _, backwards, _ = scorer_for([(o, "x") for o in reversed(seen)])
    assert (forwards.centres[forwards.row("x")] == backwards.centres[backwards.row("x")]).all()


def test_a_new_revision_replaces_the_old(vehicles):
    first = vehicles.see("s1", 1, "a", 0, 2, final=False)
    _, memory, _ = scorer_for([(first, "x"), (vehicles.see("s1", 2, "a", 0, 5, revision=2), "x")])
    row = memory.row("x")
    assert memory.sources[row] == 1
    assert int(memory.centres[row].argmax()) == 2
    assert not memory.visits.open[row].any()


def test_rows_are_used_again_and_aliases_resolve(vehicles):
    _, memory, _ = scorer_for([(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(3)])
    memory.merge("i0", "i1")
    memory.merge("i2", "i0")
    assert memory.resolve("i1") == "i2"
    assert [o.sighting_id for o in memory.members("i2")] == ["s0", "s1", "s2"]
    assert len(memory) == 1
    memory.detach("s0")
    memory.assign(vehicles.see("n", 5, "b", 9, 10), "fresh")
    assert len(memory.row_ids) == 64


def test_rows_that_changed_are_told_from_the_log_as_by_looking_at_all(vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.identities.rows.LOGGED", 8)
    _, memory, _ = scorer_for([])
    rng = np.random.default_rng(5)
    versions = [0]
    for i in range(60):
        memory.assign(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{int(rng.integers(9))}")
        versions.append(memory.version)
    for version in versions:
        assert memory.changed_since(version).tolist() == np.flatnonzero(memory.versions > version).tolist()


def test_what_shows_more_weighs_more_in_the_mean(vehicles):
    near = vehicles.see("s1", 1, "a", 0, 5, noise=0.0)
    far = vehicles.see("s2", 2, "b", 10, 15, noise=0.0, detail=0.25)
    _, memory, _ = scorer_for([(near, "x"), (far, "x")])
    row = memory.row("x")
    np.testing.assert_allclose(memory.centres[row], 0.8 * near.embedding + 0.2 * far.embedding, atol=1e-6)
    assert memory.details[row] == pytest.approx(0.8 * 1.0 + 0.2 * 0.25)
    memory.detach("s1")
    assert memory.details[row] == pytest.approx(0.25)
    memory.detach("s2")
    assert memory.details[row] == 1.0


def test_mean_vectors_worked_out_anew_are_those_of_their_members(vehicles):
    seen = [
        (vehicles.see(f"s{i}", i % 4, "abc"[i % 3], i, i + 0.5, detail=1 / (1 + i % 2)), f"i{i % 4}") for i in range(24)
    ]
    _, memory, _ = scorer_for(seen)
    memory._remove_camera = lambda camera_id, v: v - np.float32(0.1 * (ord(camera_id) - 96))
    version = memory.version
    memory.outdate(["a", "b", "c"])
    memory.refresh_outdated(3)
    assert sorted(memory.changed_since(version).tolist()) == sorted(memory.row(f"i{i}") for i in (1, 2, 3))
    memory.refresh_outdated(3)
    worked_out = memory.centres.copy()
    for identity in memory._identities.values():
        memory._refresh(identity)
    np.testing.assert_allclose(memory.centres, worked_out, atol=1e-6)
    assert memory.version > version

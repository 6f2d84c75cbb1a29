"""Sightings of a few identities are put together anew, and what comes of it is told as splits and merges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tracker.multi_camera.decisions.regroup import Evidence, evidence_of, path_nats, regrouped
from tracker.multi_camera.types import Assigned, IdentitySplit


def evidence(alike, *, step=None, apart=()):
    alike = np.array(alike, float)
    clash = np.zeros(alike.shape, bool)
    for i, j in apart:
        clash[i, j] = clash[j, i] = True
    return Evidence(
        alike,
        np.ones(len(alike)),
        np.zeros(alike.shape) if step is None else np.array(step, float),
        clash,
        lambda similarity, one, other, detail: 10.0 * np.asarray(similarity) - 5.0 + 0.0 * (one + other),
    )


def free(n):
    return [[i] for i in range(n)]


TWO_VEHICLES = [[1.0, 0.1, 0.9, 0.1], [0.1, 1.0, 0.1, 0.9], [0.9, 0.1, 1.0, 0.1], [0.1, 0.9, 0.1, 1.0]]


def test_what_looks_alike_stands_together():
    assert sorted(regrouped(evidence(TWO_VEHICLES), free(4))) == [[0, 2], [1, 3]]


def test_what_one_camera_saw_at_once_never_does():
    groups = regrouped(evidence(np.ones((3, 3)), apart=[(0, 1)]), free(3))
    assert not any({0, 1} <= set(group) for group in groups)


def test_a_bound_pair_stays_together_and_others_come_to_it():
    groups = regrouped(evidence(TWO_VEHICLES), [[0, 1], [2], [3]])
    assert any({0, 1} <= set(group) for group in groups)


def test_paths_count_as_much_as_looks():
    step = np.zeros((3, 3))
    step[0, 1], step[1, 2] = -9.0, 2.0
    assert sorted(regrouped(evidence(np.full((3, 3), 0.9), step=step), free(3))) == [[0, 2], [1]] or sorted(
        regrouped(evidence(np.full((3, 3), 0.9), step=step), free(3))
    ) == [[0], [1, 2]]


def test_path_nats_are_of_neighbours_in_time_only():
    step = np.arange(16.0).reshape(4, 4)
    assert path_nats(step, [0, 2, 3]) == step[0, 2] + step[2, 3]
    assert path_nats(step, [1]) == 0.0


def test_groups_that_cannot_be_have_no_evidence():
    assert evidence_of(evidence(np.ones((2, 2)), apart=[(0, 1)]), [[0, 1]]) == -np.inf


@pytest.mark.parametrize("seed", range(8))
def test_of_pairs_and_triples_none_has_more_evidence_than_what_is_found(seed):
    """Against every partition of five sightings of two vehicles that are easily told apart."""
    rng = np.random.default_rng(seed)
    who = rng.integers(2, size=5)
    base = np.where(who[:, None] == who[None, :], 0.95, 0.1) + 0.02 * rng.standard_normal((5, 5))
    known = evidence((base + base.T) / 2)
    best = max(_partitions(list(range(5))), key=lambda groups: evidence_of(known, groups))
    assert sorted(regrouped(known, free(5))) == sorted(sorted(group) for group in best)


def _partitions(items):
    if not items:
        yield []
        return
    head, *rest = items
    for size in range(len(rest) + 1):
        for chosen in itertools.combinations(rest, size):
            left = [i for i in rest if i not in chosen]
            for others in _partitions(left):
                yield [[head, *chosen], *others]


MIXED = {"a1": (1, "a", 0.0), "b1": (2, "a", 8.0), "a2": (1, "b", 10.0), "b2": (2, "b", 18.0), "b3": (2, "c", 24.0)}


def wrongly_joined(site, vehicles, *, settled):
    """Two vehicles under one identity, the second of them under another one as well."""
    names = dict.fromkeys(MIXED, "x") | {"b3": "y"}
    site.identity.update(names)
    assigned = [
        Assigned(vehicles.see(name, vehicle, camera, start, start + 3.0), names[name], settled=settled)
        for name, (vehicle, camera, start) in MIXED.items()
    ]
    site.associator.restore(assigned, {})
    return [site.tell(vehicles.see(f"later{k}", 5, "d", 26.0 + 2 * k, 27.0 + 2 * k)) for k in range(8)]


def test_vehicles_that_were_taken_for_one_are_parted_together(site, vehicles):
    outcomes = wrongly_joined(site, vehicles, settled=False)
    assert site.of("a1") == site.of("a2") != site.of("b1") == site.of("b2") == site.of("b3")
    splits = [c for o in outcomes for c in o.changes if isinstance(c, IdentitySplit)]
    assert any(set(split.sighting_ids) in ({"a1", "a2"}, {"b1", "b2"}) for split in splits)


def test_what_a_person_settled_is_not_parted(site, vehicles):
    wrongly_joined(site, vehicles, settled=True)
    assert site.of("a1") == site.of("b1") == site.of("a2") == site.of("b2")


def test_what_closed_long_ago_stays_together(site, vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.decisions.closed.FREE_S", 0.0)
    wrongly_joined(site, vehicles, settled=False)
    assert site.of("a1") == site.of("b1")


def test_means_are_weighted_by_detail_as_memory_weighs_them():
    rng = np.random.default_rng(3)
    vectors, detail = rng.normal(size=(5, 8)), rng.uniform(0.3, 1.0, 5)
    seen: list[tuple[float, int, int, float]] = []

    def looks(similarity, one, other, shown):
        seen.extend(zip(*map(np.ravel, np.broadcast_arrays(similarity, one, other, shown)), strict=True))
        return np.zeros(np.shape(similarity))

    alike = vectors @ vectors.T
    evidence_of(Evidence(alike, detail, np.zeros((5, 5)), np.zeros((5, 5), bool), looks), [list(range(5))])
    for count, (product, one, other, shown) in enumerate(seen, 1):
        weights = detail[:count] / detail[:count].sum()
        assert (one, other) == (count, 1)
        assert product == pytest.approx(weights @ vectors[:count] @ vectors[count])
        assert shown == pytest.approx(weights @ detail[:count] * detail[count])
    seen.clear()
    regrouped(Evidence(alike, detail, np.zeros((5, 5)), np.zeros((5, 5), bool), looks), [[0, 1], [2, 3, 4]])
    one, other = (detail[g] / detail[g].sum() for g in ([0, 1], [2, 3, 4]))
    assert seen[0][0] == pytest.approx(one @ vectors[:2] @ (other @ vectors[2:]))
    assert seen[0][3] == pytest.approx((one @ detail[:2]) * (other @ detail[2:]))

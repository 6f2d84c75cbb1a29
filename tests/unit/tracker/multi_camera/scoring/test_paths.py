"""What the joint path of two identities says, judged for many pairs at once as for each alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.tracker.multi_camera.conftest import scorer_for


@pytest.fixture
def town(vehicles):
    """Twelve identities of one to five visits to four cameras; some met before one, some are still in view."""
    rng = np.random.default_rng(11)
    seen = []
    for identity in range(12):
        at_s = float(rng.uniform(0, 60))
        for visit in range(int(rng.integers(1, 6))):
            camera = "abcd"[int(rng.integers(4))]
            last = visit == 4 and identity % 2 == 0
            end_s = at_s + float(rng.uniform(1, 6))
            seen.append((vehicles.see(f"s{identity}-{visit}", identity, camera, at_s, end_s, final=not last), identity))
            at_s = end_s + float(rng.uniform(1, 30))
    scorer, memory, _ = scorer_for([(o, f"i{identity}") for o, identity in seen])
    return scorer.paths, memory


def overlap(one, other):
    """Whether one camera saw both at once, taking what is still in view to stay there."""
    until = [o.end_ns if o.final else 2**63 for o in (one, other)]
    return one.camera_id == other.camera_id and one.start_ns < until[1] and other.start_ns < until[0]


def path_nats(paths, observations):
    visits = paths.visits_of(observations)
    here = np.arange(len(observations))
    time, zone = paths.transition(visits.at(here[:-1]), visits.at(here[1:]))
    return float((time + zone).sum())


def test_pairs_judged_at_once_are_judged_as_each_alone(town):
    paths, memory = town
    names = sorted(memory.identity_ids)
    pairs = [(one, other) for one in names for other in names if one != other]
    found = paths.joint_nats([(memory.row(one), memory.row(other)) for one, other in pairs])
    impossible = 0
    for (one, other), nats in zip(pairs, found.tolist(), strict=True):
        mine, theirs = memory.members(one), memory.members(other)
        if any(overlap(a, b) for a in mine for b in theirs):
            assert nats == -np.inf
            impossible += 1
            continue
        joint = sorted([*mine, *theirs], key=lambda o: o.start_ns)
        expected = path_nats(paths, joint) - path_nats(paths, mine) - path_nats(paths, theirs)
        assert nats == pytest.approx(expected, abs=1e-9)
    assert 0 < impossible < len(pairs)


def test_no_pairs_have_no_evidence(town):
    assert town[0].joint_nats([]).shape == (0,)

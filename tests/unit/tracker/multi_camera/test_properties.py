"""What holds whatever arrives: ids are fresh, aliases resolve, one camera at one time is one vehicle each."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.types import Calibration
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.types import Assigned, IdentityMerge, IdentitySplit, Observation

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
DIM = 6
CALIBRATION = Calibration(slope=12.0, offset=-6.0)


@st.composite
def traffic(draw):
    """Buckets of revisions of up to fourteen sightings of few, similar vehicles."""
    sightings = draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.integers(0, 40), st.integers(1, 12)),
            min_size=1,
            max_size=14,
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    looks = rng.standard_normal((4, DIM))
    events = []
    for i, (vehicle, camera, start_s, lasts_s) in enumerate(sightings):
        revisions = draw(st.integers(1, 3))
        for r in range(1, revisions + 1):
            vector = looks[vehicle] + 0.6 * rng.standard_normal(DIM)
            end_s = start_s + lasts_s * r / revisions
            events.append(
                (
                    end_s,
                    Observation(
                        sighting_id=f"s{i:02d}",
                        revision=r,
                        final=r == revisions,
                        camera_id=camera,
                        start_ns=START + start_s * SECOND,
                        end_ns=START + int(end_s * SECOND),
                        entry=(0.1, 0.9),
                        exit=(0.9, 0.1),
                        embedding=(vector / np.linalg.norm(vector)).astype(np.float32),
                        class_probs=np.array([0.7, 0.1, 0.1, 0.1], np.float32),
                        colour={"red": 0.6, "blue": 0.4},
                        model_id="m",
                    ),
                )
            )
    events.sort(key=lambda e: e[0])
    buckets = defaultdict(list)
    for at_s, observation in events:
        buckets[int(at_s // 3)].append(observation)
    return [buckets[k] for k in sorted(buckets)]


def new_associator(first_id=0):
    ids = iter(range(first_id, 10**6))
    return Associator(AssociationSettings(margin_nats=0.5), CALIBRATION, "m", lambda: f"i{next(ids):05d}")


def play(associator, buckets):
    outcomes = []
    for bucket in buckets:
        for observation in bucket:
            associator.push(observation, 0)
        outcomes.append(associator.decide_fully())
    return outcomes


class Ledger:
    """What a store makes of outcomes."""

    def __init__(self):
        self.identity = {}
        self.alias = {}
        self.born = []

    def resolve(self, identity_id):
        for _ in range(len(self.alias) + 1):
            if identity_id not in self.alias:
                return identity_id
            identity_id = self.alias[identity_id]
        raise AssertionError("aliases go in circles")

    def apply(self, outcome):
        for d in outcome.decisions:
            if d.sighting_id not in self.identity:
                if d.identity_id not in self.born:
                    self.born.append(d.identity_id)
                self.identity[d.sighting_id] = d.identity_id
            assert self.resolve(self.identity[d.sighting_id]) == self.resolve(d.identity_id)
        for change in outcome.changes:
            if isinstance(change, IdentityMerge):
                assert {change.survivor_id, change.absorbed_id} <= set(self.born)
                assert change.survivor_id not in self.alias
                assert change.absorbed_id not in self.alias
                self.alias[change.absorbed_id] = change.survivor_id
                self.resolve(change.absorbed_id)
            else:
                assert isinstance(change, IdentitySplit)
                assert change.new_identity_id not in self.born
                self.born.append(change.new_identity_id)
                for sighting_id in change.sighting_ids:
                    assert self.resolve(self.identity[sighting_id]) == change.identity_id
                    self.identity[sighting_id] = change.new_identity_id


@given(traffic())
@settings(max_examples=60, deadline=None)
def test_ids_are_fresh_aliases_resolve_and_no_identity_is_twice_in_one_view(buckets):
    ledger = Ledger()
    associator = new_associator()
    latest = {}
    for bucket, outcome in zip(buckets, play(associator, buckets), strict=True):
        ledger.apply(outcome)
        latest.update({o.sighting_id: o for o in sorted(bucket, key=lambda o: o.revision)})
    by_identity = defaultdict(list)
    for sighting_id, identity_id in ledger.identity.items():
        by_identity[ledger.resolve(identity_id)].append(latest[sighting_id])
    assert set(ledger.identity) == set(latest)
    for members in by_identity.values():
        for i, a in enumerate(members):
            for b in members[i + 1 :]:
                together = a.start_ns < b.end_ns and b.start_ns < a.end_ns
                assert not (together and a.camera_id == b.camera_id)


@given(traffic())
@settings(max_examples=25, deadline=None)
def test_the_same_arrivals_give_the_same_outcomes(buckets):
    assert play(new_associator(), buckets) == play(new_associator(), buckets)


@given(traffic(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_restart_between_two_buckets_changes_nothing(buckets, data):
    cut = data.draw(st.integers(0, len(buckets)))
    whole = play(new_associator(), buckets)

    first = new_associator()
    begun = play(first, buckets[:cut])
    snapshot = first.snapshot()
    born = {d.identity_id for o in begun for d in o.decisions}
    born |= {c.new_identity_id for o in begun for c in o.changes if isinstance(c, IdentitySplit)}
    second = new_associator(len(born))
    second.restore(list(reversed(snapshot.assigned)), snapshot.links)
    rest = play(second, buckets[cut:])
    for ours, theirs in zip(begun + rest, whole, strict=True):
        assert ours.changes == theirs.changes
        for a, b in zip(ours.decisions, theirs.decisions, strict=True):
            assert (a.sighting_id, a.revision, a.status, a.identity_id, a.runner_up) == (
                b.sighting_id,
                b.revision,
                b.status,
                b.identity_id,
                b.runner_up,
            )
            assert a.log_likelihood_ratio == pytest.approx(b.log_likelihood_ratio, abs=1e-6)


def test_links_committed_along_the_way_are_all_a_restart_needs():
    rng = np.random.default_rng(0)
    associator = new_associator()
    links = {}
    for i in range(12):
        vector = np.eye(DIM)[i % 3] + 0.1 * rng.standard_normal(DIM)
        associator.push(
            Observation(
                f"s{i:02d}", 1, True, "abc"[(i // 3) % 3], START + 4 * i * SECOND, START + (4 * i + 3) * SECOND,
                (0.2, 0.2), (0.8, 0.8), (vector / np.linalg.norm(vector)).astype(np.float32),
                np.array([1, 0, 0, 0], np.float32), {}, "m",
            ),
            0,
        )  # fmt: skip
        links.update(associator.decide_fully().links)
    assert links == associator.snapshot().links
    twin = new_associator()
    twin.restore([Assigned(a.observation, a.identity_id) for a in associator.snapshot().assigned], links)
    assert twin.snapshot().links == links

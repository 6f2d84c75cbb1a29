"""Redis against its twin in memory: after any sequence of changes both hold the same and have told the same."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from services.errors import NotFound
from services.identity.memory_store import MemoryStore
from services.types import Commit, Merge, Split

SIGHTINGS = [f"s{n}" for n in range(5)]
IDENTITIES = [f"i{n}" for n in range(4)]

sightings = st.sampled_from(SIGHTINGS)
identities = st.sampled_from(IDENTITIES)
puts = st.tuples(st.just("put"), sightings, st.integers(0, 1), st.integers(0, 5))
commits = st.tuples(
    st.just("commit"),
    st.lists(st.tuples(sightings, identities, st.sampled_from([0, 0, 0, 1])), max_size=3),
    st.lists(st.tuples(identities, identities), max_size=2),
    st.lists(st.tuples(identities, identities, st.lists(sightings, max_size=3)), max_size=2),
)
deletes = st.one_of(st.tuples(st.just("delete_sighting"), sightings), st.tuples(st.just("delete_identity"), identities))
finalises = st.tuples(st.just("finalise"))
steps = st.lists(st.one_of(puts, commits, commits, commits, deletes, finalises), max_size=8)


class Driver:
    """Does the same steps on one store."""

    def __init__(self, store, make_sighting, decide) -> None:
        self.store, self.make_sighting, self.decide = store, make_sighting, decide
        self.ingest = store.acquire_lease("ingest", "me", 600)
        self.associator = store.acquire_lease("associator", "me", 600)
        self.revisions = dict.fromkeys(SIGHTINGS, 0)

    def put(self, sighting_id, newer, last):
        self.revisions[sighting_id] += newer or self.revisions[sighting_id] == 0
        end_ns = 1_000_000_000 + last * 1_000_000
        sighting = self.make_sighting(sighting_id, self.revisions[sighting_id], end_ns=end_ns, final=last == 5)
        return self.store.put_sighting(sighting, self.ingest).accepted

    def commit(self, decisions, merges, splits):
        result = self.store.commit(
            Commit(
                self.associator,
                tuple(self.decide(s, i, max(1, self.revisions[s] - behind)) for s, i, behind in decisions),
                tuple(Merge(a, b, "m") for a, b in merges),
                tuple(Split(a, b, tuple(names), "s") for a, b, names in splits),
                cursor=self.store.work_cursor(),
            )
        )
        return result.applied, result.stale

    def delete_sighting(self, name):
        return self._delete(self.store.delete_sighting, name)

    def delete_identity(self, name):
        return self._delete(self.store.delete_identity, name)

    def _delete(self, delete, name):
        try:
            delete(name, "me")
        except NotFound:
            return "not found"
        return "deleted"

    def finalise(self):
        return self.store.finalise_orphans([], 0)

    def everything(self):
        store = self.store
        return {
            "events": [(e.kind, e.payload) for e in store.read_events("0-0", 10_000, 0)],
            "work": [(w.sighting_id, w.revision, w.op) for w in store.read_work("0-0", 10_000, 0)],
            "identities": store.list_identities(),
            "resolved": [(store.resolve(i), store.get_identity(i)) for i in IDENTITIES],
            "assigned": [store.identity_of(s) for s in SIGHTINGS],
            "scan": sorted((s.sighting_id, s.revision, s.final, i) for s, i in store.scan_sightings()),
        }


@pytest.fixture
def running(start_server):
    return start_server()


@pytest.fixture
def next_pair(running, make_sighting, decide):
    sites = itertools.count()

    def make() -> list[Driver]:
        redis_store = running.store(site=f"site-{next(sites)}")
        return [Driver(store, make_sighting, decide) for store in (redis_store, MemoryStore())]

    return make


@given(lasts=st.lists(st.integers(0, 5), min_size=4, max_size=5), first=st.lists(identities, max_size=5), steps=steps)
@settings(
    max_examples=100,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_both_stores_agree(lasts, first, steps, next_pair):
    begin = [("put", name, 1, last) for name, last in zip(SIGHTINGS, lasts, strict=False)]
    assign = [(name, identity_id, 0) for name, identity_id in zip(SIGHTINGS, first, strict=False)]
    both = next_pair()
    for name, *arguments in [*begin, ("commit", assign, [], []), *steps]:
        said = [getattr(driver, name)(*arguments) for driver in both]
        assert said[0] == said[1], (name, arguments)
    in_redis, in_memory = (driver.everything() for driver in both)
    assert in_redis == in_memory
    for record in in_redis["identities"]:
        assert record.sighting_ids
        assert all(both[0].store.resolve(alias) == record.identity_id for alias in record.aliases)
    both[0].store.close()

"""Leases: one holder at a time, and a token that lets no earlier holder write."""

from __future__ import annotations

import time

import pytest

from services.errors import LeaseLost
from services.identity import keys
from services.identity.redis_store import RedisStore
from services.types import Commit


def test_one_holder_at_a_time(store):
    held = store.acquire_lease("associator", "a", ttl_s=60)
    assert held is not None
    assert store.acquire_lease("associator", "b", ttl_s=60) is None
    assert store.acquire_lease("ingest", "b", ttl_s=60) is not None
    assert store.lease_token("associator") == held.token
    assert store.lease_token("nobody") is None


def test_tokens_only_grow(store):
    first = store.acquire_lease("associator", "a", ttl_s=60)
    again = store.acquire_lease("associator", "a", ttl_s=60)
    assert again.token > first.token
    assert not store.renew_lease(first, 60)
    store.release_lease(first)
    assert store.lease_token("associator") == again.token
    store.release_lease(again)
    assert store.lease_token("associator") is None
    assert store.acquire_lease("associator", "b", ttl_s=60).token > again.token


def test_an_expired_lease_can_be_taken_and_not_renewed(store):
    old = store.acquire_lease("associator", "a", ttl_s=0.02)
    time.sleep(0.05)
    assert store.lease_token("associator") is None
    assert not store.renew_lease(old, 60)
    assert store.acquire_lease("associator", "b", ttl_s=60).token > old.token


def test_renewal_extends(store):
    lease = store.acquire_lease("associator", "a", ttl_s=0.2)
    assert store.renew_lease(lease, 60)
    time.sleep(0.25)
    assert store.lease_token("associator") == lease.token


def test_an_earlier_holder_writes_nothing(site):
    site.put("s1")
    position = site.store.last_event_id()
    for name in ("ingest:1", "associator"):
        assert site.store.acquire_lease(name, "tester", ttl_s=60) is not None
    with pytest.raises(LeaseLost):
        site.put("s2")
    with pytest.raises(LeaseLost):
        site.commit(site.decide("s1", "a"), cursor="9-9", links={"x": "1"})
    assert site.store.get_sighting("s2") is None
    assert site.store.identity_of("s1") is None
    assert site.store.work_cursor() == "0-0"
    assert site.store.links() == {}
    assert site.store.last_event_id() == position


def fences(store):
    if isinstance(store, RedisStore):
        return {name.removeprefix("fence:") for name in store.key_names() if name.startswith("fence:")}
    return set(store._fences)


def test_the_fence_of_a_name_that_comes_once_goes(store, site, monkeypatch):
    monkeypatch.setattr(keys, "FENCE_BEYOND_S", 0.2)
    over = [store.acquire_lease(name, "tester", ttl_s=0.1) for name in ("session:1", "enrolment-1")]
    lasting = store.acquire_lease("ingest:2", "tester", ttl_s=0.1)
    kept = store.acquire_lease("session:2", "tester", ttl_s=2)
    assert store.renew_lease(kept, ttl_s=60)
    time.sleep(0.6)
    for lease in over:
        with pytest.raises(LeaseLost):
            store.put_sighting(site.make_sighting("s1"), lease)
    assert store.acquire_lease("session:3", "tester", ttl_s=60) is not None
    assert fences(store) == {"ingest:1", "ingest:2", "associator", "session:2", "session:3"}
    assert store.put_sighting(site.make_sighting("s1"), lasting).accepted
    time.sleep(1.8)
    assert store.put_sighting(site.make_sighting("s2"), kept).accepted


def test_a_lease_never_given_writes_nothing(store, site):
    stranger = type(site.associator)("unheard-of", "x", 1)
    with pytest.raises(LeaseLost):
        store.commit(Commit(lease=stranger))

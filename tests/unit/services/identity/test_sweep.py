"""The sweep: what is past its time goes, with its pictures; what waits is told; a store that is away is waited for."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

from services.crops import CropStore, new_crop_key
from services.errors import NotFound, StoreUnavailable
from services.identity.memory_store import MemoryStore
from services.identity.retention.contract import CROPS, SERVER
from services.identity.retention.settings import RetentionSettings
from services.identity.retention.sweep import LEASE, Bounds, RetentionLoop, finish_erasures, left_behind, sweep_orphans
from services.types import Commit, Sighting
from tracker.types import Decision, DecisionStatus, TrackKey

SECOND = 10**9
NOW = 1_800_000_000 * SECOND
SETTINGS = RetentionSettings(sighting_retention_s=1000, tombstone_s=500, view_stall_s=100, sweep_every_s=0.01)


class Clock:
    def __init__(self):
        self.now_ns = NOW

    def __call__(self):
        return self.now_ns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


@pytest.fixture
def crops(tmp_path):
    return CropStore(str(tmp_path / "crops"))


@pytest.fixture
def loop(store, crops):
    return RetentionLoop(store, crops, SETTINGS, "me")


@pytest.fixture
def see(store, crops):
    def make(sighting_id, identity_id, ago_s):
        lease = store.acquire_lease("associator", "me", 3600)
        embedding = np.zeros(8, np.float32)
        embedding[0] = 1
        end_ns = store.now_ns() - ago_s * SECOND
        key = crops.put(np.zeros((8, 8, 3), np.uint8))
        sighting = Sighting(
            sighting_id, 1, True, (TrackKey("north", "s", 1),), "north", end_ns - SECOND, end_ns,
            np.array([end_ns]), np.array([1]), np.zeros((1, 4), np.float32), np.array([1, 0, 0, 0], np.float32), {},
            embedding, np.zeros((0, 8), np.float32), 0.5, "m", (key,),
        )  # fmt: skip
        store.put_sighting(sighting, lease)
        decision = Decision(sighting_id, 1, DecisionStatus.NEW, identity_id, 0.0, 1.0, 0.9)
        cursor = store.read_work("0-0", 10_000, 0)[-1].entry_id
        store.commit(Commit(lease, (decision,), cursor=cursor))
        return key

    return make


def test_the_bounds_of_a_moment():
    settings = RetentionSettings(sighting_retention_s=10, enrolled_retention_s=20, history_s=5, tombstone_s=3)
    bounds = Bounds.at(NOW, settings)
    assert (NOW - bounds.sightings_before_ns, NOW - bounds.enrolled_before_ns) == (10 * SECOND, 20 * SECOND)
    assert (NOW - bounds.history_before_ns, NOW - bounds.forget_before_ns) == (5 * SECOND, 3 * SECOND)
    assert Bounds.at(NOW, RetentionSettings()).enrolled_before_ns is None
    assert RetentionSettings(sighting_retention_s=7).kept_history_s == 7


def test_what_is_past_its_time_goes_with_its_pictures(loop, store, crops, see):
    old, kept, enrolled = see("s1", "a", 1001), see("s2", "b", 999), see("s3", "c", 5000)
    store.enrol("c", "alice")
    swept = loop.sweep()
    assert (swept.expired, swept.crops_purged) == (1, 1)
    assert store.resolve("a") is None
    assert store.purges() == []
    with pytest.raises(NotFound):
        crops.get(old)
    assert crops.get(kept)
    assert crops.get(enrolled)
    entry = store.audit_log()[-1]
    assert (entry.actor, entry.action, entry.sightings) == ("retention", "expire", 1)
    assert loop.sweep().expired == 0


def test_a_view_that_stalled_is_dropped_and_no_longer_waited_for(loop, store, see, clock):
    store.begin_view("web", "0-0")
    see("s1", "a", 2000)
    assert loop.sweep().views_dropped == ()
    assert [p.waits for p in store.purges()] == [("web",)]
    clock.now_ns += 101 * SECOND
    assert loop.sweep().views_dropped == ("web",)
    assert store.purges() == []
    assert store.audit_log()[-1].action == "drop_view"


def test_in_the_end_no_trace_is_left(loop, store, see, clock):
    see("s1", "a", 0)
    see("s2", "b", 0)
    store.merge_identities("a", "b", "alice")
    clock.now_ns += 1001 * SECOND
    loop.sweep()
    clock.now_ns += 1001 * SECOND
    cursor = store.read_work("0-0", 100, 0)[-1].entry_id
    lease = store.acquire_lease("associator", "me", 3600)
    store.commit(Commit(lease, cursor=cursor))
    see("s9", "z", 0)
    loop.sweep()
    state = store._state
    left = repr((state.rows, state.living, state.alias, state.tombstones, state.retired, state.events, state.work))
    assert "'z'" in left
    assert not any(repr(name) in left for name in ("s1", "s2", "a", "b"))


def test_pictures_that_nobody_names(store, crops, see):
    named = see("s1", "a", 0)
    orphan, fresh = new_crop_key(), new_crop_key()
    crops.put_jpeg(orphan, b"x")
    crops.put_jpeg(fresh, b"x")
    hour_ago = time.time() - 3600
    for key in (named, orphan):
        os.utime(crops._path(key), (hour_ago, hour_ago))
    assert sweep_orphans(store, crops, 1800) == 1
    assert crops.get(named)
    assert crops.get(fresh)
    with pytest.raises(NotFound):
        crops.get(orphan)


def test_pictures_that_cannot_be_listed_end_no_retention(loop, store, crops, see, monkeypatch, caplog):
    see("s1", "a", 2000)

    def refuse(*_args, **_options):
        raise PermissionError("no right to list")

    monkeypatch.setattr(crops._fs, "find", refuse)
    swept = loop.sweep()
    assert (swept.expired, swept.crops_purged, swept.orphans) == (1, 1, 0)
    assert "pictures cannot be listed, orphaned ones stay behind: no right to list" in caplog.text


def test_pictures_that_cannot_be_removed_stay_in_the_outbox(loop, store, crops, see, monkeypatch):
    see("s1", "a", 2000)

    def refuse(key):
        raise PermissionError(key)

    with monkeypatch.context() as patch:
        patch.setattr(crops, "delete", refuse)
        assert loop.sweep().crops_purged == 0
        assert [p.waits for p in store.purges()] == [(CROPS,)]
    assert loop.sweep().crops_purged == 1


def test_an_erasure_that_was_left_waiting_ends(store, see):
    see("s1", "a", 0)
    see("s2", "b", 0)
    store.delete_identity("a", "alice", cause="erase")
    assert finish_erasures(store) == 0
    store.acknowledge(CROPS, ["s1"])
    assert [p.waits for p in store.purges()] == [(SERVER,)]
    assert finish_erasures(store) == 1
    assert store.purges() == []
    assert "s1" not in repr(store.read_events("0-0", 100, 0))
    assert "s2" in repr(store.read_events("0-0", 100, 0))


def test_an_erasure_that_waits_does_not_hold_back_later_ones(store, see, monkeypatch):
    monkeypatch.setattr("services.identity.retention.sweep._PAGE", 2)
    for n in range(5):
        see(f"s{n}", f"i{n}", 0)
        store.delete_identity(f"i{n}", "alice", cause="erase")
    store.acknowledge(CROPS, ["s2", "s3", "s4"])
    assert finish_erasures(store) == 2
    assert finish_erasures(store) == 1
    assert [p.sighting_id for p in store.purges()] == ["s0", "s1"]


def test_an_erasure_that_ends_later_takes_aliases_with_it(store, see):
    for sighting_id, identity_id in (("s1", "a"), ("s2", "b"), ("s3", "c"), ("s4", "d")):
        see(sighting_id, identity_id, 0)
    undone = store.merge_identities("a", "d", "alice")
    store.undo(undone.event_id, "alice")
    store.merge_identities("b", "c", "alice")
    store.merge_identities("a", "b", "alice")
    store.delete_identity("a", "alice", cause="erase")
    store.acknowledge(CROPS, ["s1", "s2", "s3"])
    assert finish_erasures(store) == 3
    events = store.read_events("0-0", 100, 0)
    assert {e.payload["identity_id"] for e in events if e.kind == "identity.created"} == {"d"}
    assert not any(repr(name) in repr(events) for name in ("s1", "s2", "s3", "a", "b", "c"))


def test_runs_until_told_and_waits_for_a_store_that_is_away(loop, store, see, monkeypatch):
    see("s1", "a", 2000)
    stop, tries = threading.Event(), []
    expire = store.expire

    def away(*args, **kwargs):
        tries.append(1)
        if len(tries) < 3:
            raise StoreUnavailable("gone")
        done = expire(*args, **kwargs)
        stop.set()
        return done

    monkeypatch.setattr(store, "expire", away)
    loop.run(stop)
    assert store.resolve("a") is None
    assert store.lease_token(LEASE) is None


def test_only_one_of_a_site_sweeps(store, crops, see):
    store.acquire_lease(LEASE, "another", 3600)
    see("s1", "a", 2000)
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    RetentionLoop(store, crops, SETTINGS, "me").run(stop)
    timer.join()
    assert store.resolve("a") == "a"


def test_what_the_next_sweep_removes_is_not_left_behind(store, see):
    see("just-due", "a", 1000 + 59)
    see("missed", "b", 1000 + 61)
    settings = RetentionSettings(sighting_retention_s=1000, sweep_every_s=30)
    assert [each.sighting_id for each in left_behind(store, settings, 10)] == ["missed"]
    assert left_behind(store, settings, 0) == []

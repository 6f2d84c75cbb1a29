"""The loop against a store: decisions arrive once, restarts and faults change nothing."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from reid.types import Detail
from services.errors import LeaseLost, StoreUnavailable
from services.garbage import Collector
from services.identity.memory_store import MemoryStore
from services.matcher.associator import pack
from services.matcher.observations import to_observation
from services.types import Merge, Split
from tests.integration.association.conftest import START, Clock, Street
from tracker.multi_camera.types import IdentityMerge, IdentitySplit


def pass_by(street, vehicles=(1, 2, 3)):
    """Each vehicle goes past two cameras."""
    for vehicle in vehicles:
        street.put(f"a{vehicle}", vehicle, "a", 2 * vehicle, 2 * vehicle + 1.5)
        street.put(f"b{vehicle}", vehicle, "b", 2 * vehicle + 10, 2 * vehicle + 11.5)


def decided(store):
    return [e.payload for e in store.read_events("0-0", 10_000, 1) if e.kind == "sighting.decided"]


def test_sightings_of_one_vehicle_become_one_identity(street, store, new_loop, settle):
    pass_by(street)
    loop = new_loop()
    assert settle(loop) == 6
    for vehicle in (1, 2, 3):
        assert store.identity_of(f"a{vehicle}") == store.identity_of(f"b{vehicle}")
    assert len({store.identity_of(f"a{v}") for v in (1, 2, 3)}) == 3
    assert store.work_cursor() == store.read_work("0-0", 100, 1)[-1].entry_id
    assert store.links()
    assert loop.active == 3


def test_a_bucket_is_not_decided_before_its_time(street, store, new_loop, settle, clock):
    loop = new_loop(bucket_s=1.0)
    street.put("s1", 1, "a", 0, 2)
    assert loop.step(1) == 0
    assert (loop.pending, loop.caught_up) == (1, False)
    assert store.work_cursor() == "0-0"
    clock.pass_s(1.0)
    assert loop.step(1) == 1
    assert not loop.caught_up
    settle(loop)
    assert loop.caught_up


def test_a_due_bucket_goes_before_the_second_looks_of_the_one_before(street, store, new_loop, clock):
    loop = new_loop()
    for i in range(2):
        street.put(f"s{i}", i, f"c{i}", 10 * i, 10 * i + 2)
        loop.step(1)
        clock.pass_s(0.6)
        assert loop.step(1) == 1
        assert store.identity_of(f"s{i}") is not None
        assert not loop.caught_up
    while not loop.caught_up:
        assert loop.step(1) == 0
    assert {"lesson/0", "lesson/1"} <= set(store.links())


def test_garbage_is_looked_for_after_a_start_and_between_buckets(street, new_loop, settle):
    told = []

    class Told(Collector):
        def everything(self):
            told.append(("everything", loop.active))

        def between(self, *, idle):
            assert loop.leads
            told.append(("between", idle))

    pass_by(street)
    loop = new_loop(collector=Told())
    settle(loop)
    assert told == [("everything", 0), ("between", True)]
    told.clear()
    assert loop.step(1) == 0
    assert not told


def test_a_later_revision_merges_and_the_alias_resolves(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 2, "b", 10, 12, final=False)
    settle(loop)
    lonely = store.identity_of("s2")
    street.put("s2", 1, "b", 10, 16, revision=2)
    settle(loop)
    assert store.identity_of("s2") == store.identity_of("s1")
    assert store.resolve(lonely) == store.identity_of("s1")


def test_a_wrong_match_moves_by_split_and_merge(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 2, "a", 3, 5)
    street.put("s3", 1, "b", 12, 14, final=False)
    settle(loop)
    assert store.identity_of("s3") == store.identity_of("s1")
    street.put("s3", 2, "b", 12, 18, revision=2)
    settle(loop)
    assert store.identity_of("s3") == store.identity_of("s2") != store.identity_of("s1")
    kinds = [e.kind for e in store.read_events("0-0", 1000, 1)]
    assert kinds[-3:] == ["sighting.decided", "identity.split", "identity.merged"]


@pytest.mark.parametrize("cut", [0, 1, 3, 5])
def test_a_restart_goes_on_where_the_other_stopped(street, store, new_loop, settle, cut):
    first = new_loop()
    for i in range(6):
        if i == cut:
            settle(first)
            street.put("a0", 0, "a", 2 * i, 2 * i + 1.5)
            # Read but not decided when it dies.
            first.step(1)
            first = new_loop()
            settle(first)
        street.put(f"a{i + 1}", i + 1, "a", 2 * i, 2 * i + 1.5)
        street.put(f"b{i + 1}", i + 1, "b", 2 * i + 10, 2 * i + 11.5)
    settle(first)
    seen = [(d["sighting_id"], d["revision"]) for d in decided(store)]
    assert len(seen) == len(set(seen)) == 13
    for i in range(6):
        assert store.identity_of(f"a{i + 1}") == store.identity_of(f"b{i + 1}")


def test_what_was_decided_before_a_restart_is_learned_from_after_it(street, store, new_loop, settle, clock):
    pass_by(street)
    first = new_loop()
    first.step(1)
    clock.pass_s(0.6)
    assert first.step(1) == 6
    # It dies here, with the second looks before it: the decisions and the cursor are in the store.
    assert store.work_cursor() == store.read_work("0-0", 100, 1)[-1].entry_id
    assert not any(name.startswith("lesson/") for name in store.links())
    settle(new_loop())
    assert sum(name.startswith("lesson/") for name in store.links()) == 6
    assert len(decided(store)) == 6


def test_a_restart_keeps_an_ambiguous_one_and_a_revision_that_waits(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 4)
    street.put("s2", 2, "b", 10, 12, final=False)
    settle(loop)
    street.put("s2", 1, "b", 10, 16, revision=2)
    again = new_loop()
    settle(again)
    assert store.identity_of("s2") == store.identity_of("s1")


def test_only_the_holder_of_the_lease_decides(street, store, new_loop, settle):
    one, two = new_loop("one"), new_loop("two")
    pass_by(street)
    assert settle(one) == 6
    assert two.step(1) == 0
    assert not two.caught_up


def test_a_lost_lease_stops_decisions_and_is_taken_again(street, store, new_loop, settle, clock):
    one = new_loop("one")
    street.put("a1", 1, "a", 0, 2)
    settle(one)
    # Another process of the same name takes the role: the older token is worthless.
    assert store.acquire_lease("associator", "one", 60.0) is not None
    street.put("b1", 1, "b", 10, 12)
    one.step(1)
    clock.pass_s(0.6)
    assert one.step(1) == 0
    assert store.identity_of("b1") is None
    settle(one)
    assert store.identity_of("b1") == store.identity_of("a1")


class Flaky:
    """A store that is away when told so, before or after it did what it was asked."""

    def __init__(self, store):
        self._store = store
        self.fail = ""
        self.after = False

    def __getattr__(self, name):
        real = getattr(self._store, name)

        def call(*args, **kwargs):
            if name == self.fail:
                self.fail = ""
                if self.after:
                    real(*args, **kwargs)
                raise StoreUnavailable("away")
            return real(*args, **kwargs)

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "method", ["acquire_lease", "read_work", "get_sightings", "identities_of", "commit", "scan_sightings", "links"]
)
def test_a_store_that_goes_away_loses_and_doubles_nothing(street, store, new_loop, settle, method, after):
    flaky = Flaky(store)
    loop = new_loop(over=flaky)
    street.put("a1", 1, "a", 0, 2)
    if method in {"commit", "read_work", "get_sightings", "identities_of"}:
        settle(loop)
    street.put("b1", 1, "b", 10, 12)
    flaky.fail, flaky.after = method, after
    with pytest.raises(StoreUnavailable):
        settle(loop)
    settle(loop)
    seen = [(d["sighting_id"], d["revision"]) for d in decided(store)]
    assert sorted(seen) == [("a1", 1), ("b1", 1)]
    assert store.identity_of("a1") == store.identity_of("b1")


def test_a_revision_that_overtakes_its_decision_is_decided_once(street, store, new_loop, settle, clock):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2, final=False)
    loop.step(1)
    # The newest revision is in the store, the loop has read the one before.
    street.put("s1", 1, "a", 0, 4, revision=2)
    settle(loop)
    assert [(d["sighting_id"], d["revision"]) for d in decided(store)] == [("s1", 2)]
    assert store.identity_of("s1") is not None
    assert loop.active == 1


def test_a_deleted_identity_is_forgotten(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    settle(loop)
    gone = store.identity_of("s1")
    store.delete_identity(gone, "tester")
    street.put("s2", 1, "b", 10, 12)
    settle(loop)
    assert loop.active == 1
    assert store.identity_of("s2") not in {None, gone}


def test_an_identity_deleted_while_another_is_merged_into_it_leaves_nothing_undecided(street, store, new_loop, settle):
    """The store then keeps the other as it was, and refuses whatever is matched to the one that is gone."""
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 1, "a", 0, 2)
    settle(loop)
    gone, other = store.identity_of("s1"), store.identity_of("s2")
    loop._associator._parts.memory.merge(gone, other)
    store.delete_identity(gone, "alice")
    street.put("s3", 1, "b", 10, 12)
    settle(loop)
    assert store.identity_of("s3") == store.identity_of("s2") == other


def test_provisional_sightings_of_a_session_that_is_gone_become_final(
    street, store, new_loop, settle, clock, monkeypatch
):
    monkeypatch.setattr("services.matcher.associator.ORPHAN_IDLE_S", 0.0)
    store.acquire_lease("session:session-b", "ingest", 600.0)
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2, final=False)
    street.put("s2", 2, "b", 0, 2, final=False)
    settle(loop)
    clock.pass_s(3.1)
    settle(loop)
    assert store.get_sighting("s1").final
    assert not store.get_sighting("s2").final
    settle(loop)


def test_the_thread_ends_when_told_and_gives_the_lease_back(street, store, new_loop):
    pass_by(street)
    loop = new_loop()
    stop = threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop,), name="associator")
    thread.start()
    stop.wait(0.3)
    stop.set()
    thread.join(10.0)
    assert not thread.is_alive()
    assert store.lease_token("associator") is None


def test_changes_keep_their_order_in_rounds():
    merge, split = IdentityMerge("a", "b", "r"), IdentitySplit("a", "n", ("s",), "r")
    assert pack([]) == [((), ())]
    assert pack([merge, split]) == [((Merge("a", "b", "r"),), (Split("a", "n", ("s",), "r"),))]
    assert [(len(m), len(s)) for m, s in pack([split, merge, merge, split, merge])] == [(0, 1), (2, 1), (1, 0)]


def test_a_commit_without_a_lease_is_refused(new_loop):
    from tracker.multi_camera.types import Outcome

    with pytest.raises(LeaseLost):
        new_loop()._commit(Outcome())


def test_a_sighting_becomes_an_observation(street, store):
    street.put("s1", 1, "a", 0, 2)
    observation = to_observation(store.get_sighting("s1"), Detail())
    assert observation.entry == pytest.approx((0.05, 0.05))
    assert observation.exit == pytest.approx((0.95, 0.95))
    assert np.linalg.norm(observation.embedding) == pytest.approx(1.0, abs=1e-6)
    assert observation.colour == {"red": 1.0}
    assert observation.detail == 1.0


def test_a_small_vehicle_shows_as_much_as_its_largest_box(street, store):
    street.put("s1", 1, "a", 0, 2)
    boxes = store.get_sighting("s1").boxes_xyxy
    sides = boxes[:, 2:] - boxes[:, :2]
    size_px = float(np.sqrt(sides.prod(axis=1).max()))
    detail = Detail((size_px / 2, size_px * 2), (0.4, 0.8))
    assert to_observation(store.get_sighting("s1"), detail).detail == pytest.approx(0.6)


def test_what_came_while_nobody_decided_is_gone_through_as_it_came(new_loop, settle, clock):
    """Vehicles pass one camera and then another, and come back, while there is no associator."""
    now = Clock()
    now.now_ns = START
    store = MemoryStore(now)
    street = Street(store)
    for n in range(30):
        for lap in range(2):
            street.put(f"s{n}-{lap}", n % 10, "ab"[(n // 10 + lap) % 2], 20.0 * n + 60 * lap, 20.0 * n + 60 * lap + 4)
            now.pass_s(10.0)
    loop = new_loop(over=store)
    sizes = []
    decide = loop._associator.decide

    def counted():
        sizes.append(loop._associator.pending)
        return decide()

    loop.step(1)
    loop._associator.decide = counted
    for _ in range(5000):
        loop.step(1)
        if loop.caught_up:
            break
        clock.pass_s(0.3)
    assert loop.caught_up
    assert max(sizes) == 1
    assert store.work_cursor() == store.read_work("0-0", 1000, 1)[-1].entry_id
    assert all(store.identity_of(f"s{n}-{lap}") for n in range(30) for lap in range(2))


def test_after_an_outage_sessions_get_time_to_renew_their_leases(new_loop, settle, clock):
    now = Clock()
    now.now_ns = START
    store = MemoryStore(now)
    street = Street(store)
    lease = store.acquire_lease("session:session-a", "ingest", 5.0)
    loop = new_loop(over=store)
    street.put("s1", 1, "a", 0, 2, final=False)

    def go(seconds):
        for _ in range(int(seconds / 0.5)):
            now.pass_s(0.5)
            clock.pass_s(0.5)
            loop.step(1)

    for _ in range(10):
        go(1.5)
        assert store.renew_lease(lease, 5.0)
    now.pass_s(20.0)
    clock.pass_s(20.0)
    go(5.0)
    assert not store.get_sighting("s1").final
    go(10.0)
    assert store.get_sighting("s1").final

"""Any sequence of changes, on every store, against a model: ids never come back, aliases resolve, nothing stays."""

from __future__ import annotations

import itertools
import zlib

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from services.errors import InputError, LeaseLost, NotFound
from services.identity.history import all_events, believed, concerning, events_about, events_around, sightings_of
from services.identity.integrity import disagreements
from services.identity.log.contract import named_in
from services.identity.memory_store import MemoryStore
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.ids import uuid7
from services.types import Commit, Merge, Split
from tests.contract.identity_store.model import Hung, Model
from tracker.types import TrackKey

#: How often each change comes.
WEIGHTS = {
    "see": 4, "see_again": 1, "decide": 6, "merge": 2, "split": 2, "take_over": 1, "late": 1, "merge_by_hand": 4,
    "see_decided": 3, "undo": 6, "enrol": 2, "delete": 1, "erase": 1, "delete_sighting": 1, "expire": 1,
    "forget_ids": 1,
}  # fmt: skip
NEEDS = {
    "see_again": "of_tracker", "decide": "rows", "merge": "known", "split": "rows", "merge_by_hand": "known",
    "undo": "undoable", "enrol": "known", "delete": "known", "erase": "known", "delete_sighting": "rows",
}  # fmt: skip
#: What a change is made of, from two numbers; those left out take both as they are.
ARGUMENTS = {
    "see": lambda n, m: (n % 2, 1 + m % 9),
    "see_again": lambda n, m: (n, m % 2, 1 + m % 9),
    "decide": lambda n, m: (n, m, int(m % 4 == 0)),
    "split": lambda n, m: (n, m, 1 + n % 3),
    "see_decided": lambda n, m: (n, m, m % 3 == 0),
    "enrol": lambda n, m: (n, m % 2 == 0),
    "expire": lambda n, m: (1 + n % 5,),
    **dict.fromkeys(("take_over", "forget_ids"), lambda n, m: ()),
    **dict.fromkeys(("undo", "delete", "erase", "delete_sighting"), lambda n, m: (n,)),
}
numbers = st.integers(0, 10**6)
changes = st.tuples(st.sampled_from([name for name, n in WEIGHTS.items() for _ in range(n)]), numbers, numbers)


class Site:
    """One site with two ingests, an associator and an operator, and what is expected of its store."""

    def __init__(self, store, make_sighting, make_decision):
        self.store, self.make_sighting, self.make_decision = store, make_sighting, make_decision
        self.model = Model()
        # Looking costs the server more round trips than changing.
        self.look_every = 1 if isinstance(store, MemoryStore) else 8
        self.trackers = [self.lease(f"ingest:{n}") for n in range(2)]
        self.associator = self.lease("associator")
        self.older = self.associator
        self.of_tracker: dict[str, int] = {}
        self.issued: list[str] = []
        self.undoable: list[tuple[str, str, tuple]] = []
        #: What was of an erased identity and left before: its history names no more where it had come from.
        self.passed: set[str] = set()
        self.erased: set[str] = set()

    def lease(self, name):
        return self.store.acquire_lease(name, "tester", 600)

    def fresh(self):
        self.issued.append(uuid7())
        return self.issued[-1]

    @staticmethod
    def pick(names, n):
        names = sorted(names)
        return names[n % len(names)]

    def some_id(self, n):
        """Mostly a living or absorbed id, now and then a retired or a fresh one; never one that is forgotten."""
        names = self.model.known if n % 11 else self.model.retired
        return self.pick(names, n) if names and n % 6 else self.fresh()

    def commit(self, **changes):
        self.store.commit(Commit(self.associator, **changes))

    def run(self, steps):
        for n in range(6):
            self.see(n % 2, 2 + n)
        for n, name in enumerate(sorted(self.model.rows)):
            self.decide_for(name, 1, self.fresh() if n < 4 else self.pick(self.model.roots(), n))
        for step, (name, *drawn) in enumerate(steps):
            # What is drawn is small more often than not: mixed with the step, it picks all over.
            n, m = (zlib.crc32(f"{number}/{step}/{place}".encode()) for place, number in enumerate(drawn))
            need = NEEDS.get(name)
            if need is None or getattr(self, need, None) or getattr(self.model, need, None):
                getattr(self, name)(*ARGUMENTS.get(name, lambda n, m: (n, m))(n, m))
            if step % self.look_every == 0:
                self.every_id_leads_where_it_should()
        self.every_id_leads_where_it_should()
        self.trackers_never_share_ids()
        self.history_agrees()
        self.leaves_nothing()

    # -- the two ingests

    def see(self, tracker, ended):
        name = uuid7()
        assert name not in self.of_tracker
        self.of_tracker[name] = tracker
        assert self.put(name, 1, ended)

    def see_again(self, n, step, ended):
        name = self.pick(self.of_tracker, n)
        row = self.model.rows.get(name)
        revision = 2 if row is None else row.revision + step
        fits = name not in self.model.dead and (row is None or revision > row.revision)
        if row is None and name not in self.model.dead:
            return  # forgotten: nobody can hold it any more
        assert self.put(name, revision, ended) == fits

    def see_decided(self, n, m, enrols):
        """A sighting that is new, or a newer revision of a known one, put together with whose it is."""
        name = self.pick(self.model.rows, n) if n % 3 == 0 and self.model.rows else uuid7()
        tracker = self.of_tracker.setdefault(name, n % 2)
        row = self.model.rows.get(name)
        revision, identity_id = 1 if row is None else row.revision + 1, self.some_id(m)
        sighting = self.sighting(name, revision, 1 + m % 9)
        decision = self.make_decision(name, identity_id, revision)
        lease, actor = self.trackers[tracker], "ann" if enrols else ""
        accepted = self.store.put_decided(sighting, decision, lease, enrolled_by=actor).accepted
        assert accepted == (identity_id not in self.model.retired)
        if not accepted:
            if row is None:
                del self.of_tracker[name]
            return
        self.model.rows[name] = self.hung(sighting, row)
        assert self.model.decide(name, revision, identity_id)
        if enrols:
            self.model.enrol(self.model.root(identity_id), yes=True)

    def sighting(self, name, revision, ended):
        tracker = self.of_tracker[name]
        keys = (TrackKey(f"camera-{tracker}", f"session-{tracker}", len(self.of_tracker)),)
        final = (ended + revision) % 3 != 0
        return self.make_sighting(name, revision, start_ns=0, end_ns=ended * 10**9, final=final, track_keys=keys)

    @staticmethod
    def hung(sighting, old):
        node = None if old is None else old.node
        return Hung(sighting.revision, sighting.end_ns // 1000, sighting.final, node)

    def put(self, name, revision, ended):
        sighting = self.sighting(name, revision, ended)
        accepted = self.store.put_sighting(sighting, self.trackers[self.of_tracker[name]]).accepted
        if accepted:
            old = self.model.rows.get(name)
            self.model.rows[name] = self.hung(sighting, old)
        return accepted

    # -- the associator

    def decide(self, n, m, stale):
        name = self.pick(self.model.rows, n)
        self.decide_for(name, self.model.rows[name].revision + stale, self.some_id(m))

    def decide_for(self, name, revision, identity_id):
        result = self.store.commit(
            Commit(self.associator, (self.make_decision(name, identity_id, revision),), cursor=self.store.work_cursor())
        )
        assert bool(result.applied) == self.model.decide(name, revision, identity_id)

    def merge(self, n, m):
        one, other = self.some_id(n), self.some_id(m)
        self.commit(merges=(Merge(one, other, "m"),))
        survivor, absorbed = self.model.root(one), self.model.root(other)
        if survivor is not None and absorbed is not None and survivor != absorbed:
            self.absorbed(survivor, absorbed)

    def absorbed(self, survivor, absorbed):
        self.model.absorb(survivor, absorbed)
        event = list(all_events(self.store))[-1]
        assert (event.kind, event.payload["absorbed_id"]) == ("identity.merged", absorbed)
        self.undoable.append(("merge", event.event_id, (survivor, absorbed)))

    def split(self, n, m, count):
        source, fresh = self.some_id(n), self.fresh() if m % 3 else self.some_id(m)
        names = list(dict.fromkeys(self.pick(self.model.rows, m + i) for i in range(count)))
        self.commit(splits=(Split(source, fresh, tuple(names), "s"),))
        home = self.model.root(source)
        moving = {s for s in names if home is not None and self.model.root(self.model.rows[s].node) == home}
        taken = fresh in self.model.parent or fresh in self.model.retired or fresh == home
        if moving and not taken:
            self.model.known.add(fresh)
            former = {s: self.model.rows[s].node for s in moving}
            self.model.move(moving, fresh)
            event = [e for e in all_events(self.store) if e.kind == "identity.split"][-1]
            self.undoable.append(("split", event.event_id, (home, fresh, former)))

    def take_over(self):
        self.older, self.associator = self.associator, self.lease("associator")

    def late(self, n, m):
        """An associator that was replaced is refused."""
        if self.older == self.associator:
            return
        with pytest.raises(LeaseLost):
            self.store.commit(Commit(self.older, merges=(Merge(self.some_id(n), self.some_id(m), "late"),)))

    # -- the operator

    def corrected(self):
        """After a correction the associator's token is worth nothing."""
        with pytest.raises(LeaseLost):
            self.commit()
        self.take_over()

    def merge_by_hand(self, n, m):
        one, other = self.some_id(n), self.some_id(m)
        survivor, absorbed = self.model.root(one), self.model.root(other)
        expected = NotFound if None in (survivor, absorbed) else InputError if survivor == absorbed else None
        if self.attempt(expected, lambda: self.store.merge_identities(one, other, "ann")):
            self.absorbed(survivor, absorbed)

    def attempt(self, expected, call):
        if expected is not None:
            before = self.store.last_event_id()
            with pytest.raises(expected):
                call()
            assert self.store.last_event_id() == before
            return False
        call()
        self.corrected()
        return True

    def undo(self, n):
        kind, event_id, said = self.undoable[-1 - n % min(4, len(self.undoable))]
        event = self.store.get_event(event_id)
        if event is None or not named_in(event.payload) & {str(said[0])}:  # an erasure has taken it away
            assert not self.erased.isdisjoint({*said[:2], *(said[2] if len(said) > 2 else ())})
            self.attempt(NotFound, lambda: self.store.undo(event_id, "ann"))
        else:
            getattr(self, f"undo_{kind}")(event_id, *said)

    def undo_merge(self, event_id, survivor, absorbed):
        model = self.model
        expected = None
        if model.root(survivor) is None:
            expected = NotFound
        elif model.parent.get(absorbed) != survivor or not model.members(absorbed):
            expected = InputError
        if self.attempt(expected, lambda: self.store.undo(event_id, "ann")):
            holder = model.root(survivor)
            event = [e for e in all_events(self.store) if e.kind == "identity.unmerged"][-1]
            model.cut(absorbed, bool(self.store.get_event(event_id).payload.get("absorbed_enrolled")))
            self.undoable.append(("unmerge", event.event_id, (holder, absorbed, (survivor,))))

    def undo_unmerge(self, event_id, holder, restored, absorber):
        (by,) = absorber if self.erased.isdisjoint(absorber) else (holder,)
        survivor, absorbed = self.model.root(by), self.model.root(restored)
        expected = NotFound if None in (survivor, absorbed) else InputError if survivor == absorbed else None
        if self.attempt(expected, lambda: self.store.undo(event_id, "ann")):
            self.absorbed(by, absorbed)

    def undo_split(self, event_id, home, fresh, former):
        model = self.model
        back, now = model.root(home), model.root(fresh)
        moving = {s for s in former if s in model.rows and model.root(model.rows[s].node) == now}
        expected = NotFound if None in (back, now) else InputError if back == now or not moving else None
        if self.attempt(expected, lambda: self.store.undo(event_id, "ann")):
            given = {s: model.rows[s].node for s in moving}
            model.move(moving, back, former)
            event = [e for e in all_events(self.store) if e.kind == "identity.split"][-1]
            if model.parent.get(now) == back:
                self.undoable.append(("emptying", event.event_id, (now, back, given)))
            else:
                self.undoable.append(("split", event.event_id, (now, back, given)))

    def undo_emptying(self, event_id, emptied, home, names):
        """What a split taken back had emptied comes back with the sightings that it had had."""
        model = self.model
        holder = model.root(home)
        own = model.members(emptied) if emptied in model.known else set()
        own |= {s for s in names if s in model.rows and holder is not None and model.root(model.rows[s].node) == holder}
        expected = NotFound if holder is None else None
        if expected is None and (model.parent.get(emptied) != home or not own):
            expected = InputError
        if self.attempt(expected, lambda: self.store.undo(event_id, "ann")):
            given = {s: model.rows[s].node for s in own}
            for name in own - model.members(emptied):
                model.rows[name].node = emptied
            model.cut(emptied, bool(self.store.read_events(event_id, 1, 0)[0].payload.get("absorbed_enrolled")))
            event = [e for e in all_events(self.store) if e.kind == "identity.unmerged"][-1]
            self.undoable.append(("split", event.event_id, (holder, emptied, given)))

    def enrol(self, n, yes):
        root = self.model.root(self.pick(self.model.known, n))
        self.store.enrol(root, "ann", enrolled=yes)
        self.model.enrol(root, yes)

    # -- going

    def delete(self, n):
        identity_id = self.some_id(n)
        root = self.model.root(identity_id)
        if root is None:
            with pytest.raises(NotFound):
                self.store.delete_identity(identity_id, "ann")
        else:
            self.store.delete_identity(identity_id, "ann")
            self.model.remove(self.model.members(root))

    def erase(self, n):
        root = self.model.root(self.pick(self.model.known, n))
        gone, names = self.model.members(root), self.model.tree(root)
        self.store.delete_identity(root, "ann", cause="erase")
        self.model.remove(gone)
        about = [event for event in all_events(self.store) if named_in(event.payload) & names]
        self.passed |= {name for event in about for name in sightings_of(event)}
        self.erased |= gone | names
        self.store.rewrite(sorted(gone), sorted(names))
        left = repr(list(all_events(self.store)))
        assert not [name for name in gone | names if name in left]

    def delete_sighting(self, n):
        name = self.pick(self.model.rows, n)
        self.store.delete_sighting(name, "ann")
        self.model.remove({name})

    def expire(self, before_s):
        due = {
            s
            for s, row in self.model.rows.items()
            if row.final and row.end_us < before_s * 1_000_000 and not self.model.enrolled(self.model.root(row.node))
        }
        assert self.store.expire(before_s * 10**9) == len(due)
        self.model.remove(due)

    def forget_ids(self):
        self.store.trim(0, self.store.now_ns() + 10**9, 0)
        self.model.retired.clear()
        self.model.dead.clear()

    # -- what must hold

    def every_id_leads_where_it_should(self):
        for identity_id in self.model.known | self.model.retired:
            root = self.model.root(identity_id)
            assert self.store.resolve(identity_id) == root
            record = self.store.get_identity(identity_id)
            if root is None:
                assert record is None
            else:
                assert set(record.sighting_ids) == self.model.members(root)
                assert set(record.aliases) == self.model.tree(root) - {root}
                assert record.enrolled == self.model.enrolled(root)
        assert {r.identity_id for r in self.store.list_identities(10_000)} == self.model.roots()
        for name, row in self.model.rows.items():
            assert self.store.identity_of(name) == self.model.root(row.node)

    def trackers_never_share_ids(self):
        for sighting, _ in self.store.scan_sightings():
            assert sighting.track_keys[0].session_id == f"session-{self.of_tracker[sighting.sighting_id]}"

    def history_agrees(self):
        events = list(all_events(self.store))
        created = [e.payload["identity_id"] for e in events if e.kind == "identity.created"]
        assert len(created) == len(set(created))
        belief = believed(events)
        for name, row in self.model.rows.items():
            told = belief.labels.get(name)
            assert (None if told is None else belief.resolve(told)) == self.model.root(row.node)
        self.each_finds_its_own(events)
        if isinstance(self.store, RedisStore):
            assert disagreements(self.store) == []

    def each_finds_its_own(self, events):
        """What is read of one identity says the same as the whole log, also of a moment in the middle."""
        if not events:  # all that happened was erased
            return
        middle_ns = events[len(events) // 2].at_ns
        earlier = [event for event in events if event.at_ns <= middle_ns]
        then = believed(earlier)
        for name in self.issued:
            about = [event.event_id for event in events_about(self.store, name)]
            assert about == [event.event_id for event in concerning(name, events)]
            about = [event.event_id for event in events_about(self.store, name, middle_ns)]
            assert about == [event.event_id for event in concerning(name, earlier)]
            around = believed(events_around(self.store, name, middle_ns))
            assert around.resolve(name) == then.resolve(name)
            assert set(around.members(name)) - self.passed == set(then.members(name)) - self.passed
            assert around.aliases(name) == then.aliases(name)

    def leaves_nothing(self):
        store, future = self.store, 10**18 * 4
        for record in store.list_identities(10_000):
            store.enrol(record.identity_id, "ann", enrolled=False)
        store.finalise_orphans([], 0)
        store.expire(future, limit=10**6)
        for holder in {name for purge in store.purges(limit=10**6) for name in purge.waits}:
            store.acknowledge(holder, [purge.sighting_id for purge in store.purges(limit=10**6)])
        work = store.read_work("0-0", 10**6, 0)
        self.commit(cursor=work[-1].entry_id if work else "1-1")
        self.put_work_past()
        store.trim(future, future, future)
        left = self.everything()
        assert not [name for name in (*self.of_tracker, *self.issued) if name.encode() in left]

    def put_work_past(self):
        """The entry at the cursor itself is kept: one more, of a sighting that stays, stands behind the others."""
        last = self.store.put_sighting(self.make_sighting("stays", end_ns=10**18 * 5), self.trackers[0])
        assert last.accepted
        self.commit(cursor=self.store.read_work(self.store.work_cursor(), 10, 0)[-1].entry_id)

    def everything(self):
        """All that the store holds, keys and values, as bytes."""
        if isinstance(self.store, MemoryStore):
            state = self.store._state
            names = [name for name in dir(state) if not name.startswith("__") and not callable(getattr(state, name))]
            return repr([getattr(state, name) for name in names]).encode()
        client = self.store._redis.client
        return b"\n".join(part for key in client.keys("*") for part in (key, dumped(client, key)))


def dumped(client, key):
    reads = {
        b"string": client.get, b"hash": client.hgetall, b"set": client.smembers,
        b"zset": lambda k: client.zrange(k, 0, -1), b"stream": client.xrange,
    }  # fmt: skip
    return repr(reads[client.type(key)](key)).encode()


_sites = itertools.count()


@pytest.fixture(params=["memory", "redis"])
def new_site(request, make_sighting, decide):
    def make():
        if request.param == "memory":
            return Site(MemoryStore(), make_sighting, decide)
        client = connect(request.getfixturevalue("server").url, RedisSettings())
        client.flushall()
        return Site(RedisStore(client, f"stateful-{next(_sites)}"), make_sighting, decide)

    return make


@given(st.lists(changes, min_size=40, max_size=80))
@settings(
    max_examples=25,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_any_sequence_of_changes(new_site, steps):
    site = new_site()
    site.run(steps)
    if isinstance(site.store, RedisStore):
        site.store.close()

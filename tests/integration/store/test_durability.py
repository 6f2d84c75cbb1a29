"""The server is killed again and again while it writes: what was acknowledged is there, and nothing is half done."""

from __future__ import annotations

import math
import random
import threading
import time

from services.errors import StoreUnavailable
from services.identity.history import all_events, label_history
from services.types import Commit, Merge
from tracker.metrics.latency import labels_at

KILLS = 20


class Writer(threading.Thread):
    """Puts pairs of sightings and commits each pair with a merge, until told to stop; notes what was acknowledged."""

    def __init__(self, running, make_sighting, decide) -> None:
        super().__init__(name="writer", daemon=True)
        self.store = running.store(reconnect_attempts=0)
        self.make_sighting, self.decide = make_sighting, decide
        self.over = threading.Event()
        self.put: list[str] = []
        self.pairs: list[int] = []
        self.refused = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.ingest = self.insist(self.store.acquire_lease, "ingest", "me", 600)
            self.associator = self.insist(self.store.acquire_lease, "associator", "me", 600)
            n = 0
            while not self.over.is_set():
                n += 1
                for name in (f"s{n}-a", f"s{n}-b"):
                    self.insist(self.store.put_sighting, self.make_sighting(name), self.ingest)
                    self.put.append(name)
                result = self.insist(self.store.commit, self.change(n))
                assert (len(result.applied), result.stale) == (2, ())
                self.pairs.append(n)
        except Exception as exc:
            self.error = exc
        finally:
            self.store.close()

    def insist(self, call, *arguments):
        while True:
            try:
                return call(*arguments)
            except StoreUnavailable:
                self.refused += 1
                time.sleep(0.005)

    def change(self, n: int) -> Commit:
        decisions = (self.decide(f"s{n}-a", f"i{n}-a"), self.decide(f"s{n}-b", f"i{n}-b"))
        merge = Merge(f"i{n}-a", f"i{n}-b", "pair")
        return Commit(self.associator, decisions, (merge,), cursor=f"{n}-0", links={"n": str(n)})


def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(start_server, make_sighting, decide):
    running = start_server()
    writer = Writer(running, make_sighting, decide)
    writer.start()
    pause = random.Random(7)
    for _ in range(KILLS):
        time.sleep(pause.uniform(0.01, 0.08))
        running.kill()
        running.start()
    time.sleep(0.1)
    writer.over.set()
    writer.join(60)
    assert writer.error is None
    assert writer.refused > 0
    assert len(writer.pairs) > KILLS / 2

    store = running.store()
    found = {s.sighting_id: i for s, i in store.scan_sightings()}
    assert set(writer.put) == set(found)
    for n in writer.pairs:
        record = store.get_identity(f"i{n}-b")
        assert (record.identity_id, record.aliases) == (f"i{n}-a", (f"i{n}-b",))
        assert set(record.sighting_ids) == {f"s{n}-a", f"s{n}-b"}
    assert store.work_cursor() == f"{writer.pairs[-1]}-0"
    assert store.links() == {"n": str(writer.pairs[-1])}

    events = list(all_events(store))
    puts = [e.payload["sighting_id"] for e in events if e.kind == "sighting.put"]
    assert sorted(puts) == sorted(set(writer.put))
    decided = [e.payload["sighting_id"] for e in events if e.kind == "sighting.decided"]
    assert sorted(decided) == sorted(set(writer.put))
    assert sum(e.kind == "identity.merged" for e in events) == len(writer.pairs)
    assert labels_at(dict.fromkeys(found, 0), label_history(events), math.inf) == found
    assert len(store.list_identities(limit=10_000)) == len(writer.pairs)
    store.close()

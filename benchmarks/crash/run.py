"""Kills a site again and again in the middle of merges and looks what is left. One document of counts."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.crash.faults import CrashBench, run_faults
from benchmarks.crash.matcher import DIM, MODEL_ID
from benchmarks.crash.site import CrashSite
from services.errors import InputError, LeaseLost, NotFound, Unavailable
from services.identity.history import all_events
from services.identity.integrity import disagreements
from services.ids import uuid7
from services.types import Sighting
from tracker.types import TrackKey

_DECIDE_S = 60.0
_NEW_PER_ROUND = 6
_CAMERAS = 5


@dataclass(slots=True)
class _Acknowledged:
    """What was answered with success, by anybody."""

    puts: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def run_crashes(bench: CrashBench, report: Callable[[int, int], None] = lambda done, of: None) -> dict[str, Any]:
    """Runs the bench.

    Args:
        bench: What to do.
        report: Told after every kill how many are done, of how many.

    Returns:
        ``{faults: {name: {kills, …}}, ok}``; a fault that cannot be tried here says why.
    """
    return run_faults(bench, lambda site, _, rng: _Rounds(site, rng), ("lost", "disagreements", "ids_reused"), report)


class _Rounds:
    """Works on a site, has it killed in the middle, starts it again and checks everything acknowledged so far."""

    def __init__(self, site: CrashSite, rng: np.random.Generator) -> None:
        self._site = site
        self._rng = rng
        self._acknowledged = _Acknowledged()
        self._lost: set[str] = set()
        self._disagreements: list[str] = []
        self._kills = 0

    def one(self, kill: Callable[[], None]) -> None:
        """One kill."""
        self._see()
        for _ in range(3):
            self._correct()
        burst = threading.Thread(target=self._burst, name="operator")
        burst.start()
        time.sleep(float(self._rng.uniform(0.0, 0.05)))
        kill()
        self._kills += 1
        burst.join()
        self._site.start()
        self._check()

    def document(self) -> dict[str, Any]:
        """All counts."""
        created = [e.payload["identity_id"] for e in all_events(self._site.store) if e.kind == "identity.created"]
        counts = self._acknowledged.counts
        return {
            "kills": self._kills,
            "puts_acknowledged": len(self._acknowledged.puts),
            "corrections_acknowledged": len(self._acknowledged.events),
            "merges": counts["merge"],
            "splits": counts["split"],
            "undone": counts["undo"],
            "in_doubt": counts["in_doubt"],
            "lost": sorted(self._lost),
            "disagreements": self._disagreements,
            "ids_reused": len(created) - len(set(created)),
            "syncs": self._site.syncs,
            "unsynced_bytes_thrown_away": self._site.lost_bytes,
        }

    def _see(self) -> None:
        """New sightings of new vehicles, put and decided."""
        store = self._site.store
        lease = store.acquire_lease("ingest", "crash", 3600)
        if lease is None:
            raise LeaseLost("somebody else is ingest")
        names = []
        for _ in range(_NEW_PER_ROUND):
            name = uuid7()
            store.put_sighting(self._sighting(name), lease)
            self._acknowledged.puts.append(name)
            names.append(name)
        deadline = time.monotonic() + _DECIDE_S
        while any(store.identity_of(name) is None for name in names):
            if time.monotonic() > deadline:
                raise Unavailable("the associator does not decide any more")
            time.sleep(0.01)

    def _sighting(self, name: str) -> Sighting:
        vector = self._rng.normal(size=DIM).astype(np.float32)
        vector /= np.linalg.norm(vector)
        camera = f"camera-{int(self._rng.integers(_CAMERAS))}"
        end_ns = time.time_ns()
        return Sighting(
            sighting_id=name,
            revision=1,
            final=True,
            track_keys=(TrackKey(camera, "session", len(self._acknowledged.puts)),),
            camera_id=camera,
            start_ns=end_ns - 1_000_000,
            end_ns=end_ns,
            times_ns=np.array([end_ns], np.int64),
            frames=np.array([1], np.int64),
            boxes_xyxy=np.array([[0, 0, 9, 9]], np.float32),
            class_probs=np.array([1, 0, 0, 0], np.float32),
            colour={},
            embedding=vector,
            exemplars=np.zeros((0, DIM), np.float32),
            quality=0.5,
            model_id=MODEL_ID,
        )

    def _burst(self) -> None:
        """Corrections without pause, until one fails because something was killed."""
        while self._correct():
            pass

    def _correct(self) -> bool:
        """One correction over gRPC; whether it was answered."""
        client, noted = self._site.client, self._acknowledged
        draw = float(self._rng.random())
        try:
            if draw < 0.25 and noted.events:
                what, done = "undo", client.identity_undo(noted.events[-1 - int(self._rng.integers(len(noted.events)))])
            else:
                details, _ = client.identity_list(200)
                large = [d.record.identity_id for d in details if d.sighting_count > 1]
                if draw < 0.5 and large:
                    one = client.identity_get(large[int(self._rng.integers(len(large)))])
                    what, done = "split", client.identity_split(one.record.identity_id, one.record.sighting_ids[:1])
                elif len(details) < 2:
                    return True
                else:
                    pair = self._rng.choice(len(details), 2, replace=False)
                    one_id, other_id = (details[int(n)].record.identity_id for n in pair)
                    what, done = "merge", client.identity_merge(one_id, other_id)
        except (InputError, NotFound):
            return True
        except Unavailable:
            noted.counts["in_doubt"] += 1
            return False
        noted.events.append(done.event_id)
        noted.counts[what] += 1
        return True

    def _check(self) -> None:
        """Everything acknowledged is there, and nothing is half done."""
        store = self._site.store
        puts = self._acknowledged.puts
        found = store.get_sightings(puts)
        self._lost |= {name for name, sighting in zip(puts, found, strict=True) if sighting is None}
        kept = {event.event_id for event in all_events(store)}
        self._lost |= {event_id for event_id in self._acknowledged.events if event_id not in kept}
        self._disagreements += [f"after kill {self._kills}: {line}" for line in disagreements(store)]

"""How long decisions take and what they say: for metrics, and as the last step of a sighting's trace."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from services.identity.store import WorkItem
from services.matcher.gallery import parse_position
from services.observability import catalogue
from services.observability.instruments import counter, histogram
from services.observability.tracing import Attribute, record
from tracker.multi_camera.types import IdentityMerge, Outcome

#: Revisions remembered between their queueing and their decision; what is beyond is decided unmeasured.
_KNOWN = 100_000
_NS_PER_MS = 1_000_000


class DecisionFigures:
    """One associator's. One caller at a time."""

    def __init__(self) -> None:
        self._queued: OrderedDict[str, WorkItem] = OrderedDict()
        self._latency = histogram(catalogue.DECISION_LATENCY)
        self._decided = counter(catalogue.DECIDED)
        self._changes = counter(catalogue.CHANGES)

    def read(self, items: Sequence[WorkItem]) -> None:
        """These wait for their decision from now on; the newest revision of a sighting counts."""
        for item in items:
            self._queued.pop(item.sighting_id, None)
            if item.op == "put":
                self._queued[item.sighting_id] = item
        while len(self._queued) > _KNOWN:
            self._queued.popitem(last=False)

    def committed(self, outcome: Outcome, stale: Sequence[str], position: str) -> None:
        """An outcome is in the store.

        Args:
            outcome: What was decided.
            stale: Sightings whose decision was not taken.
            position: Of the newest event, whose milliseconds are the store's clock.
        """
        now_ms = parse_position(position)[0]
        late = frozenset(stale)
        for decision in outcome.decisions:
            if decision.sighting_id in late:
                self._decided.labels("stale").inc()
                continue
            self._decided.labels(decision.status.value).inc()
            item = self._queued.get(decision.sighting_id)
            if item is None or item.revision != decision.revision:
                continue
            del self._queued[decision.sighting_id]
            queued_ms = parse_position(item.entry_id)[0]
            self._latency.observe(max(0, now_ms - queued_ms) / 1000)
            told: dict[str, Attribute] = {
                "sighting_id": decision.sighting_id,
                "revision": decision.revision,
                "identity_id": decision.identity_id,
                "status": decision.status.value,
                "probability": decision.probability,
            }
            record("decide", item.trace, queued_ms * _NS_PER_MS, max(now_ms, queued_ms) * _NS_PER_MS, told)
        for change in outcome.changes:
            self._changes.labels("merge" if isinstance(change, IdentityMerge) else "split").inc()

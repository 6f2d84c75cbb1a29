"""What a matcher tells a scrape, read from gallery, loops and store when it is asked. Counts nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from time import time
from typing import Any

from prometheus_client.metrics_core import Metric as Family

from services.errors import StoreUnavailable
from services.identity.retention.sweep import Bounds, RetentionLoop
from services.identity.store import IdentityStore
from services.matcher.associator import AssociatorLoop
from services.matcher.gallery import parse_position
from services.matcher.server import MatcherServer
from services.matcher.servicers import Parts
from services.matcher.snapshotter import Snapshotter
from services.observability import catalogue
from services.observability.instruments import Row, family, single

#: Most that is looked at to count what waits.
_LOOKED_AT = 1000


class MatcherExposition:
    """Values of now. Any thread may ask."""

    def __init__(self, server: MatcherServer, parts: Parts, loops: Mapping[str, Any]) -> None:
        self._server = server
        self._parts = parts
        self._loops = loops

    def families(self) -> Iterator[Family]:
        """Calls, gallery, association and retention; what the store must be asked for is left out while it is away."""
        yield self._server.calls.running()
        yield single(catalogue.SERVING, float(self._server.serving))
        yield from self._gallery()
        yield from self._association()
        try:
            yield from _waiting(self._parts.store)
            yield from self._log()
            yield from self._retention()
        except StoreUnavailable:
            return

    def _gallery(self) -> Iterator[Family]:
        stats = self._parts.gallery.stats()
        yield single(catalogue.IDENTITIES, stats.identities)
        yield single(catalogue.SIGHTINGS, stats.sightings)
        yield single(catalogue.VECTORS, stats.vectors)
        yield single(catalogue.INDEX_BYTES, stats.bytes)
        yield single(catalogue.SEGMENTS, stats.segments)
        snapshots = self._loops.get("snapshots")
        if isinstance(snapshots, Snapshotter):
            yield from _snapshot(snapshots.path)

    def _association(self) -> Iterator[Family]:
        held: list[Row] = []
        associator = self._loops.get("associator")
        if isinstance(associator, AssociatorLoop):
            held.append((("associator",), float(associator.leads)))
            yield single(catalogue.PENDING, associator.pending)
            yield single(catalogue.ACTIVE, associator.active)
        retention = self._loops.get("retention")
        if isinstance(retention, RetentionLoop):
            held.append((("retention",), float(retention.leads)))
        yield family(catalogue.LEASE_HELD, held)

    def _log(self) -> Iterator[Family]:
        newest_ms = parse_position(self._parts.store.last_event_id())[0]
        applied_ms = parse_position(self._parts.gallery.log_position)[0]
        yield single(catalogue.LOG_LAG, max(0, newest_ms - applied_ms) / 1000)

    def _retention(self) -> Iterator[Family]:
        retention = self._loops.get("retention")
        if not isinstance(retention, RetentionLoop):
            return
        store = self._parts.store
        bounds = Bounds.at(store.now_ns(), retention.settings)
        overdue = store.overdue(bounds.sightings_before_ns, bounds.enrolled_before_ns, limit=_LOOKED_AT)
        yield single(catalogue.OVERDUE, len(overdue))
        yield single(catalogue.OVERDUE_AGE, max((each.late_ns for each in overdue), default=0) / 1e9)
        yield single(catalogue.UNACKNOWLEDGED, len(store.purges(limit=_LOOKED_AT)))


def _waiting(store: IdentityStore) -> Iterator[Family]:
    """What the committed cursor has not passed yet."""
    items = store.read_work(store.work_cursor(), _LOOKED_AT, 0)
    yield single(catalogue.BACKLOG, len(items))
    now_ms = store.now_ns() // 1_000_000
    yield single(catalogue.BACKLOG_AGE, max(0, now_ms - parse_position(items[0].entry_id)[0]) / 1000 if items else 0.0)


def _snapshot(path: Path) -> Iterator[Family]:
    try:
        found = path.stat()
    except OSError:
        return
    yield single(catalogue.SNAPSHOT_AGE, max(0.0, time() - found.st_mtime))
    yield single(catalogue.SNAPSHOT_BYTES, found.st_size)

"""What a scrape is told of retention: how late the latest sighting is, by the bound that is its own."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from services.crops import CropStore
from services.identity.memory_store import MemoryStore
from services.identity.retention.settings import DAY_S, RetentionSettings
from services.identity.retention.sweep import RetentionLoop
from services.matcher.exposition import MatcherExposition
from services.types import Commit
from tracker.types import Decision, DecisionStatus

SECOND = 10**9
NOW = 1_800_000_000 * SECOND


def test_an_enrolled_sighting_is_late_by_its_own_bound(seen, tmp_path):
    store = MemoryStore(lambda: NOW)
    lease = store.acquire_lease("associator", "me", 600)
    ended_ns = NOW - int(90 * DAY_S + 5) * SECOND
    store.put_sighting(replace(seen("s", 0), final=True, start_ns=ended_ns, end_ns=ended_ns), lease)
    store.commit(Commit(lease, (Decision("s", 1, DecisionStatus.NEW, "v", 0.0, 0.0, 1.0),)))
    store.enrol("v", "ann")
    loop = RetentionLoop(store, CropStore(str(tmp_path)), RetentionSettings(enrolled_retention_s=90 * DAY_S), "me")
    exposition = MatcherExposition(None, SimpleNamespace(store=store), {"retention": loop})
    values = {family.name: family.samples[0].value for family in exposition._retention()}
    assert values["vreid_retention_overdue_sightings"] == 1
    assert values["vreid_retention_overdue_seconds"] == 5

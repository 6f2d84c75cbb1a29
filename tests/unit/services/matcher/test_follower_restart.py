"""A gallery that is filled from its snapshot while the store goes away for a moment still uses the snapshot."""

import logging
import threading

import numpy as np

from reid.types import Calibration, EmbedderSpec
from services.errors import StoreUnavailable
from services.identity.memory_store import MemoryStore
from services.matcher import follower as follower_module
from services.matcher.follower import GalleryFollower, Upkeep
from services.matcher.gallery import Gallery
from services.matcher.index.opening import open_index
from services.matcher.settings import MatcherSettings
from services.matcher.snapshot import write_snapshot
from services.types import Sighting
from tracker.types import TrackKey


def gallery():
    spec = EmbedderSpec("m", 2, (8, 8), Calibration(1.0, 0.0))
    return Gallery(spec, lambda dim: open_index(MatcherSettings(index="numpy"), dim))


def run(follower, *, until):
    stop = threading.Event()
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    assert until.wait(30)
    stop.set()
    thread.join(30)


def test_a_store_that_went_away_costs_no_snapshot(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(follower_module, "_RETRY_S", 0.01)
    store = MemoryStore()
    lease = store.acquire_lease("t", "t", 60)
    vector = np.array([1, 0], np.float32)
    seen = Sighting(
        "s", 1, True, (TrackKey("c", "x", 1),), "c", 1, 2, np.zeros(0, np.int64), np.zeros(0, np.int64),
        np.zeros((0, 4), np.float32), np.full(4, 0.25, np.float32), {}, vector, vector[None], 1.0, "m",
    )  # fmt: skip
    store.put_sighting(seen, lease)
    ready = threading.Event()
    first = gallery()
    run(GalleryFollower(store, first, ready.set), until=ready)
    write_snapshot(first, tmp_path)

    real, failures = store.get_event, [1]

    def away(position):
        if failures.pop() if failures else 0:
            raise StoreUnavailable("away")
        return real(position)

    monkeypatch.setattr(store, "get_event", away)
    ready.clear()
    second = gallery()
    run(GalleryFollower(store, second, ready.set, Upkeep(folder=tmp_path)), until=ready)
    assert not failures
    assert "the store is away" in caplog.text
    assert "taken over" in caplog.text
    assert second.stats().sightings == 1

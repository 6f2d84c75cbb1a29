"""Searches go on while a gallery is looked at for a snapshot; only feeding waits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.identity.records import Event
from services.matcher.gallery import Gallery
from services.matcher.index.segmented import faiss_index
from services.matcher.snapshot import load_snapshot, write_snapshot
from services.types import Sighting
from tracker.types import TrackKey

AXES = np.eye(4, dtype=np.float32)
SPEC = EmbedderSpec("m", 4, (32, 32), Calibration(slope=10.0, offset=-5.0))


def seen(name: str, axis: int) -> Sighting:
    none = np.zeros(0, np.int64)
    return Sighting(
        name, 1, True, (TrackKey("c", "x", 1),), "c", 0, 1, none, none, np.zeros((0, 4), np.float32),
        np.full(4, 0.25, np.float32), {}, AXES[axis], np.zeros((0, 4), np.float32), 0.5, "m",
    )  # fmt: skip


@pytest.fixture
def gallery() -> Gallery:
    made = Gallery(SPEC, faiss_index)
    made.rebuild([(seen("s1", 0), "a"), (seen("s2", 1), None)], [], "7-0")
    made.set_ready()
    return made


def test_who_searches_does_not_wait_and_who_feeds_does(gallery) -> None:
    deleted = [Event("8-0", "sighting.deleted", 0, {"sighting_id": "s1"})]
    with ThreadPoolExecutor(2) as pool:

        def look(state, position):
            found = pool.submit(gallery.search, AXES[:1], 1).result(30).matches
            gallery.wait_for("7-0", 30)
            feeding = pool.submit(gallery.apply, deleted, {})
            threading.Event().wait(0.2)
            return found[0].sighting_id, feeding, gallery.log_position, len(state.table)

        name, feeding, position, held = gallery.captured(look)
        feeding.result(30)
    assert (name, position, held) == ("s1", "7-0", 2)
    assert gallery.log_position == "8-0"
    assert gallery.stats().sightings == 1


def test_a_snapshot_of_what_changes_meanwhile_is_of_one_moment(gallery, tmp_path) -> None:
    """Whatever is fed while it is written: what is in it is what the position says."""
    stop = threading.Event()

    def feed() -> None:
        number = 8
        while not stop.is_set():
            name = f"s{number}"
            put = [Event(f"{number}-0", "sighting.put", 0, {"sighting_id": name})]
            gallery.apply(put, {name: seen(name, number % 4)})
            gone = [Event(f"{number + 1}-0", "sighting.deleted", 0, {"sighting_id": name})]
            gallery.apply(gone, {})
            gallery.maintain()
            number += 2

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        for _ in range(20):
            info = write_snapshot(gallery, tmp_path)
            fresh = Gallery(SPEC, faiss_index)
            assert load_snapshot(fresh, tmp_path) == info
            number = int(info.log_position.partition("-")[0])
            expected = 3 if number >= 8 and number % 2 == 0 else 2
            assert (info.sightings, info.vectors, fresh.stats().vectors) == (expected, expected, expected)
    finally:
        stop.set()
        feeder.join(30)

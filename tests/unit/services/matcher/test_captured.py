"""Searches go on while a gallery is looked at for a snapshot; only feeding waits."""

from __future__ import annotations

import errno
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from services.errors import SnapshotError
from services.identity.records import Event
from services.matcher import snapshot
from services.matcher.gallery import Gallery
from services.matcher.index.segmented import faiss_index
from services.matcher.snapshot import load_snapshot, write_snapshot

AXES = np.eye(4, dtype=np.float32)


@pytest.fixture
def gallery(spec, seen) -> Gallery:
    made = Gallery(spec, faiss_index)
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


def test_a_snapshot_of_what_changes_meanwhile_is_of_one_moment(gallery, spec, seen, tmp_path) -> None:
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
            fresh = Gallery(spec, faiss_index)
            assert load_snapshot(fresh, tmp_path) == info
            number = int(info.log_position.partition("-")[0])
            expected = 3 if number >= 8 and number % 2 == 0 else 2
            assert (info.sightings, info.vectors, fresh.stats().vectors) == (expected, expected, expected)
    finally:
        stop.set()
        feeder.join(30)


def test_feeding_does_not_wait_while_what_was_copied_is_put_together(gallery, tmp_path, monkeypatch) -> None:
    """A million names take a tenth of a second to be written end to end."""
    fed: list[bool] = []
    for name in ("_joined", "_as_json"):
        plain = getattr(snapshot, name)

        def looked(pieces, plain=plain):
            fed.append(not gallery._feeding.locked())
            return plain(pieces)

        monkeypatch.setattr(snapshot, name, looked)
    write_snapshot(gallery, tmp_path)
    assert fed
    assert all(fed)
    assert load_snapshot(gallery, tmp_path) is not None
    assert {gallery.identity("a").sightings[0].sighting_id, gallery.stats().sightings} == {"s1", 2}


def test_a_snapshot_that_the_disk_is_too_full_for_leaves_the_space_to_others(gallery, tmp_path, monkeypatch) -> None:
    write_snapshot(gallery, tmp_path)
    (written,) = tmp_path.iterdir()
    before = written.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("services.matcher.snapshot.os.fsync", full)
        with pytest.raises(SnapshotError, match="No space left"):
            write_snapshot(gallery, tmp_path)
    assert list(tmp_path.iterdir()) == [written]
    assert written.read_bytes() == before

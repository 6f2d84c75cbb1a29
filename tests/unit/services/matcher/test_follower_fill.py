"""A gallery that is filled on a live site holds every identity."""

import threading

import numpy as np

from reid.types import Calibration, EmbedderSpec
from services.identity.memory_store import MemoryStore
from services.matcher.follower import GalleryFollower
from services.matcher.gallery import Gallery
from services.matcher.index.brute_force import BruteForceIndex
from services.types import Commit, Sighting
from tracker.types import Decision, DecisionStatus, TrackKey

COUNT = 600


def sighting(name: str, revision: int, end_ns: int) -> Sighting:
    vector, none = np.array([1, 0], np.float32), np.zeros(0, np.int64)
    return Sighting(
        name, revision, False, (TrackKey("c", "x", 1),), "c", 1, end_ns, none, none, np.zeros((0, 4), np.float32),
        np.full(4, 0.25, np.float32), {}, vector, vector[None], 1.0, "m",
    )  # fmt: skip


def decision(name: str, identity_id: str) -> Decision:
    return Decision(name, 1, DecisionStatus.NEW, identity_id, 0.0, 0.0, 0.0, {})


class Busy(MemoryStore):
    """Sees the vehicle that was seen longest ago again after each reading of identities."""

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name not in ("list_identities", "scan_identities"):
            return found

        def read(*args, **kwargs):
            page = list(found(*args, **kwargs))
            self.see_again()
            return page

        return read

    def see_again(self) -> None:
        lease = self.acquire_lease("t", "t", 60)
        revision = self.get_sighting("s0001").revision + 1
        self.put_sighting(sighting("s0001", revision, 10**9 * (COUNT + revision)), lease)


def test_an_identity_seen_again_while_the_gallery_is_filled_is_not_missed():
    store = Busy()
    lease = store.acquire_lease("t", "t", 60)
    for n in range(COUNT):
        store.put_sighting(sighting(f"s{n:04}", 1, 10**9 * (n + 1)), lease)
    associator = store.acquire_lease("associator", "t", 60)
    store.commit(Commit(associator, tuple(decision(f"s{n:04}", f"i{n:04}") for n in range(COUNT))))
    store.merge_identities("i0001", "i0000", "alice")
    store.enrol("i0001", "alice")
    gallery = Gallery(EmbedderSpec("m", 2, (8, 8), Calibration(1.0, 0.0)), BruteForceIndex)
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=GalleryFollower(store, gallery, ready.set).run, args=(stop,))
    thread.start()
    assert ready.wait(30)
    stop.set()
    thread.join(30)
    record = gallery.identity("i0000").record
    assert (record.identity_id, record.aliases, record.enrolled) == ("i0001", ("i0000",), True)

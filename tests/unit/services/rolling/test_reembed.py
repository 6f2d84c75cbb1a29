"""Describing and clearing beside other processes: one works at a time, and nobody ends for another's step."""

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.crops import encode_jpeg, open_crops
from services.identity.memory_store import MemoryStore
from services.identity.rolling.contract import ModelRef
from services.rolling import reembed
from services.rolling.reembed import LEASE, Reembedder, clear
from services.rolling.roster import ModelRoster
from services.types import ModelVectors, Sighting
from tracker.types import TrackKey

OLD, NEW, NEXT = (ModelRef(letter * 64, letter) for letter in "mnx")
SECOND = 10**9


class Network:
    """Describes every picture alike."""

    def __init__(self, ref):
        self.spec = EmbedderSpec(ref.model_id, 8, (32, 32), Calibration(slope=10.0, offset=-5.0))
        self.batches = 0

    def embed(self, images):
        self.batches += 1
        return np.tile(np.eye(1, 8, dtype=np.float32), (len(images), 1))


class Site:
    """A store in memory with pictures, in shadow of a second model."""

    def __init__(self, folder, sightings=20):
        self.store = MemoryStore()
        self.crops = open_crops(None, folder)
        self.network = Network(NEW)
        self.roster = ModelRoster(Network(OLD), OLD.name, lambda _: self.network)
        jpeg = encode_jpeg(np.zeros((64, 64, 3), np.uint8))
        lease = self.store.acquire_lease("camera:north", "tester", 600)
        for number in range(sightings):
            key = f"{number:032x}"
            self.crops.put_jpeg(key, jpeg)
            self.store.put_sighting(sighting(number, key), lease)
        self.step("start", OLD, NEW)

    def step(self, action, before, other):
        self.store.step_roll(action, before, other, "tester")
        self.roster.refresh(self.store.roll())

    def worker(self, owner, rate=1e6):
        return Reembedder(self.store, self.crops, self.roster, rate, owner)

    def described(self):
        return sum(NEW.model_id in d.model_ids for d in self.store.scan_described())


def sighting(number, key):
    start = number * SECOND
    return Sighting(
        sighting_id=f"s{number}",
        revision=1,
        final=True,
        track_keys=(TrackKey("north", "session", number),),
        camera_id="north",
        start_ns=start,
        end_ns=start + SECOND,
        times_ns=np.array([start, start + SECOND], np.int64),
        frames=np.array([1, 20], np.int64),
        boxes_xyxy=np.array([[10, 10, 100, 90], [400, 10, 490, 90]], np.float32),
        class_probs=np.array([0.85, 0.05, 0.05, 0.05], np.float32),
        colour={},
        embedding=np.eye(1, 8, dtype=np.float32)[0],
        exemplars=np.zeros((0, 8), np.float32),
        quality=0.8,
        model_id=OLD.model_id,
        crop_keys=(key,),
        frame_size=(640, 360),
    )


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def clearing(site):
    """The site with both models' vectors, in stage clearing."""
    site.worker("first").once(threading.Event())
    site.step("switch", OLD, NEW)
    site.step("end", NEW, OLD)
    return site.store.roll()


def test_a_pass_ends_where_another_process_took_the_lease(site):
    answers = itertools.chain([True], itertools.repeat(False))
    done = site.worker("one").once(threading.Event(), hold=lambda: next(answers))
    assert (done.looked_at, done.embedded, site.described()) == (8, 8, 8)


def test_the_lease_is_renewed_while_a_pass_waits(site, monkeypatch):
    """A slow pass holds its lease: nobody else begins the same work beside it."""
    held, renewed = threading.Event(), []
    renew = site.store.renew_lease
    monkeypatch.setattr(site.store, "renew_lease", lambda *args: renewed.append(held.set()) or renew(*args))
    monkeypatch.setattr(reembed, "_RENEW_S", 0.01)
    monkeypatch.setattr(reembed, "_LOOK_EVERY_S", 0.01)
    stop = threading.Event()
    thread = threading.Thread(target=site.worker("slow", rate=0.001).run, args=(stop,))
    thread.start()
    try:
        assert held.wait(30)
        assert site.store.acquire_lease(LEASE, "other", 30) is None
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert site.network.batches == 1


def test_clearing_asks_whether_it_is_still_its_turn(site, monkeypatch):
    monkeypatch.setattr(reembed, "_PAGE", 5)
    roll = clearing(site)
    answers = iter([True, False])
    assert clear(site.store, roll, lambda: next(answers)) == 5
    assert site.store.roll().stage == "clearing"
    assert clear(site.store, roll) == 20
    assert site.store.roll().stage == "none"


@pytest.mark.parametrize("again", [False, True], ids=["ended", "ended, and another begun"])
def test_who_clears_is_not_ended_by_another_that_was_faster(site, monkeypatch, again):
    """Another process ends the change just before this one does: nothing is raised, and nothing of the next removed."""
    roll = clearing(site)
    step = site.store.step_roll

    def late(action, *rest):
        if action == "done":
            step("done", NEW, OLD, "faster")
            if again:
                step("start", NEW, NEXT, "faster")
        return step(action, *rest)

    monkeypatch.setattr(site.store, "step_roll", late)
    clear(site.store, roll)
    assert site.store.roll().stage == ("shadow" if again else "none")


def test_clearing_stops_where_the_next_change_has_begun(site, monkeypatch):
    """Vectors of the next model stand beside: they are no remains of this change, and are not waited for."""
    roll = clearing(site)
    store, scan = site.store, site.store.scan_described

    def moved_on():
        if store.roll() == roll:
            monkeypatch.undo()
            clear(store, roll)
            store.step_roll("start", NEW, NEXT, "faster")
            store.put_beside("s1", 1, ModelVectors(NEXT.model_id, np.eye(1, 8, dtype=np.float32)[0], np.zeros((0, 8))))
        return scan()

    monkeypatch.setattr(store, "scan_described", moved_on)
    clear(store, roll)
    assert store.roll().stage == "shadow"
    assert store.get_sighting("s1").beside.model_id == NEXT.model_id


def test_a_stage_that_stands_elsewhere_is_not_cleared(site):
    roll = site.store.roll()
    assert clear(site.store, roll) == 0
    assert clear(site.store, replace(roll, other=None)) == 0

"""The gallery follows the store: every kind of event, restarts, and a store that goes away."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from services.errors import NotFound, StoreUnavailable, Unavailable
from services.identity.memory_store import MemoryStore
from services.identity.store import CameraRecord

RED, BLUE, GREEN = (0, 0, 250), (250, 0, 0), (0, 250, 0)


def identities_of(city) -> dict[str, str]:
    answer = city.client.search_embedding([1.0, 1.0, 1.0])
    return {match.sighting_id: match.identity_id for match in answer.matches}


def test_a_new_revision_replaces_the_old(street) -> None:
    street.see("red-1", BLUE, revision=2, at_s=1)
    street.settle()
    stats = street.client.gallery_stats()
    assert (stats.sightings, stats.vectors) == (4, 4)
    best = street.client.search_sighting("blue-1").matches[0]
    assert (best.sighting_id, best.identity_id) == ("red-1", "id-red")


def test_merge_and_alias(street) -> None:
    street.merge("id-blue", "id-red")
    street.settle()
    assert set(identities_of(street).values()) == {"id-blue", ""}
    detail = street.client.identity_get("id-red")
    assert detail.record.identity_id == "id-blue"
    assert detail.record.aliases == ("id-red",)
    assert detail.record.sighting_ids == ("red-1", "red-2", "blue-1")
    assert detail.record.cameras == ("north", "south")
    assert street.client.gallery_stats().identities == 1


def test_split(street) -> None:
    street.split("id-red", "id-other", "red-2")
    street.settle()
    assert identities_of(street)["red-2"] == "id-other"
    assert street.client.identity_get("id-red").record.sighting_ids == ("red-1",)


def test_delete_identity(street) -> None:
    street.client.gallery_delete("id-red")
    assert set(identities_of(street)) == {"blue-1", "green-1"}
    with pytest.raises(NotFound):
        street.client.identity_get("id-red")
    assert street.store.get_sighting("red-1") is None


def test_delete_sighting(street) -> None:
    street.client.gallery_delete_sighting("red-1")
    assert street.client.identity_get("id-red").record.sighting_ids == ("red-2",)


def test_lists_and_stats(street) -> None:
    entries, total = street.client.gallery_list(limit=1)
    assert total == 2
    assert [(e.identity_id, e.cameras, e.sighting_count) for e in entries] == [("id-blue", ("north",), 1)]
    details, total = street.client.identity_list(offset=1)
    assert total == 2
    assert [(d.record.identity_id, d.sighting_count, d.sightings) for d in details] == [("id-red", 2, ())]
    entry = street.client.gallery_get("id-red")
    assert (entry.status, entry.cameras, entry.vector_count) == ("new", ("north", "south"), 2)
    stats = street.client.gallery_stats()
    assert (stats.identities, stats.sightings, stats.vectors, stats.bytes) == (2, 4, 4, 4 * 3 * 4)
    assert (stats.tier, stats.backend, stats.segments, stats.model_id) == ("exact", "faiss-cpu", 1, "test-model")
    assert stats.log_position == street.store.last_event_id()


def test_cameras(city) -> None:
    record = CameraRecord("north", "rtsp://host/1", "file", "down", "refused", 123_000_000_000, {"frames_offered": 5.0})
    city.store.put_camera(record)
    assert city.client.camera_list() == [record]


def test_a_restart_gives_the_same_answers(street, build) -> None:
    street.merge("id-blue", "id-red")
    street.see("late", (10, 10, 250), camera="west", exemplars=[RED, GREEN])
    street.decide("late", "id-late")
    street.settle()
    again = build(street.store)
    for sighting_id in ("red-1", "late"):
        assert again.client.search_sighting(sighting_id).matches == street.client.search_sighting(sighting_id).matches
    assert again.client.identity_get("id-red") == street.client.identity_get("id-red")
    assert again.client.gallery_list() == street.client.gallery_list()


def test_not_serving_until_caught_up(build, monkeypatch, wait_until) -> None:
    store = MemoryStore()
    gone = True

    def last_event_id() -> str:
        if gone:
            raise StoreUnavailable("no server")
        return "0-0"

    monkeypatch.setattr(store, "last_event_id", last_event_id)
    city = build(store, wait=False)
    assert not city.client.serving()
    with pytest.raises(Unavailable, match="catching up"):
        city.client.gallery_stats()
    gone = False
    wait_until(city.client.serving)


def test_store_gone_reads_go_on_and_writes_say_so(street, monkeypatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("no server")

    for name in ("read_events", "delete_identity", "list_cameras", "last_event_id"):
        monkeypatch.setattr(street.store, name, gone)
    assert street.client.search_sighting("red-1").matches[0].sighting_id == "red-2"
    assert street.client.identity_get("id-red").record.cameras == ("north", "south")
    for write in (lambda: street.client.gallery_delete("id-red"), street.client.camera_list):
        with pytest.raises(StoreUnavailable, match="no server"):
            write()
    monkeypatch.undo()
    street.see("after", GREEN)
    street.settle()
    assert "after" in identities_of(street)


def test_a_store_that_lost_its_log_fills_the_gallery_anew(street, monkeypatch, wait_until) -> None:
    fresh = MemoryStore(clock_ns=lambda: 1_000_000)

    def broken(*_: object) -> list[object]:
        if threading.current_thread().name != "gallery":  # others follow the log as well
            time.sleep(0.05)
            return []
        for name in ("read_events", "scan_sightings", "scan_identities", "last_event_id", "get_sightings"):
            monkeypatch.setattr(street.store, name, getattr(fresh, name))
        raise StoreUnavailable("replaced")

    monkeypatch.setattr(street.store, "read_events", broken)
    wait_until(lambda: street.client.gallery_stats().sightings == 0)


class Traffic:
    """Random changes to a store, as ingest, the associator and people make them."""

    def __init__(self, city, seed: int) -> None:
        self.city = city
        self.rng = np.random.default_rng(seed)
        self.revisions: dict[str, int] = {}
        self.step = 0

    def some_identity(self) -> str:
        return f"i{self.rng.integers(0, 5)}"

    def some_sighting(self) -> str:
        names = sorted(self.revisions)
        return names[self.rng.integers(len(names))]

    def see(self) -> None:
        name = f"s{self.rng.integers(0, 8)}"
        self.revisions[name] = self.revisions.get(name, 0) + 1
        colour = tuple(int(c) for c in self.rng.integers(0, 255, 3))
        camera = f"c{self.rng.integers(0, 3)}"
        self.city.see(name, colour, camera=camera, at_s=self.step, revision=self.revisions[name])

    def decide(self) -> None:
        name = self.some_sighting()
        self.city.decide(name, self.some_identity(), self.revisions[name])

    def merge(self) -> None:
        self.city.merge(self.some_identity(), self.some_identity())

    def split(self) -> None:
        name = self.some_sighting()
        owner = self.city.store.identity_of(name)
        if owner:
            self.city.split(owner, f"split{self.step}", name)

    def delete(self) -> None:
        name = self.some_sighting()
        if self.city.store.get_sighting(name):
            self.city.store.delete_sighting(name, "test")

    def run(self, steps: int) -> None:
        self.see()
        changes = [self.see, self.decide, self.merge, self.split, self.delete]
        for self.step in range(steps):
            changes[self.rng.choice(5, p=[0.3, 0.35, 0.15, 0.15, 0.05])]()


@pytest.mark.parametrize("seed", range(6))
def test_following_ends_where_filling_begins(build, seed: int) -> None:
    """Whatever happens, a gallery that followed the log equals one that was filled at its end, and the store."""
    city = build()
    Traffic(city, seed).run(80)
    city.settle()
    again = build(city.store)
    assert again.client.gallery_list() == city.client.gallery_list()
    stored = {s.sighting_id: i or "" for s, i in city.store.scan_sightings()}
    assert identities_of(city) == identities_of(again) == stored
    for record in city.store.list_identities():
        assert city.client.identity_get(record.identity_id).record == record


@pytest.mark.parametrize("seed", range(3))
def test_events_seen_twice_change_nothing(build, seed: int) -> None:
    """A fill may have seen events that are then followed: filling late and following from the start ends the same."""
    city = build()
    Traffic(city, seed).run(80)
    city.settle()
    store, gallery = city.store, city.matcher.gallery
    expected = city.client.gallery_list(), identities_of(city)
    gallery.rebuild(list(store.scan_sightings()), store.list_identities(), "0-0")
    gallery.wait_for(store.last_event_id(), 10)
    assert (city.client.gallery_list(), identities_of(city)) == expected


def test_undone_merges_come_back(street) -> None:
    street.see("red-3", RED, camera="east", at_s=70)
    street.decide("red-3", "id-third")
    street.merge("id-red", "id-third")
    merged = street.store.merge_identities("id-blue", "id-red", "alice")
    street.settle()
    assert street.client.identity_get("id-third").record.identity_id == "id-blue"
    street.store.undo(merged.event_id, "alice")
    street.settle()
    red, blue = (street.client.identity_get(name).record for name in ("id-third", "id-blue"))
    assert (red.identity_id, red.aliases) == ("id-red", ("id-third",))
    assert red.sighting_ids == ("red-1", "red-2", "red-3")
    assert (blue.sighting_ids, blue.aliases, red.status) == (("blue-1",), (), "new")


def test_the_gallery_acknowledges_deletions_and_says_how_far_it_is(street, wait_until) -> None:
    (view,) = street.store.views()
    assert view.name.startswith("gallery:")
    street.client.gallery_delete("id-red")
    wait_until(lambda: not street.store.purges())
    wait_until(lambda: street.store.views()[0].position == street.store.last_event_id())


def test_a_gallery_that_was_dropped_fills_itself_again(street, wait_until, caplog) -> None:
    street.store.drop_view(street.store.views()[0].name)
    street.see("late", GREEN, at_s=120)
    wait_until(lambda: len(street.store.views()) == 1)
    street.settle()
    assert "late" in identities_of(street)
    assert "filling the gallery again" in caplog.text

"""Events by identity, on every store: only its own, page by page, gone with the log, found again after an upgrade."""

from __future__ import annotations

import pytest

from services.errors import DeadlinePassed
from services.identity.history import all_events, concerning, events_about, events_around
from services.identity.redis_store import RedisStore
from services.types import Merge, Split

FUTURE_NS = 4 * 10**18


def ids(events):
    return [event.event_id for event in events]


def told(site, identity_id):
    return [event.kind for event in site.store.events_of(identity_id)]


def test_an_identity_finds_its_own_events_and_no_others(site):
    site.assign(s1="a", s2="b", s3="c")
    assert told(site, "a") == ["identity.created", "sighting.decided"]
    site.commit(Merge("a", "b", "same"), Split("a", "d", ("s2",), "not"))
    assert told(site, "b") == ["identity.created", "sighting.decided", "identity.merged"]
    assert told(site, "d") == ["identity.split"]
    site.store.delete_identity("c", "ann")
    assert told(site, "c")[-2:] == ["sighting.deleted", "identity.deleted"]
    assert told(site, "?") == []


def test_a_sighting_that_moved_tells_of_whose_it_was(site):
    site.assign(s1="a", s2="a")
    site.commit(site.decide("s2", "b"))
    assert site.store.events_of("a")[-1].payload["previous_identity_id"] == "a"


def test_in_pages(site):
    names = {f"s{n:02}": "a" for n in range(23)}
    site.assign(**names)
    whole = ids(site.store.events_of("a"))
    assert len(whole) == 24
    pages, after = [], "0-0"
    while page := site.store.events_of("a", after, 7):
        pages.append(ids(page))
        after = page[-1].event_id
    assert [len(page) for page in pages] == [7, 7, 7, 3]
    assert [name for page in pages for name in page] == whole


def test_whoever_is_merged_belongs_to_it(site):
    site.assign(s1="a", s2="b", s3="c", s4="d")
    site.commit(Merge("b", "c", "m"), Merge("a", "b", "m"))
    whole = list(all_events(site.store))
    assert ids(events_about(site.store, "a")) == ids(concerning("a", whole))
    assert {e.payload.get("sighting_id") for e in events_about(site.store, "a")} >= {"s1", "s2", "s3"}
    assert "s1" not in {e.payload.get("sighting_id") for e in events_about(site.store, "c")}
    # What c stood for in the end can be told only with what a was.
    assert {e.payload.get("sighting_id") for e in events_around(site.store, "c", FUTURE_NS)} >= {"s1", "s2", "s3"}


def test_reading_ends_when_nobody_waits(site):
    site.assign(s1="a")

    def gone():
        raise DeadlinePassed("nobody waits")

    with pytest.raises(DeadlinePassed):
        events_about(site.store, "a", go_on=gone)


def test_what_is_trimmed_is_not_found_any_more(site):
    site.assign(s1="a", s2="b")
    site.commit(Merge("a", "b", "m"))
    kept = site.store.events_of("a")[-1]
    site.store.begin_view("gallery", kept.event_id)
    site.store.trim(FUTURE_NS, 0, 0)
    assert ids(site.store.events_of("a")) == ids(site.store.events_of("b")) == [kept.event_id]
    site.store.drop_view("gallery")
    site.store.trim(FUTURE_NS, 0, 0)
    assert site.store.events_of("a") == site.store.events_of("b") == []
    if isinstance(site.store, RedisStore):
        assert not [name for name in site.store.key_names() if name.endswith(":events")]


def test_what_is_erased_leaves_every_index(site):
    site.assign(s1="a", s2="b", s3="a")
    site.commit(site.decide("s2", "a"), site.decide("s3", "c"))
    site.store.delete_identity("a", "ann", cause="erase")
    site.store.rewrite(["s1", "s2"], ["a", "b"])
    assert site.store.events_of("a") == site.store.events_of("b") == []
    moved = site.store.events_of("c")[-1]
    assert (moved.kind, "previous_identity_id" in moved.payload) == ("sighting.decided", False)
    if isinstance(site.store, RedisStore):
        assert not {"identity:a:events", "identity:b:events"} & set(site.store.key_names())


def test_events_of_an_older_version_are_found(store, site):
    site.assign(**{f"s{n}": f"i{n % 7}" for n in range(400)})
    before = ids(store.events_of("i3"))
    if isinstance(store, RedisStore):
        names = [store.keys.prefix + name for name in store.key_names() if name.endswith(":events")]
        store.read(lambda client: client.delete(*names, store.keys.events_indexed))
        store = RedisStore(store._redis.client, store.keys.prefix.split("{")[1].split("}")[0])
    assert ids(store.events_of("i3")) == before
    assert len(before) > 50

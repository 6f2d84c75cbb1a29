"""What only the Redis store can get wrong: a server that goes away, lost replies, others that interfere meanwhile."""

from __future__ import annotations

import threading

import pytest
import redis

from services.errors import StoreUnavailable
from services.identity import redis_store
from services.identity.log import redis as log_redis
from services.identity.redis_client import Connection, connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.types import Commit, Merge


@pytest.fixture
def server(start_server):
    return start_server()


@pytest.fixture
def store(server):
    store = server.store()
    yield store
    store.close()


@pytest.fixture
def ingest(store):
    return store.acquire_lease("ingest", "me", 600)


@pytest.fixture
def associator(store):
    return store.acquire_lease("associator", "me", 600)


def test_a_server_that_is_not_there(tmp_path, make_sighting):
    settings = RedisSettings(reconnect_attempts=1)
    for url in (f"unix://{tmp_path}/nothing.sock", "redis://127.0.0.1:1/0"):
        store = RedisStore(connect(url, settings))
        for call in (
            store.ping,
            store.last_event_id,
            store.list_identities,
            lambda s=store: list(s.scan_identities()),
            lambda s=store: s.acquire_lease("a", "b", 1),
        ):
            with pytest.raises(StoreUnavailable) as caught:
                call()
            assert isinstance(caught.value.__cause__, redis.RedisError)
        store.close()


def test_every_error_of_the_client_is_mapped():
    def raising(error):
        def command(_):
            raise error.__new__(error)

        return command

    errors = [e for e in vars(redis.exceptions).values() if isinstance(e, type) and issubclass(e, redis.RedisError)]
    assert len(errors) > 20
    connection = Connection(redis.Redis())
    for error in errors:
        with pytest.raises(StoreUnavailable):
            connection.call(raising(error))


def test_a_restarting_server_is_waited_for(server, store, ingest, make_sighting):
    store.put_sighting(make_sighting("s1"), ingest)
    server.kill()
    starter = threading.Timer(0.1, server.start)
    starter.start()
    patient = server.store(reconnect_attempts=20, reconnect_backoff_s=0.05)
    assert patient.put_sighting(make_sighting("s2"), ingest).accepted
    starter.join()
    assert [s.sighting_id for s in store.get_sightings(["s1", "s2"])] == ["s1", "s2"]
    patient.close()


def test_a_command_that_is_refused_is_reported(store, ingest, make_sighting):
    store._redis.client.set(store.keys.timeline, "not a zset")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        store.put_sighting(make_sighting("s1"), ingest)


def test_a_commit_whose_reply_was_lost_is_not_applied_twice(store, ingest, associator, make_sighting, decide):
    store.put_sighting(make_sighting("s1"), ingest)
    script = store._redis.script
    replies = []

    def twice(name, keys, args):
        replies.append(script(name, keys, args))
        replies.append(script(name, keys, args))
        return replies[-1]

    store._redis.script = twice
    result = store.commit(Commit(associator, (decide("s1", "a"), decide("gone", "b"))))
    assert replies[0] == replies[1]
    assert (result.applied, result.stale) == (("s1",), ("gone",))
    assert len(store.read_events("0-0", 100, 0)) == 3


def test_an_identity_merged_behind_the_back_of_a_commit(store, ingest, associator, make_sighting, decide):
    for name in ("s1", "s2", "s3"):
        store.put_sighting(make_sighting(name), ingest)
    store.commit(Commit(associator, (decide("s1", "a"), decide("s2", "b"))))
    look = store._identities_touched
    looks = []

    def look_then_merge(change, sightings):
        seen = look(change, sightings)
        looks.append(seen)
        if len(looks) == 1:
            store._identities_touched = look
            store.commit(Commit(associator, merges=(Merge("a", "b", "meanwhile"),)))
            store._identities_touched = look_then_merge
        return seen

    store._identities_touched = look_then_merge
    assert store.commit(Commit(associator, (decide("s3", "b"),))).applied == ("s3",)
    assert looks == [["b"], ["a", "b"]]
    assert store.identity_of("s3") == "a"
    assert store.get_identity("b").sighting_ids == ("s1", "s2", "s3")


def test_a_put_follows_its_identity(store, ingest, associator, make_sighting, decide):
    store.put_sighting(make_sighting("s1"), ingest)
    store.commit(Commit(associator, (decide("s1", "a"),)))
    store.put_sighting(make_sighting("s1", 2, end_ns=9_000_000_000), ingest)
    assert store.get_identity("a").last_seen_ns == 9_000_000_000
    assert store._redis.client.zscore(store.keys.active, "a") == 9_000_000


def test_deletion_in_steps(store, ingest, associator, make_sighting, decide, monkeypatch):
    names = [f"s{n:02d}" for n in range(23)]
    for name in names:
        store.put_sighting(make_sighting(name), ingest)
    store.commit(Commit(associator, tuple(decide(name, "a") for name in names)))
    monkeypatch.setattr(redis_store, "_DELETE_AT_ONCE", 5)
    store.delete_identity("a", "alice")
    kinds = [e.kind for e in store.read_events("0-0", 1000, 0)]
    assert kinds.count("sighting.deleted") == 23
    assert kinds[-1] == "identity.deleted"
    left = {key.decode().rpartition("}:")[2] for key in store._redis.client.keys("*")}
    # What happened to it is told as long as the log tells it.
    assert [key for key in left if key.startswith(("sighting:", "identity:"))] == ["identity:a:events"]
    audit = [entry for _, entry in store._redis.client.xrange(store.keys.audit)]
    assert sum(int(entry[b"sightings"]) for entry in audit) == 23
    assert {(entry[b"actor"], entry[b"subject"]) for entry in audit} == {(b"alice", b"a")}


def test_sites_do_not_see_each_other(server, store, ingest, make_sighting):
    store.put_sighting(make_sighting("s1"), ingest)
    other = server.store(site="south")
    assert other.get_sighting("s1") is None
    assert other.last_event_id() == "0-0"
    other.close()
    assert all(key.startswith(b"vreid:{default}:") for key in store._redis.client.keys("*"))


def test_a_blocked_read_outlasts_the_command_time_out(server):
    store = server.store(command_timeout_s=0.3)
    assert store.read_events("0-0", 10, block_ms=900) == []
    store.close()


@pytest.fixture
def many_events(store, ingest, make_sighting, monkeypatch):
    """Twelve sightings, whose streams a rewriting copies in several pages."""
    monkeypatch.setattr("services.identity.retention.redis._PAGE", 5)
    for n in range(12):
        store.put_sighting(make_sighting(f"s{n}"), ingest)


def _between_pages(store, step):
    """Has ``step`` done once, after the first page that a rewriting copies."""
    script = store._redis.script

    def interfering(name, keys, args):
        said = script(name, keys, args)
        if name == "stream_copy":
            store._redis.script = script
            step()
        return said

    store._redis.script = interfering


def _streams(store):
    events = [event.payload["sighting_id"] for event in store.read_events("0-0", 100, 0)]
    return events, [item.sighting_id for item in store.read_work("0-0", 100, 0)]


def test_a_second_rewriting_waits_and_nothing_is_lost(server, store, many_events):
    other, refused = server.store(), []

    def second():
        with pytest.raises(StoreUnavailable, match="another rewriting") as caught:
            other.rewrite(["s2"], [], timeout_s=0.1)
        refused.append(caught.value)

    _between_pages(store, second)
    store.rewrite(["s1"], [])
    assert len(refused) == 1
    left = ["s0", *(f"s{n}" for n in range(2, 12))]
    assert _streams(store) == (left, left)
    other.rewrite(["s2"], [])
    left.remove("s2")
    assert _streams(store) == (left, left)
    other.close()


def test_a_rewriting_that_was_taken_over_changes_nothing_more(server, store, many_events):
    other = server.store()

    def take_over():
        other._redis.call(lambda client: client.delete(other.keys.lease("rewrite")))
        other.rewrite(["s2"], [])

    _between_pages(store, take_over)
    with pytest.raises(StoreUnavailable):
        store.rewrite(["s1"], [])
    left = ["s0", "s1", *(f"s{n}" for n in range(3, 12))]
    assert _streams(store) == (left, left)
    assert store.lease_token("rewrite") is None
    other.close()


def test_a_copy_whose_lease_is_outdated_is_refused(store, many_events):
    old = store.acquire_lease("rewrite", "old", 60)
    store.release_lease(old)
    store.acquire_lease("rewrite", "new", 60)
    with pytest.raises(StoreUnavailable, match="took over"):
        store._copy_stream(store.keys.events, '{"sightings":["s1"],"identities":[]}', old)
    assert len(_streams(store)[0]) == 12


def test_nobody_waits_long_for_events_of_an_older_version(
    store, ingest, associator, make_sighting, decide, monkeypatch
):
    for n in range(8):
        store.put_sighting(make_sighting(f"s{n}"), ingest)
    store.commit(Commit(associator, tuple(decide(f"s{n}", f"i{n % 2}") for n in range(8))))
    monkeypatch.setattr(log_redis, "_PAGE", 3)
    monkeypatch.setattr(log_redis, "_PATIENCE_S", 0.0)
    with store._indexing, pytest.raises(StoreUnavailable, match="being indexed"):
        store.events_of("i0")
    refused = 0
    for _ in range(20):
        try:
            found = store.events_of("i0")
            break
        except StoreUnavailable:
            refused += 1
    # Each caller brings it a page forward: 18 events are six full pages, and an empty one ends it.
    assert (len(found), refused) == (5, 6)


@pytest.mark.parametrize("cause", ["delete", "erase"])
def test_an_identity_that_is_merged_away_while_it_is_deleted_is_not_told_as_deleted(
    store, ingest, associator, make_sighting, decide, monkeypatch, cause
):
    for name in ("s1", "s2", "s3"):
        store.put_sighting(make_sighting(name), ingest)
    store.commit(Commit(associator, (decide("s1", "a"), decide("s2", "a"), decide("s3", "b"))))
    script, merged = store._redis.script, []

    def overtaken(name, keys, arguments):
        if name == "delete_identity" and not merged:
            merged.append(1)
            store.commit(Commit(associator, merges=(Merge("b", "a", "same vehicle"),)))
        return script(name, keys, arguments)

    monkeypatch.setattr(store._redis, "script", overtaken)
    with pytest.raises(StoreUnavailable, match="identity a changes too fast"):
        store.delete_identity("a", "ann", cause=cause)
    assert all(store.get_sightings(["s1", "s2", "s3"]))
    store.delete_identity("a", "ann", cause=cause)
    assert not any(store.get_sightings(["s1", "s2", "s3"]))

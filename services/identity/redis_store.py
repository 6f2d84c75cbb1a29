"""The identity store in Redis, the system of record. Owns reads and the calls of scripts; what changes is in those."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import methodcaller
from typing import Any, Literal, cast

import redis

from services.errors import LeaseLost, NotFound, StoreUnavailable
from services.identity.codec import (
    check_id,
    check_identity_id,
    check_position,
    checked_decision,
    decision_body,
    decode_camera,
    decode_event,
    decode_sighting,
    dumps,
    encode_camera,
    encode_sighting,
    identity_record,
    sessions_of,
)
from services.identity.corrections.redis import RedisCorrections
from services.identity.keys import Keys, fence_lasts_s
from services.identity.log.redis import RedisLog
from services.identity.records import CameraRecord, CommitResult, Event, IdentityRecord, PutResult, WorkItem
from services.identity.redis_client import Connection, named
from services.identity.retention.contract import Cause
from services.identity.retention.redis import RedisRetention
from services.identity.rolling.redis import RedisRolling
from services.identity.standing.redis import RedisStanding
from services.observability.tracing import traceparent
from services.types import Commit, Lease, Sighting
from tracker.types import Decision

Entry = tuple[str, dict[str, bytes]]

ZERO = "0-0"
_TRIES = 50
_PAGE = 500
_DELETE_AT_ONCE = 2000


def _ids(joined: bytes) -> tuple[str, ...]:
    return tuple(joined.decode().split("\n")) if joined else ()


def _times_ms(lease_name: str, ttl_s: float) -> tuple[int, int | str]:
    """How long a lease lives, and how long its fence stands: empty for ever."""
    lasts_s = fence_lasts_s(lease_name, ttl_s)
    return max(1, int(ttl_s * 1000)), "" if lasts_s is None else max(1, int(lasts_s * 1000))


class RedisStore(RedisCorrections, RedisRetention, RedisStanding, RedisRolling, RedisLog):
    """IdentityStore on one site of a Redis-compatible server. Safe for threads.

    Args:
        client: With time-outs and ``decode_responses=False``; see redis_client.connect.
        site: Whose keys these are.
    """

    def __init__(self, client: redis.Redis, site: str = "default") -> None:
        self._redis = Connection(client)
        patience_s = client.connection_pool.connection_kwargs.get("socket_timeout") or 5.0
        self._longest_block_ms = max(1, int(patience_s * 400))
        self.keys = Keys(site)
        super().__init__()

    def close(self) -> None:
        """Closes the connections; the store opens new ones if it is used again."""
        self._redis.call(lambda client: client.close())

    def read(self, command: Callable[[Any], Any]) -> Any:
        """Runs a reading command on the server, for checks and tools; StoreUnavailable when it does not answer."""
        return self._redis.call(command)

    def key_names(self) -> Iterator[str]:
        """Names of all keys of the site behind its prefix, in no order, perhaps with repeats."""
        found = self._redis.call(lambda client: list(client.scan_iter(f"{self.keys.prefix}*", count=1000)))
        yield from (key.decode().removeprefix(self.keys.prefix) for key in found)

    def ping(self) -> None:
        """See IdentityStore."""
        self._redis.call(lambda client: client.ping())

    def acquire_lease(self, name: str, owner: str, ttl_s: float) -> Lease | None:
        """See IdentityStore. The same owner gets a fresh token, which ends its older ones."""
        keys = [*self.keys.fixed(check_id("lease", name)), self.keys.lease(name)]
        token = int(self._redis.script("lease_acquire", keys, [owner, *_times_ms(name, ttl_s)]))
        return Lease(name, owner, token) if token else None

    def renew_lease(self, lease: Lease, ttl_s: float) -> bool:
        """See IdentityStore. An expired lease is lost."""
        keys = [*self.keys.fixed(lease.name), self.keys.lease(lease.name)]
        return bool(self._redis.script("lease_renew", keys, [lease.token, *_times_ms(lease.name, ttl_s)]))

    def release_lease(self, lease: Lease) -> None:
        """See IdentityStore."""
        keys = [*self.keys.fixed(lease.name), self.keys.lease(lease.name)]
        self._redis.script("lease_release", keys, [lease.token])

    def lease_token(self, name: str) -> int | None:
        """See IdentityStore."""
        token = self._redis.call(lambda client: client.hget(self.keys.lease(name), "token"))
        return None if token is None else int(token)

    def put_sighting(self, sighting: Sighting, lease: Lease) -> PutResult:
        """See IdentityStore. A deleted sighting stays deleted."""
        return self._put_revision(sighting, lease, ["", "", "", ""], [])

    def put_decided(self, sighting: Sighting, decision: Decision, lease: Lease, *, enrolled_by: str = "") -> PutResult:
        """See IdentityStore."""
        identity_id, body = checked_decision(decision, sighting)
        return self._put_revision(
            sighting, lease, [identity_id, decision.status.value, dumps(body), enrolled_by], [identity_id]
        )

    def _put_revision(self, sighting: Sighting, lease: Lease, decided: list[str], identities: list[str]) -> PutResult:
        """Puts a revision with what was decided, by the keys of these identities and of those the script asks for."""
        fields = encode_sighting(sighting)
        flat = [part for item in fields.items() for part in item]
        sighting_id = sighting.sighting_id
        head = [lease.token, sighting_id, sighting.revision, int(sighting.final), fields["end_ns"], traceparent()]
        for _ in range(_TRIES):
            keys = [*self.keys.fixed(lease.name), self.keys.sighting(sighting_id)]
            keys += [key for identity_id in identities for key in self.keys.identity(identity_id)]
            arguments = [*head, *decided, len(identities), *identities, *flat]
            said, *rest = self._redis.script("put_sighting", keys, arguments)
            if said == b"lost":
                raise self._lost(lease)
            if said != b"retry":
                return PutResult(said == b"ok", rest[0].decode())
            identities = [*identities, rest[0].decode()]
        raise StoreUnavailable(f"sighting {sighting_id} changes too fast")

    def _identity_keys(self, identity_id: str) -> list[str]:
        return self.keys.identity(identity_id) if identity_id else []

    def _lost(self, lease: Lease) -> LeaseLost:
        return LeaseLost(f"lease {lease.name} has a newer holder than {lease.owner} with token {lease.token}")

    def finalise(self, sighting_ids: Sequence[str]) -> list[str]:
        """See IdentityStore."""
        done: list[str] = []
        for start in range(0, len(sighting_ids), _PAGE):
            page = sighting_ids[start : start + _PAGE]
            rows = zip(page, self._rows(page, "revision"), strict=True)
            done += self._finalise([(name, revision) for name, (revision,) in rows if revision], self._redis.now_us())
        return done

    def _finalise(self, seen: Sequence[tuple[str, bytes]], newest_us: int) -> list[str]:
        """Marks sightings final that are still as they were seen, and were put no later."""
        if not seen:
            return []
        keys = [*self.keys.fixed(), *(self.keys.sighting(sighting_id) for sighting_id, _ in seen)]
        args = [newest_us, *(part for pair in seen for part in pair)]
        return [sighting_id.decode() for sighting_id in self._redis.script("finalise", keys, args)]

    def finalise_orphans(self, session_ids_alive: Sequence[str], idle_s: float) -> list[str]:
        """See IdentityStore."""
        alive = set(session_ids_alive)
        newest_us = self._redis.now_us() - int(idle_s * 1_000_000)
        idle = self._redis.call(lambda client: client.zrangebyscore(self.keys.provisional, "-inf", newest_us))
        done: list[str] = []
        for start in range(0, len(idle), _PAGE):
            page = [sighting_id.decode() for sighting_id in idle[start : start + _PAGE]]
            rows = self._rows(page, "track_keys", "revision")
            gone = [
                (sighting_id, revision)
                for sighting_id, (track_keys, revision) in zip(page, rows, strict=True)
                if track_keys is not None and revision is not None and alive.isdisjoint(sessions_of(track_keys))
            ]
            done += self._finalise(gone, newest_us)
        return done

    def _rows(self, sighting_ids: Sequence[str], *names: str) -> list[list[bytes | None]]:
        """Some fields of many sightings, None each where one is unknown."""

        def fill(pipe: Any) -> None:
            for sighting_id in sighting_ids:
                pipe.hmget(self.keys.sighting(sighting_id), names)

        return self._redis.pipeline(fill) if sighting_ids else []

    def _hashes(self, keys: Sequence[str]) -> list[dict[str, bytes]]:
        def fill(pipe: Any) -> None:
            for key in keys:
                pipe.hgetall(key)

        return [named(fields) for fields in self._redis.pipeline(fill)] if keys else []

    def get_sighting(self, sighting_id: str) -> Sighting | None:
        """See IdentityStore."""
        return self.get_sightings([sighting_id])[0]

    def get_sightings(self, sighting_ids: Sequence[str]) -> list[Sighting | None]:
        """See IdentityStore."""
        found: list[Sighting | None] = []
        for start in range(0, len(sighting_ids), _PAGE):
            page = [self.keys.sighting(sighting_id) for sighting_id in sighting_ids[start : start + _PAGE]]
            found += [decode_sighting(fields) if fields else None for fields in self._hashes(page)]
        return found

    def scan_sightings(self, *, ended_since_ns: int = 0) -> Iterator[tuple[Sighting, str | None]]:
        """See IdentityStore."""
        floor_us = ended_since_ns // 1000
        cursor, seen = 0, set[str]()
        if floor_us:
            in_view = self._redis.call(lambda client: client.zrange(self.keys.provisional, 0, -1))
            seen.update(sighting_id.decode() for sighting_id in in_view)
            yield from self._pages(sorted(seen))
        while True:
            cursor, pairs = self._redis.call(partial(_scan_page, self.keys.timeline, cursor))
            page = [n for member, ended in pairs if ended >= floor_us and (n := member.decode()) not in seen]
            seen.update(page)
            yield from self._pages(page)
            if cursor == 0:
                return

    def _pages(self, sighting_ids: Sequence[str]) -> Iterator[tuple[Sighting, str | None]]:
        for start in range(0, len(sighting_ids), _PAGE):
            yield from self._with_identities(sighting_ids[start : start + _PAGE])

    def _with_identities(self, sighting_ids: Sequence[str]) -> list[tuple[Sighting, str | None]]:
        rows = [row for row in self._hashes([self.keys.sighting(s) for s in sighting_ids]) if row]
        living = self._resolve_all({row["identity_id"].decode() for row in rows if "identity_id" in row})
        return [(decode_sighting(row), living.get(row.get("identity_id", b"").decode())) for row in rows]

    def _resolve_all(self, identity_ids: set[str]) -> dict[str, str | None]:
        """What each id stands for: its survivor, itself when it is no alias, None when it was deleted."""
        names = sorted(identity_ids)
        if not names:
            return {}
        aliases = self._redis.call(lambda client: client.hmget(self.keys.alias, names))
        return {n: n if a is None else a.decode() or None for n, a in zip(names, aliases, strict=True)}

    def identity_of(self, sighting_id: str) -> str | None:
        """See IdentityStore."""
        return self.identities_of([sighting_id])[0]

    def identities_of(self, sighting_ids: Sequence[str]) -> list[str | None]:
        """See IdentityStore."""
        found: list[str | None] = []
        for start in range(0, len(sighting_ids), _PAGE):
            rows = self._rows(sighting_ids[start : start + _PAGE], "identity_id")
            given = [None if raw is None else raw.decode() for (raw,) in rows]
            living = self._resolve_all({name for name in given if name is not None})
            found += [None if name is None else living[name] for name in given]
        return found

    def _read(self, stream: str, after: str, count: int, block_ms: int) -> list[Entry]:
        """Entries of a stream after a position; waits in slices shorter than the socket's time-out."""
        deadline = time.monotonic() + block_ms / 1000
        check_position(after)
        while True:
            left_ms = int((deadline - time.monotonic()) * 1000)
            block = min(left_ms, self._longest_block_ms) if left_ms > 0 else None
            read = methodcaller("xread", {stream: after}, count=count, block=block)
            found = self._redis.call(read, "read_stream", waits=block is not None)
            if found:
                return [(entry_id.decode(), named(fields)) for entry_id, fields in found[0][1]]
            if left_ms <= 0:
                return []

    def read_work(self, after: str, count: int, block_ms: int) -> list[WorkItem]:
        """See IdentityStore."""
        return [
            WorkItem(
                entry_id,
                fields["sighting_id"].decode(),
                int(fields["revision"]),
                cast(Literal["put", "delete"], fields["op"].decode()),
                fields.get("trace", b"").decode(),
            )
            for entry_id, fields in self._read(self.keys.sightings, after, count, block_ms)
        ]

    def read_events(self, after: str, count: int, block_ms: int) -> list[Event]:
        """See IdentityStore."""
        return [decode_event(entry_id, f) for entry_id, f in self._read(self.keys.events, after, count, block_ms)]

    def work_cursor(self) -> str:
        """See IdentityStore."""
        cursor = self._redis.call(lambda client: client.get(self.keys.cursor))
        return ZERO if cursor is None else cast(bytes, cursor).decode()

    def commit(self, change: Commit) -> CommitResult:
        """See IdentityStore.

        Raises:
            LeaseLost: A newer holder exists; nothing was changed.
            ValueError: A number of a decision is not finite; nothing was changed.
            StoreUnavailable: The server does not answer. What was asked for may have happened or not: commit the same
                again.
        """
        sightings = sorted(
            {d.sighting_id for d in change.decisions} | {s for split in change.splits for s in split.sighting_ids}
        )
        document: dict[str, object] = {
            "token": str(change.lease.token),
            "cursor": change.cursor or "",
            "links": [[name, state] for name, state in sorted(change.links.items())],
            "sightings": sightings,
            "decisions": [
                [d.sighting_id, str(d.revision), check_identity_id("identity_id", d.identity_id), d.status.value, body]
                for d in change.decisions
                for body in [dumps(decision_body(d))]
            ],
            "merges": [[m.survivor_id, m.absorbed_id, m.reason] for m in change.merges],
            "splits": [
                [s.identity_id, check_identity_id("new_identity_id", s.new_identity_id), list(s.sighting_ids), s.reason]
                for s in change.splits
            ],
        }
        again = hashlib.sha256(dumps(document).encode()).hexdigest()
        document["commit_id"] = uuid.uuid4().hex if change.cursor is None else again
        for _ in range(_TRIES):
            identities = self._identities_touched(change, sightings)
            keys = [*self.keys.fixed(change.lease.name), *(self.keys.sighting(s) for s in sightings)]
            keys += [key for identity_id in identities for key in self.keys.identity(identity_id)]
            said, *rest = self._redis.script("commit", keys, [dumps(document | {"identities": identities})])
            if said == b"lost":
                raise self._lost(change.lease)
            if said == b"ok":
                applied, stale, position = rest
                return CommitResult(_ids(applied), _ids(stale), position.decode())
        raise StoreUnavailable("the identities of this commit change too fast")

    def _identities_touched(self, change: Commit, sightings: Sequence[str]) -> list[str]:
        """Every identity whose keys a commit may need, as far as can be seen before it runs."""
        names = {d.identity_id for d in change.decisions}
        names |= {i for m in change.merges for i in (m.survivor_id, m.absorbed_id)}
        names |= {i for s in change.splits for i in (s.identity_id, s.new_identity_id)}
        return self._with_owners(names, sightings)

    def _with_owners(self, identity_ids: set[str], sightings: Sequence[str]) -> list[str]:
        """Identities, those of sightings as assigned, and who each of them stands for, by name."""
        names = identity_ids | {row[0].decode() for row in self._rows(sightings, "identity_id") if row[0] is not None}
        return sorted(names | {living for living in self._resolve_all(names).values() if living is not None})

    def links(self) -> Mapping[str, str]:
        """See IdentityStore."""
        found = self._redis.call(lambda client: client.hgetall(self.keys.links))
        return {name: state.decode() for name, state in named(found).items()}

    def resolve(self, identity_id: str) -> str | None:
        """See IdentityStore."""
        living = self._resolve_all({identity_id})[identity_id]
        if living is None:
            return None
        key = self.keys.identity(living)[0]
        return living if self._redis.call(lambda client: client.exists(key)) else None

    def get_identity(self, identity_id: str) -> IdentityRecord | None:
        """See IdentityStore."""
        for _ in range(_TRIES):
            living = self.resolve(identity_id)
            if living is None:
                return None
            if found := self._records([living]):
                return found[0]
        raise StoreUnavailable(f"identity {identity_id} changes too fast")

    def list_identities(self, limit: int = 100, offset: int = 0) -> list[IdentityRecord]:
        """See IdentityStore."""
        if limit <= 0:
            return []
        newest = self._redis.call(lambda client: client.zrevrange(self.keys.active, offset, offset + limit - 1))
        return self._records([identity_id.decode() for identity_id in newest])

    def scan_identities(self) -> Iterator[IdentityRecord]:
        """See IdentityStore."""
        cursor, going = 0, True
        while going:
            cursor, pairs = self._redis.call(partial(_scan_page, self.keys.active, cursor))
            yield from self._records([member.decode() for member, _ in pairs])
            going = cursor != 0

    def _records(self, identity_ids: Sequence[str]) -> list[IdentityRecord]:
        """Records of living identities, in order; one that ended meanwhile is left out."""

        def fill(pipe: Any) -> None:
            for identity_id in identity_ids:
                row, members, aliases, _ = self.keys.identity(identity_id)
                pipe.hmget(row, "status", "enrolled").zrange(members, 0, -1).smembers(aliases)

        replies = self._redis.pipeline(fill, atomic=True) if identity_ids else []
        members = [sighting_id.decode() for group in replies[1::3] for sighting_id in group]
        rows = dict(zip(members, self._rows(members, "camera_id", "start_ns", "end_ns"), strict=True))
        records = []
        for n, identity_id in enumerate(identity_ids):
            (status, enrolled), group, aliases = replies[3 * n : 3 * n + 3]
            known = [(s.decode(), *rows[s.decode()]) for s in group]
            found = [(s, c.decode(), int(a), int(b)) for s, c, a, b in known if c is not None and a and b]
            if status is not None and found:
                names = (alias.decode() for alias in aliases)
                kept = enrolled is not None
                records.append(identity_record(identity_id, status.decode(), names, found, enrolled=kept))
        return records

    def delete_identity(self, identity_id: str, actor: str, *, cause: Cause = "delete", reason: str = "") -> str:
        """See IdentityStore. Thousands of sightings go in several steps, each complete, the identity with the last."""
        living = self.resolve(identity_id)
        if living is None:
            raise NotFound(f"no identity {identity_id}")
        own = self.keys.identity(living)
        while True:
            members = self._redis.call(lambda client: client.zrange(own[1], 0, _DELETE_AT_ONCE - 1))
            names = [sighting_id.decode() for sighting_id in members]
            keys = [*self.keys.fixed(), *own]
            keys += [key for s in names for key in (self.keys.sighting(s), self.keys.purge(s))]
            said, position = self._redis.script("delete_identity", keys, [living, actor, cause, reason, *names])
            if said == b"gone" and self.resolve(identity_id) is not None:
                # It was merged meanwhile and lives on in an identity that is more than what was asked to be deleted.
                raise StoreUnavailable(f"identity {identity_id} changes too fast")
            if said != b"more":
                return cast(bytes, position).decode()

    def delete_sighting(self, sighting_id: str, actor: str, *, cause: Cause = "delete", reason: str = "") -> str:
        """See IdentityStore. An identity left without sightings goes with it."""
        own = self.keys.sighting(sighting_id)
        if not self._redis.call(lambda client: client.exists(own)):
            raise NotFound(f"no sighting {sighting_id}")
        identity_id = self.identity_of(sighting_id) or ""
        for _ in range(_TRIES):
            keys = [*self.keys.fixed(), own, self.keys.purge(sighting_id), *self._identity_keys(identity_id)]
            said, rest = self._redis.script("delete_sighting", keys, [sighting_id, identity_id, actor, cause, reason])
            if said != b"retry":
                return cast(bytes, rest).decode()
            identity_id = rest.decode()
        raise StoreUnavailable(f"sighting {sighting_id} changes too fast")

    def last_event_id(self) -> str:
        """See IdentityStore."""

        def read(client: Any) -> str:
            try:
                return cast(bytes, client.xinfo_stream(self.keys.events)["last-generated-id"]).decode()
            except redis.ResponseError as exc:
                if "no such key" in str(exc):
                    return ZERO
                raise

        return self._redis.call(read)

    def put_camera(self, record: CameraRecord) -> None:
        """See IdentityStore."""
        fields = encode_camera(record)

        def fill(pipe: Any) -> None:
            pipe.hset(self.keys.camera(record.camera_id), mapping=fields).sadd(self.keys.cameras, record.camera_id)

        self._redis.pipeline(fill, atomic=True)

    def list_cameras(self) -> list[CameraRecord]:
        """See IdentityStore."""
        names = sorted(
            member.decode() for member in self._redis.call(lambda client: client.smembers(self.keys.cameras))
        )
        return [decode_camera(fields) for fields in self._hashes([self.keys.camera(name) for name in names]) if fields]


def _scan_page(key: str, cursor: int, client: Any) -> tuple[int, list[tuple[bytes, float]]]:
    """Some members of a sorted set with their scores, and where to go on: 0 after the last.

    Unlike a page by rank, none that stays is left out where ranks change meanwhile.
    """
    page: tuple[int, list[tuple[bytes, float]]] = client.zscan(key, cursor, count=_PAGE)
    return page

"""The forgetting part of the Redis store: calls the scripts that remove, acknowledge and trim."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from operator import methodcaller
from typing import Any, cast

from services.errors import NotFound, StoreUnavailable
from services.identity.codec import check_id, check_position, cut_vectors, dumps
from services.identity.keys import REWRITE_LEASE, Keys
from services.identity.log.contract import deleted_of
from services.identity.records import Event
from services.identity.redis_client import Connection
from services.identity.retention.contract import (
    RETENTION_ACTOR,
    AuditEntry,
    Cause,
    Overdue,
    Purge,
    Trimmed,
    View,
)
from services.types import Lease

_PAGE = 500
_TRIES = 50
_RETIRED_AT_ONCE = 10_000
_WAIT = b"wait:"
_REWRITE_TTL_S = 10.0


class RedisRetention:
    """RetentionStore over one site; the store that inherits it brings connection and keys."""

    _redis: Connection
    keys: Keys
    resolve: Callable[[str], str | None]
    _resolve_all: Callable[[set[str]], dict[str, str | None]]
    _rows: Callable[..., list[list[bytes | None]]]
    acquire_lease: Callable[[str, str, float], Lease | None]
    renew_lease: Callable[[Lease, float], bool]
    release_lease: Callable[[Lease], None]
    trim_events: Callable[[str], int]
    named_after: Callable[[str, str, int], set[str]]
    events_of: Callable[..., list[Event]]

    def now_ns(self) -> int:
        """See RetentionStore."""
        return self._redis.now_us() * 1000

    def _ended_before(self, bound_us: int, offset: int, count: int) -> list[tuple[str, int]]:
        found = self._redis.call(
            lambda client: client.zrangebyscore(
                self.keys.timeline, "-inf", f"({bound_us}", start=offset, num=count, withscores=True
            )
        )
        return [(member.decode(), int(score)) for member, score in found]

    def expire(self, before_ns: int, enrolled_before_ns: int | None = None, *, limit: int = 1000) -> int:
        """See RetentionStore."""
        before_us, enrolled_us = _bounds_us(before_ns, enrolled_before_ns)
        gone = offset = 0
        while gone < limit:
            found = self._ended_before(max(before_us, enrolled_us), offset, min(_PAGE, limit - gone))
            if not found:
                break
            went = self._expire_page([sighting_id for sighting_id, _ in found], before_us, enrolled_us)
            gone += went
            offset += len(found) - went
        return gone

    def _owners(self, sighting_ids: Sequence[str]) -> list[str | None]:
        """The living identity of each sighting."""
        given = [None if raw is None else raw.decode() for (raw,) in self._rows(sighting_ids, "identity_id")]
        living = self._resolve_all({name for name in given if name is not None})
        return [None if name is None else living[name] for name in given]

    def _expire_page(self, sighting_ids: list[str], before_us: int, enrolled_us: int) -> int:
        document = {
            "before_us": str(before_us),
            "enrolled_before_us": str(enrolled_us),
            "actor": RETENTION_ACTOR,
            "sightings": sighting_ids,
        }
        for _ in range(_TRIES):
            identities = sorted({name for name in self._owners(sighting_ids) if name is not None})
            keys = self.keys.fixed()
            for sighting_id in sighting_ids:
                keys += [self.keys.sighting(sighting_id), self.keys.purge(sighting_id)]
            keys += [key for identity_id in identities for key in self.keys.identity(identity_id)]
            said, *rest = self._redis.script("expire", keys, [dumps(document | {"identities": identities})])
            if said == b"ok":
                return int(rest[0])
        raise StoreUnavailable("sightings to expire change too fast")

    def overdue(self, before_ns: int, enrolled_before_ns: int | None = None, *, limit: int = 1000) -> list[Overdue]:
        """See RetentionStore."""
        before_us, enrolled_us = _bounds_us(before_ns, enrolled_before_ns)
        found: list[Overdue] = []
        offset = 0
        while len(found) < limit and (page := self._ended_before(max(before_us, enrolled_us), offset, _PAGE)):
            offset += len(page)
            names = [sighting_id for sighting_id, _ in page]
            owners = self._owners(names)
            enrolled = self._enrolled({name for name in owners if name is not None})
            in_view = self._redis.call(methodcaller("zmscore", self.keys.provisional, names))
            for (sighting_id, ended_us), owner, open_since in zip(page, owners, in_view, strict=True):
                late_us = (enrolled_us if owner in enrolled else before_us) - ended_us
                if late_us > 0 and open_since is None:
                    found.append(Overdue(sighting_id, ended_us * 1000, late_us * 1000))
        return found[:limit]

    def _enrolled(self, identity_ids: set[str]) -> set[str]:
        names = sorted(identity_ids)

        def fill(pipe: Any) -> None:
            for name in names:
                pipe.hexists(self.keys.identity(name)[0], "enrolled")

        return {name for name, yes in zip(names, self._redis.pipeline(fill), strict=True) if yes} if names else set()

    def enrol(self, identity_id: str, actor: str, *, enrolled: bool = True) -> str:
        """See RetentionStore."""
        for _ in range(_TRIES):
            living = self.resolve(identity_id)
            if living is None:
                raise NotFound(f"no identity {identity_id}")
            keys = [*self.keys.fixed(), *self.keys.identity(living)]
            said, *rest = self._redis.script("enrol", keys, [living, actor, "1" if enrolled else ""])
            if said == b"ok":
                return cast(bytes, rest[0]).decode()
        raise StoreUnavailable(f"identity {identity_id} changes too fast")

    def begin_view(self, name: str, position: str) -> None:
        """See RetentionStore."""
        self._redis.script("view", self.keys.fixed(), [check_id("view", name), check_position(position), "1"])

    def advance_view(self, name: str, position: str) -> bool:
        """See RetentionStore."""
        return bool(self._redis.script("view", self.keys.fixed(), [name, check_position(position), ""]))

    def drop_view(self, name: str) -> None:
        """See RetentionStore."""
        self._redis.call(lambda client: client.hdel(self.keys.views, name))
        while held := self.purges(name):
            self.acknowledge(name, [purge.sighting_id for purge in held])

    def views(self) -> list[View]:
        """See RetentionStore."""
        found = self._redis.call(lambda client: client.hgetall(self.keys.views))
        rows = sorted((name.decode(), said.decode().split(" ")) for name, said in found.items())
        return [View(name, position, int(at_ns)) for name, (position, at_ns) in rows]

    def deleted(self, sighting_ids: Sequence[str]) -> set[str]:
        """See RetentionStore."""
        found: set[str] = set()
        for start in range(0, len(sighting_ids), _PAGE):
            page = list(sighting_ids[start : start + _PAGE])
            since = self._redis.call(methodcaller("zmscore", self.keys.tombstones, page))
            found |= {name for name, at in zip(page, since, strict=True) if at is not None}
        return found

    def purges(self, holder: str | None = None, *, limit: int = 1000) -> list[Purge]:
        """See RetentionStore."""
        found: list[Purge] = []
        offset = 0
        while len(found) < limit:
            page = self._redis.call(partial(_range, self.keys.outbox, offset))
            if not page:
                break
            offset += len(page)
            names = [member.decode() for member in page]
            for name, fields in zip(names, self._purge_hashes(names), strict=True):
                if fields and (holder is None or _WAIT + holder.encode() in fields):
                    found.append(_purge(name, fields))
        return found[:limit]

    def purges_of(self, sighting_ids: Sequence[str]) -> list[Purge]:
        """See RetentionStore."""
        found: list[Purge] = []
        for start in range(0, len(sighting_ids), _PAGE):
            page = sighting_ids[start : start + _PAGE]
            found += [_purge(name, row) for name, row in zip(page, self._purge_hashes(page), strict=True) if row]
        return found

    def _purge_hashes(self, sighting_ids: Sequence[str]) -> list[dict[bytes, bytes]]:
        def fill(pipe: Any) -> None:
            for sighting_id in sighting_ids:
                pipe.hgetall(self.keys.purge(sighting_id))

        return self._redis.pipeline(fill)

    def acknowledge(self, holder: str, sighting_ids: Sequence[str]) -> int:
        """See RetentionStore."""
        done = 0
        for start in range(0, len(sighting_ids), _PAGE):
            page = list(sighting_ids[start : start + _PAGE])
            keys = [*self.keys.fixed(), *(self.keys.purge(sighting_id) for sighting_id in page)]
            done += int(self._redis.script("acknowledge", keys, [holder, *page]))
        return done

    def trim(self, history_before_ns: int, forget_before_ns: int, audit_before_ns: int) -> Trimmed:
        """See RetentionStore."""
        events = self.trim_events(f"{max(0, history_before_ns) // 1_000_000}-0")
        args = [max(0, forget_before_ns) // 1000, f"{max(0, audit_before_ns) // 1_000_000}-0", _RETIRED_AT_ONCE]
        return Trimmed(events, *(int(count) for count in self._redis.script("trim", self.keys.fixed(), args)))

    def oldest_event_ns(self) -> int | None:
        """See RetentionStore."""
        found = self._redis.call(lambda client: client.xrange(self.keys.events, count=1))
        return int(found[0][0].split(b"-")[0]) * 1_000_000 if found else None

    def vector_bytes(self, sighting_ids: Sequence[str]) -> list[bytes]:
        """See RetentionStore."""
        rows = self._rows(sighting_ids, "embedding", "exemplars", "beside_embedding", "beside_exemplars")
        each = [pair for row in rows for pair in (row[:2], row[2:])]
        return [vector for embedding, views in each if embedding for vector in cut_vectors(embedding, views or b"")]

    def rewrite(self, sighting_ids: Sequence[str], identity_ids: Sequence[str], timeout_s: float = 60.0) -> None:
        """See RetentionStore. The server's log is made anew in the background; this waits for it."""
        gone = {*sighting_ids, *deleted_of(self.events_of, identity_ids)}
        drop = dumps({"sightings": sorted(gone), "identities": list(identity_ids)})
        with self._rewriting(timeout_s) as lease:
            for stream in (self.keys.events, self.keys.sightings):
                self._copy_stream(stream, drop, lease)
            self._redis.call(lambda client: client.delete(self.keys.last_commit))
            self._rewrite_log(timeout_s, lease)

    @contextmanager
    def _rewriting(self, timeout_s: float) -> Iterator[Lease]:
        """Holds the lease for rewriting, which nobody else of the site has meanwhile, nor another thread of ours."""
        deadline = time.monotonic() + timeout_s
        owner = uuid.uuid4().hex
        while (lease := self.acquire_lease(REWRITE_LEASE, owner, _REWRITE_TTL_S)) is None:
            if time.monotonic() > deadline:
                raise StoreUnavailable("another rewriting of the streams did not end in time")
            time.sleep(0.02)
        try:
            yield lease
        finally:
            self.release_lease(lease)

    def _keep_rewriting(self, lease: Lease) -> None:
        if not self.renew_lease(lease, _REWRITE_TTL_S):
            raise StoreUnavailable("the lease for rewriting was lost")

    def _copy_stream(self, stream: str, drop: str, lease: Lease) -> None:
        position = b""
        while True:
            names = sorted(self.named_after(stream, position.decode(), _PAGE))
            keys = [*self.keys.fixed(REWRITE_LEASE), stream, stream + ":copy", *map(self.keys.events_of, names)]
            args = [lease.token, position, _PAGE, drop, dumps(names)]
            said, *rest = self._redis.script("stream_copy", keys, args)
            if said == b"lost":
                raise StoreUnavailable("another rewriting of the streams took over")
            if said == b"ok":
                return
            position = rest[0]
            self._keep_rewriting(lease)

    def _rewrite_log(self, timeout_s: float, lease: Lease) -> None:
        deadline = time.monotonic() + timeout_s
        self._until_no_rewrite(deadline, lease)
        self._redis.call(lambda client: client.bgrewriteaof())
        said = self._until_no_rewrite(deadline, lease)
        if said.get("aof_enabled") and said.get("aof_last_bgrewrite_status") != "ok":
            raise StoreUnavailable("the server could not write its log anew")

    def _until_no_rewrite(self, deadline: float, lease: Lease) -> dict[str, Any]:
        """Waits until no rewriting of the log is under way; what the server says of its files then."""
        while True:
            said: dict[str, Any] = self._redis.call(lambda client: client.info("persistence"))
            if not said["aof_rewrite_in_progress"] and not said.get("aof_rewrite_scheduled"):
                return said
            if time.monotonic() > deadline:
                raise StoreUnavailable("the server did not write its log anew in time")
            self._keep_rewriting(lease)
            time.sleep(0.02)

    def note(self, actor: str, action: str, subject: str, sightings: int, detail: str = "") -> None:
        """See RetentionStore."""
        fields = {
            "at_ns": self.now_ns(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "sightings": sightings,
            "detail": detail,
        }
        self._redis.call(lambda client: client.xadd(self.keys.audit, fields))

    def audit_log(self, after: str = "0-0", count: int = 1000) -> list[AuditEntry]:
        """See RetentionStore."""
        oldest = f"({check_position(after)}"
        found = self._redis.call(lambda client: client.xrange(self.keys.audit, min=oldest, count=count))
        return [_audit_entry(entry_id.decode(), fields) for entry_id, fields in found]

    def audit_newest(self, before: str = "", count: int = 100) -> list[AuditEntry]:
        """See RetentionStore."""
        newest = f"({check_position(before)}" if before else "+"
        found = self._redis.call(lambda client: client.xrevrange(self.keys.audit, max=newest, count=count))
        return [_audit_entry(entry_id.decode(), fields) for entry_id, fields in found]

    def about(self) -> dict[str, str]:
        """See RetentionStore."""

        def ask(client: Any) -> dict[str, Any]:
            said: dict[str, Any] = client.info()
            return said

        said = self._redis.call(ask)
        found = {"server": _server(said), "memory": f"{int(said.get('used_memory', 0)) / 1e6:.0f} MB"}
        if not said.get("aof_enabled"):
            return found | {"writes": "not on disk before their reply: appendonly is off"}
        try:
            policy = self._redis.call(lambda client: client.config_get("appendfsync"))
        except StoreUnavailable:  # a server of somebody else's may not tell
            return found | {"writes": "logged to disk; the server does not say when"}
        fsync = {_text(name): _text(value) for name, value in policy.items()}.get("appendfsync", "unknown")
        words = {"always": "on disk before their reply", "everysec": "on disk within a second"}
        return found | {"writes": words.get(fsync, "on disk when the system likes"), "appendfsync": fsync}


def _server(said: Mapping[str, Any]) -> str:
    """Name and version of a server; what is compatible calls itself by its own name."""
    name = str(said.get("server_name") or "redis")
    return f"{name} {said.get(f'{name}_version') or said.get('redis_version', '')}".strip()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _range(key: str, offset: int, client: Any) -> list[bytes]:
    found: list[bytes] = client.zrange(key, offset, offset + _PAGE - 1)
    return found


def _bounds_us(before_ns: int, enrolled_before_ns: int | None) -> tuple[int, int]:
    return before_ns // 1000, -1 if enrolled_before_ns is None else enrolled_before_ns // 1000


def _purge(sighting_id: str, fields: dict[bytes, bytes]) -> Purge:
    waits = sorted(name.removeprefix(_WAIT).decode() for name in fields if name.startswith(_WAIT))
    return Purge(
        sighting_id,
        int(fields[b"at_ns"]),
        cast(Cause, fields[b"op"].decode()),
        fields[b"actor"].decode(),
        fields[b"identity_id"].decode(),
        tuple(json.loads(fields[b"crop_keys"])),
        tuple(waits),
    )


def _audit_entry(entry_id: str, fields: dict[bytes, bytes]) -> AuditEntry:
    text = {name.decode(): value.decode() for name, value in fields.items()}
    return AuditEntry(
        entry_id,
        int(text["at_ns"]),
        text["actor"],
        text["action"],
        text["subject"],
        int(text["sightings"]),
        text.get("detail", ""),
    )

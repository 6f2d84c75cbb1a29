"""Corrections in Redis: looks which keys one needs and calls the script that makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.errors import StoreUnavailable
from services.identity.codec import decode_event, dumps
from services.identity.corrections.contract import Amendment, Correction, Corrections, absorbed_through, refusal
from services.identity.keys import ASSOCIATOR_LEASE, Keys
from services.identity.records import Event, is_event_id
from services.identity.redis_client import Connection, named

_TRIES = 50


class RedisCorrections(Corrections):
    """CorrectingStore over one site; the store that inherits it brings connection, keys and reads."""

    _redis: Connection
    keys: Keys
    resolve: Callable[[str], str | None]
    _resolve_all: Callable[[set[str]], dict[str, str | None]]
    _rows: Callable[..., list[list[bytes | None]]]
    _with_owners: Callable[[set[str], list[str]], list[str]]

    def get_event(self, event_id: str) -> Event | None:
        """See CorrectingStore."""
        if not is_event_id(event_id):
            return None
        found = self._redis.call(lambda client: client.xrange(self.keys.events, event_id, event_id))
        for entry_id, fields in found:
            return decode_event(entry_id.decode(), named(fields))
        return None

    def corrected_identities(self) -> frozenset[str]:
        """See CorrectingStore."""
        names = self._redis.call(lambda client: client.smembers(self.keys.corrected))
        return frozenset(name.decode() for name in names)

    def _amend(self, amendment: Amendment) -> Correction:
        a = amendment
        document: dict[str, Any] = {
            "change_id": a.change_id,
            "action": a.action,
            "actor": a.actor,
            "reason": a.reason,
            "undoes": a.undoes,
            "one": a.one,
            "other": a.other,
            "status": a.status,
            "enrolled": "1" if a.enrolled else "",
            "moved": list(a.sighting_ids),
            "former": dict(zip(a.sighting_ids, a.former_ids, strict=False)),
        }
        for _ in range(_TRIES):
            sightings = self._concerned(a)
            identities = self._with_owners({a.one, a.other}, sightings)
            keys = [*self.keys.fixed(ASSOCIATOR_LEASE), *(self.keys.sighting(s) for s in sightings)]
            keys += [key for identity_id in identities for key in self.keys.identity(identity_id)]
            args = [dumps(document | {"sightings": sightings, "identities": identities})]
            said, *rest = self._redis.script("amend", keys, args)
            words = [part.decode() for part in rest]
            if said == b"ok":
                return Correction(words[0], words[1])
            if said == b"refused":
                raise refusal(words[0], words[1], a)
        raise StoreUnavailable("the identities of this correction change too fast")

    def _concerned(self, amendment: Amendment) -> list[str]:
        """The sightings that a correction may move; for an unmerge all that the survivor has."""
        if amendment.action != "unmerge":
            return list(amendment.sighting_ids)
        living = self._resolve_all({amendment.one})[amendment.one]
        if living is None:
            return []
        _, members, aliases, _ = self.keys.identity(living)
        names = [member.decode() for member in self._redis.call(lambda client: client.zrange(members, 0, -1))]
        absorbed = [alias.decode() for alias in self._redis.call(lambda client: client.smembers(aliases))]
        found = self._redis.call(lambda client: client.hmget(self.keys.parents, absorbed)) if absorbed else []
        parents = {name: raw.decode() for name, raw in zip(absorbed, found, strict=True) if raw is not None}
        own = {amendment.other, *absorbed_through(amendment.other, parents)}
        rows = zip(names, self._rows(names, "identity_id"), strict=True)
        moved = set(amendment.sighting_ids)
        owned = {name for name, (raw,) in rows if raw is not None and raw.decode() in own}
        return [name for name in names if name in owned or name in moved]

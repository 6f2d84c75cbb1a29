"""Looks whether the keys of a site agree with each other: what must hold after any crash. Changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import methodcaller

from services.identity.history import all_events, believed
from services.identity.log.contract import named_in
from services.identity.log.redis import position_of
from services.identity.redis_store import RedisStore


@dataclass(slots=True)
class _Site:
    """All keys of a site that say who is whose, as they stand."""

    owner: dict[str, str] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    events: dict[str, set[str]] = field(default_factory=dict)
    living: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    timeline: set[str] = field(default_factory=set)
    corrected: set[str] = field(default_factory=set)
    alias: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def disagreements(store: RedisStore, *, history_is_whole: bool = True) -> list[str]:
    """What does not fit together, one line each; empty when all is well.

    Only for a site that nobody writes to meanwhile.

    Args:
        store: The site.
        history_is_whole: Whether `events` reaches back to the beginning, so that folding it must give what is stored.

    Raises:
        StoreUnavailable: The server does not answer.
    """
    site = _read(store)
    found = [*_memberships(site), *_alias_map(site), *_event_index(store, site)]
    if history_is_whole:
        found += _against_history(store, site)
    return found


def _read(store: RedisStore) -> _Site:
    site, keys = _Site(), store.keys
    for name in store.key_names():
        kind, _, rest = name.partition(":")
        if kind == "sighting":
            owner = store.read(methodcaller("hget", keys.sighting(rest), "identity_id"))
            site.owner[rest] = "" if owner is None else owner.decode()
        elif kind == "identity" and rest.endswith(":sightings"):
            names = store.read(methodcaller("zrange", keys.prefix + name, 0, -1))
            site.members[rest.removesuffix(":sightings")] = {member.decode() for member in names}
        elif kind == "identity" and rest.endswith(":aliases"):
            names = store.read(methodcaller("smembers", keys.prefix + name))
            site.aliases[rest.removesuffix(":aliases")] = {member.decode() for member in names}
        elif kind == "identity" and rest.endswith(":events"):
            names = store.read(methodcaller("zrange", keys.prefix + name, 0, -1))
            site.events[rest.removesuffix(":events")] = {position_of(member) for member in names}
        elif kind == "identity":
            site.living.add(rest)
    site.active = {m.decode() for m in store.read(methodcaller("zrange", keys.active, 0, -1))}
    site.timeline = {m.decode() for m in store.read(methodcaller("zrange", keys.timeline, 0, -1))}
    site.corrected = {m.decode() for m in store.read(methodcaller("smembers", keys.corrected))}
    for target, key in ((site.alias, keys.alias), (site.parents, keys.parents)):
        raw = store.read(methodcaller("hgetall", key))
        target.update({name.decode(): value.decode() for name, value in raw.items()})
    return site


def _memberships(site: _Site) -> Iterator[str]:
    for name, expected, got in (
        ("active", site.living, site.active),
        ("timeline", set(site.owner), site.timeline),
        ("identities with sightings", site.living, set(site.members)),
    ):
        if expected != got:
            yield f"{name}: {sorted(expected ^ got)[:5]} in one place only"
    if site.corrected - site.living:
        yield f"corrected: {sorted(site.corrected - site.living)[:5]} do not live"
    place: dict[str, str] = {}
    for identity_id, names in site.members.items():
        for sighting_id in names:
            if sighting_id in place:
                yield f"sighting {sighting_id} is of {identity_id} and of {place[sighting_id]}"
            place[sighting_id] = identity_id
    for sighting_id, given in site.owner.items():
        owner = site.alias.get(given, given)
        if owner != place.get(sighting_id, ""):
            yield f"sighting {sighting_id} says {owner or 'nobody'}, found with {place.get(sighting_id, 'nobody')}"


def _alias_map(site: _Site) -> Iterator[str]:
    for alias, survivor in site.alias.items():
        if alias in site.living:
            yield f"{alias} lives and is an alias of {survivor or 'nothing'}"
        if survivor and survivor not in site.living:
            yield f"alias {alias} leads to {survivor}, which does not live"
        if survivor and alias not in site.aliases.get(survivor, ()):
            yield f"{survivor} does not know its alias {alias}"
    for identity_id, names in site.aliases.items():
        for alias in names:
            if site.alias.get(alias) != identity_id:
                yield f"{identity_id} claims {alias}, which is of {site.alias.get(alias, 'itself')}"
            if alias not in site.parents:
                yield f"nobody knows who absorbed {alias}"


def _event_index(store: RedisStore, site: _Site) -> Iterator[str]:
    told: dict[str, set[str]] = defaultdict(set)
    for event in all_events(store):
        for identity_id in named_in(event.payload):
            told[identity_id].add(event.event_id)
    for identity_id in told.keys() | site.events.keys():
        amiss = told.get(identity_id, set()) ^ site.events.get(identity_id, set())
        if amiss:
            yield f"events of {identity_id}: {sorted(amiss)[:5]} in its index or in the log only"


def _against_history(store: RedisStore, site: _Site) -> Iterator[str]:
    belief = believed(all_events(store))
    for sighting_id, given in site.owner.items():
        told = belief.labels.get(sighting_id)
        folded = None if told is None else belief.resolve(told)
        stored = (site.alias.get(given, given) or None) if given else None
        if folded != stored:
            yield f"sighting {sighting_id} is of {stored}, its history says {folded}"
    for sighting_id in belief.labels.keys() - site.owner.keys():
        yield f"sighting {sighting_id} is gone, its history does not say so"

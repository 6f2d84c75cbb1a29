"""Checks of the identity store: does it keep what it acknowledges, does its clock agree, is anything kept too long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.cli.doctor.check import Finding, Status
from services.config import VreidConfig
from services.errors import StoreUnavailable
from services.identity.embedded import EmbeddedServer, server_version
from services.identity.redis_store import RedisStore
from services.identity.retention.sweep import Bounds

_OLDEST = (7, 0)
_CLOCK_WARN_S = 0.5
_CLOCK_FAIL_S = 30.0
_LATE_S = 3600.0
_LOOKED_AT = 1000
_NEARLY_FULL = 0.8
_DAY_NS = 86_400 * 1e9
#: A rate seen over less than this says little of a day.
_LEAST_DAYS = 0.25


@dataclass(frozen=True, slots=True)
class Server:
    """What a running server says of itself; ``options`` is empty where it does not tell its configuration."""

    info: Mapping[str, Any]
    options: Mapping[str, str]


def asked(store: RedisStore) -> Server:
    """Asks the server.

    Raises:
        StoreUnavailable: It does not answer.
    """
    info: Mapping[str, Any] = store.read(lambda client: client.info())
    try:
        said = store.read(lambda client: client.config_get("append*", "maxmemory*", "save"))
    except StoreUnavailable:  # managed servers refuse CONFIG
        said = {}
    return Server(info, {_text(name): _text(value) for name, value in said.items()})


def durability(config: VreidConfig, server: Server | None, complaint: str = "") -> Finding:
    """Whether what Redis acknowledges stays.

    Args:
        config: Embedded or external.
        server: What it said; None where it does not answer.
        complaint: Why not.
    """
    if server is not None:
        return judged(server)
    if config.redis.url is None:
        name, numbers = server_version(EmbeddedServer(config.data_dir, config.redis.binary).binary)
        dotted = ".".join(map(str, numbers))
        return Finding("ok", f"embedded {name} {dotted}, not running; every write will be on disk before its reply")
    return Finding("fail", complaint, "start the server, or mend redis.url")


def judged(server: Server) -> Finding:
    """The verdict on a running server."""
    info, options = server.info, server.options
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = _text(info.get("valkey_version", info.get("redis_version", "0")))
    on = bool(int(info.get("aof_enabled", 0)))
    fsync = options.get("appendfsync", "not told")
    policy = options.get("maxmemory-policy", _text(info.get("maxmemory_policy", "not told")))
    detail = f"{name} {version}, appendonly {'yes' if on else 'no'}, appendfsync {fsync}, maxmemory-policy {policy}"
    limit, used = float(info.get("maxmemory", 0)), float(info.get("used_memory", 0))
    figures = {"used_memory_bytes": used, "maxmemory_bytes": limit}
    full = limit > 0 and used > _NEARLY_FULL * limit
    rules: tuple[tuple[bool, Status, str], ...] = (
        (
            tuple(int(part) for part in version.split(".")[:2]) < _OLDEST,
            "fail",
            "use Redis 7, Valkey 8 or newer: scripts and streams need it",
        ),
        (not on, "fail", "set appendonly yes: what it acknowledges can be lost"),
        (_text(info.get("aof_last_write_status", "ok")) != "ok", "fail", "its last write failed: look at its disk"),
        (limit > 0 and policy != "noeviction", "fail", "set maxmemory-policy noeviction: it would evict identities"),
        (full, "warn", f"{used / limit if limit else 0:.0%} of maxmemory are used: raise it"),
        (policy not in ("noeviction", "not told"), "warn", "set maxmemory-policy noeviction before maxmemory is set"),
        (fsync != "always", "warn", "set appendfsync always, or the last second before a crash may be lost"),
    )
    for broken, status, advice in rules:
        if broken:
            return Finding(status, detail, advice, figures)
    return Finding("ok", detail, figures=figures)


def clocks(store: RedisStore) -> Finding:
    """How far this machine's clock is from the store's, by which retention and decisions are dated."""
    best_s, offset_s = float("inf"), 0.0
    for _ in range(3):
        sent_ns = time.time_ns()
        there_ns = store.now_ns()
        back_ns = time.time_ns()
        if (back_ns - sent_ns) / 1e9 < best_s:
            best_s, offset_s = (back_ns - sent_ns) / 1e9, (there_ns - (sent_ns + back_ns) / 2) / 1e9
    return clock_verdict(offset_s, best_s)


def clock_verdict(offset_s: float, round_trip_s: float) -> Finding:
    """The verdict on an offset that was measured within half a round trip."""
    detail = f"the store's clock is {offset_s * 1000:+.0f} ms from this machine's (± {round_trip_s * 500:.0f} ms)"
    figures = {"offset_s": offset_s, "round_trip_s": round_trip_s}
    beyond_s = max(0.0, abs(offset_s) - round_trip_s / 2)
    if beyond_s > _CLOCK_FAIL_S:
        return Finding(
            "fail", detail, "synchronise both by NTP: times of sightings and retention would be wrong", figures
        )
    if beyond_s > _CLOCK_WARN_S:
        return Finding("warn", detail, "synchronise both by NTP", figures)
    return Finding("ok", detail, figures=figures)


def retention(config: VreidConfig, store: RedisStore) -> Finding:
    """Whether anything is past its time and still there."""
    settings = config.retention
    bounds = Bounds.at(store.now_ns(), settings)
    overdue = store.overdue(bounds.sightings_before_ns, bounds.enrolled_before_ns, limit=_LOOKED_AT)
    held = len(store.purges(limit=_LOOKED_AT))
    late_s = max((each.late_ns / 1e9 for each in overdue), default=0.0)
    figures = {"overdue": float(len(overdue)), "overdue_s": late_s, "unacknowledged": float(held)}
    kept = f"sightings are kept {settings.sighting_retention_s / 86_400:g} days"
    if late_s > _LATE_S:
        detail = f"{kept}; {len(overdue)} are past their time, the latest by {late_s / 3600:.0f} h"
        return Finding("fail", detail, "start the matcher, which sweeps; then: vreid audit retention", figures)
    if held:
        return Finding(
            "warn", f"{kept}; {held} deleted are still held somewhere", "see: vreid audit retention", figures
        )
    return Finding("ok", f"{kept}; nothing is overdue", figures=figures)


def seen_per_camera_day(store: RedisStore, cameras: int) -> float | None:
    """Sightings of a camera in a day as kept now; None where too little was seen to say."""
    timeline = store.keys.timeline
    count = int(store.read(lambda client: client.zcard(timeline)))
    if not count or not cameras:
        return None
    first = store.read(lambda client: client.zrange(timeline, 0, 0, withscores=True))[0][1]
    last = store.read(lambda client: client.zrange(timeline, -1, -1, withscores=True))[0][1]
    days = (last - first) * 1000 / _DAY_NS
    return count / days / cameras if days >= _LEAST_DAYS else None


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

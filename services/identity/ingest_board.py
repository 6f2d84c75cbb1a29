"""What ingest processes of a site share beside sightings: who is there, and cameras added or removed at run time.

===========================  ======  ===================================================================================
key                          type    what it holds
===========================  ======  ===================================================================================
``ingest:<group>:members``   zset    owners of a group's running processes by the end of their time (µs of
                                     the store's clock); whoever is past it is gone
``ingest:cameras``           hash    camera id -> its settings as JSON, without secrets, or "" for one that was removed
                                     although the configuration names it
===========================  ======  ===================================================================================
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from services.identity.embedded import EmbeddedServer
from services.identity.keys import Keys
from services.identity.redis_client import Connection, connect
from services.identity.settings import RedisSettings


class IngestBoard(Protocol):
    """Shared by the processes of a site. Every method raises StoreUnavailable when the server does not answer."""

    def join(self, group: str, owner: str, ttl_s: float) -> int:
        """Says that a process is there for ``ttl_s`` from now; returns how many of its group are, itself included."""
        ...

    def leave(self, group: str, owner: str) -> None:
        """Says that a process is gone; does nothing when it was."""
        ...

    def cameras(self) -> Mapping[str, str]:
        """Settings as JSON by id of the cameras added at run time, "" for those removed."""
        ...

    def set_camera(self, camera_id: str, settings: str) -> None:
        """Adds or replaces a camera; "" removes one that the configuration names."""
        ...

    def unset_camera(self, camera_id: str) -> None:
        """Forgets what was added or removed at run time; what the configuration says holds again."""
        ...

    def clear_record(self, camera_id: str) -> None:
        """Removes the state of a camera that is no more, so that lists no longer show it."""
        ...


class RedisIngestBoard:
    """IngestBoard on one site of a Redis-compatible server. Safe for threads."""

    def __init__(self, connection: Connection, site: str) -> None:
        self._redis = connection
        self._keys = Keys(site)
        self._cameras = f"{self._keys.prefix}ingest:cameras"

    def close(self) -> None:
        """Closes the connections."""
        self._redis.call(lambda client: client.close())

    def join(self, group: str, owner: str, ttl_s: float) -> int:
        """See IngestBoard."""
        now_us = self._redis.now_us()
        key = self._members(group)

        def fill(pipe: Any) -> None:
            pipe.zremrangebyscore(key, "-inf", now_us)
            pipe.zadd(key, {owner: now_us + round(ttl_s * 1e6)})
            pipe.pexpire(key, round(ttl_s * 4000))
            pipe.zcard(key)

        return int(self._redis.pipeline(fill, atomic=True)[-1])

    def leave(self, group: str, owner: str) -> None:
        """See IngestBoard."""
        self._redis.call(lambda client: client.zrem(self._members(group), owner))

    def cameras(self) -> Mapping[str, str]:
        """See IngestBoard."""
        found = self._redis.call(lambda client: client.hgetall(self._cameras))
        return {name.decode(): value.decode() for name, value in found.items()}

    def set_camera(self, camera_id: str, settings: str) -> None:
        """See IngestBoard."""
        self._redis.call(lambda client: client.hset(self._cameras, camera_id, settings))

    def unset_camera(self, camera_id: str) -> None:
        """See IngestBoard."""
        self._redis.call(lambda client: client.hdel(self._cameras, camera_id))

    def clear_record(self, camera_id: str) -> None:
        """See IngestBoard."""

        def fill(pipe: Any) -> None:
            pipe.srem(self._keys.cameras, camera_id).delete(self._keys.camera(camera_id))

        self._redis.pipeline(fill, atomic=True)

    def _members(self, group: str) -> str:
        return f"{self._keys.prefix}ingest:{group}:members"


class MemoryIngestBoard:
    """IngestBoard in one process, for tests and tools."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._members: dict[str, dict[str, float]] = {}
        self._cameras: dict[str, str] = {}

    def join(self, group: str, owner: str, ttl_s: float) -> int:
        """See IngestBoard."""
        now_s = self._monotonic_s()
        with self._lock:
            living = {name: end_s for name, end_s in self._members.get(group, {}).items() if end_s > now_s}
            self._members[group] = living | {owner: now_s + ttl_s}
            return len(self._members[group])

    def leave(self, group: str, owner: str) -> None:
        """See IngestBoard."""
        with self._lock:
            self._members.get(group, {}).pop(owner, None)

    def cameras(self) -> Mapping[str, str]:
        """See IngestBoard."""
        with self._lock:
            return dict(self._cameras)

    def set_camera(self, camera_id: str, settings: str) -> None:
        """See IngestBoard."""
        with self._lock:
            self._cameras[camera_id] = settings

    def unset_camera(self, camera_id: str) -> None:
        """See IngestBoard."""
        with self._lock:
            self._cameras.pop(camera_id, None)

    def clear_record(self, camera_id: str) -> None:
        """See IngestBoard: records in memory end with their process."""


def open_board(settings: RedisSettings, data_dir: Path, site: str) -> RedisIngestBoard:
    """The board of a site; connects on first use.

    Raises:
        ConfigError: No external server is configured and there is no bundled one for this machine.
    """
    url = settings.url or EmbeddedServer(data_dir, settings.binary).url
    return RedisIngestBoard(Connection(connect(url, settings)), site)

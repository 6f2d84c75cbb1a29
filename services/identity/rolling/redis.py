"""The part of the Redis store that knows models: calls the scripts that write second vectors and change stages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

from services.identity.codec import check_id, encode_beside, validate_vectors
from services.identity.keys import ASSOCIATOR_LEASE, Keys
from services.identity.redis_client import Connection, named
from services.identity.rolling.contract import (
    FORGET_OPENER_NS,
    STARTS_FROM,
    Action,
    Described,
    ModelRef,
    Opener,
    Roll,
    Stage,
    check_step,
    refusal,
)
from services.types import ModelVectors
from tracker.multi_camera.scoring.camera_means import LINK_PREFIX

_PAGE = 500


class RedisRolling:
    """RollingStore over one site; the store that inherits it brings connection and keys."""

    _redis: Connection
    keys: Keys
    _rows: Callable[..., list[list[bytes | None]]]

    def roll(self) -> Roll:
        """See RollingStore."""
        found = named(self._redis.call(lambda client: client.hgetall(self.keys.roll)))
        if not found:
            return Roll()
        return Roll(
            cast(Stage, found["stage"].decode()),
            _ref(found, "active"),
            _ref(found, "other"),
            int(found.get("started_at_ns", b"0")),
            int(found["changed_at_ns"]),
        )

    def step_roll(self, action: Action, before: ModelRef, other: ModelRef, actor: str) -> str:
        """See RollingStore."""
        check_step(action, before, other)
        keys = [*self.keys.fixed(ASSOCIATOR_LEASE), self.keys.means(before.model_id), self.keys.means(other.model_id)]
        models = [before.model_id, before.name, other.model_id, other.name]
        said = self._redis.script("roll", keys, [action, actor, *models, LINK_PREFIX, *STARTS_FROM[action]])
        if not said:
            raise refusal(action, self.roll())
        return cast(bytes, said).decode()

    def put_beside(self, sighting_id: str, revision: int, vectors: ModelVectors) -> bool:
        """See RollingStore."""
        validate_vectors(vectors)
        fields = encode_beside(vectors)
        keys = [*self.keys.fixed(), self.keys.sighting(sighting_id)]
        args = [sighting_id, revision, *fields.values()]
        return bool(self._redis.script("put_beside", keys, args) == b"ok")

    def settle_vectors(self, sighting_ids: Sequence[str]) -> None:
        """See RollingStore."""
        for start in range(0, len(sighting_ids), _PAGE):
            page = [self.keys.sighting(sighting_id) for sighting_id in sighting_ids[start : start + _PAGE]]
            self._redis.script("settle_vectors", [*self.keys.fixed(), *page], [])

    def scan_described(self) -> Iterator[Described]:
        """See RollingStore."""
        newest, seen = -1, set[str]()
        while found := self._redis.call(partial(_older, self.keys.timeline, newest)):
            newest += len(found)
            page = [n for member in found if (n := member.decode()) not in seen]
            seen.update(page)
            rows = self._rows(page, "revision", "model_id", "beside_model_id", "crop_keys", "identity_id")
            for sighting_id, (revision, model_id, beside, crops, identity_id) in zip(page, rows, strict=True):
                if revision is not None and model_id is not None:
                    models = tuple(raw.decode() for raw in (model_id, beside) if raw)
                    keys = tuple(json.loads(crops or b"[]"))
                    yield Described(sighting_id, int(revision), models, keys, (identity_id or b"").decode())

    def say_open(self, name: str, model_ids: Sequence[str]) -> None:
        """See RollingStore."""
        now_ns = self._redis.now_us() * 1000
        gone = [o.name for o in self.openers() if now_ns - o.said_at_ns > FORGET_OPENER_NS]
        gone += [] if model_ids else [check_id("opener", name)]
        if gone:
            self._redis.call(lambda client: client.hdel(self.keys.openers, *gone))
        if model_ids:
            said = " ".join((str(now_ns), *model_ids))
            self._redis.call(lambda client: client.hset(self.keys.openers, check_id("opener", name), said))

    def openers(self) -> list[Opener]:
        """See RollingStore."""
        found = named(self._redis.call(lambda client: client.hgetall(self.keys.openers)))
        rows = sorted((name, said.decode().split(" ")) for name, said in found.items())
        return [Opener(name, tuple(models), int(at_ns)) for name, (at_ns, *models) in rows]


def _older(timeline: str, newest: int, client: Any) -> list[bytes]:
    found: list[bytes] = client.zrevrange(timeline, newest + 1, newest + _PAGE)
    return found


def _ref(fields: dict[str, bytes], which: str) -> ModelRef | None:
    model_id = fields.get(f"{which}_id", b"").decode()
    return ModelRef(model_id, fields[f"{which}_name"].decode()) if model_id else None

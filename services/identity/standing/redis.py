"""Standing queries in Redis: reads, and the calls of the scripts that change them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.identity.keys import Keys
from services.identity.redis_client import Connection
from services.identity.standing.contract import (
    MAX_ALERTS,
    AlertRecord,
    StandingRecord,
    check_standing,
    decode_alert,
    decode_standing,
    encode_alert,
    encode_standing,
    no_standing,
)


class RedisStanding:
    """StandingStore over one site; the store that inherits it brings connection and keys."""

    _redis: Connection
    keys: Keys
    now_ns: Callable[[], int]

    def put_standing(self, record: StandingRecord, actor: str) -> None:
        """See StandingStore."""
        self._put_standing(record, actor, known=False)

    def change_standing(self, record: StandingRecord, actor: str) -> None:
        """See StandingStore."""
        if not self._put_standing(record, actor, known=True):
            raise no_standing(record.standing_id)

    def _put_standing(self, record: StandingRecord, actor: str, *, known: bool) -> bool:
        text = encode_standing(check_standing(record))
        args = [record.standing_id, text, actor, int(known)]
        return bool(self._redis.script("standing_put", self.keys.fixed(), args))

    def standing(self) -> list[StandingRecord]:
        """See StandingStore."""
        found = self._redis.call(lambda client: client.hvals(self.keys.standing))
        return sorted((decode_standing(text) for text in found), key=lambda r: (r.created_ns, r.standing_id))

    def delete_standing(self, standing_id: str, actor: str) -> None:
        """See StandingStore."""
        if not self._redis.script("standing_delete", self.keys.fixed(), [standing_id, actor]):
            raise no_standing(standing_id)

    def add_alerts(self, alerts: Sequence[AlertRecord], position: str) -> int:
        """See StandingStore."""
        keys = [*self.keys.fixed(), self.keys.standing_position, *(self.keys.sighting(a.sighting_id) for a in alerts)]
        args: list[Any] = [position, MAX_ALERTS]
        for alert in alerts:
            args += [alert.standing_id, alert.alert_id, alert.raised_ns // 1000, encode_alert(alert)]
        return int(self._redis.script("alerts_add", keys, args))

    def standing_position(self) -> str:
        """See StandingStore."""
        position = self._redis.call(lambda client: client.get(self.keys.standing_position))
        return "" if position is None else str(position.decode())

    def alerts(self, limit: int = 100, offset: int = 0, *, open_only: bool = False) -> tuple[list[AlertRecord], int]:
        """See StandingStore."""
        key = self.keys.alerts_open if open_only else self.keys.alerts_newest

        def page(pipe: Any) -> None:
            pipe.zrevrange(key, offset, offset + limit - 1).zcard(key)

        names, total = self._redis.pipeline(page, atomic=True)
        if limit <= 0 or not names:
            return [], int(total)

        def bodies(pipe: Any) -> None:
            pipe.hmget(self.keys.alerts, names).hmget(self.keys.alerts_acknowledged, names)

        found, said = self._redis.pipeline(bodies, atomic=True)
        return [
            decode_alert(text, "" if taken is None else taken.decode())
            for text, taken in zip(found, said, strict=True)
            if text is not None
        ], int(total)

    def acknowledge_alerts(self, alert_ids: Sequence[str], actor: str) -> int:
        """See StandingStore."""
        return int(self._redis.script("alerts_acknowledge", self.keys.fixed(), [actor, *alert_ids]))

"""Standing queries in the store in memory: the same rules as the scripts, in Python."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.identity.memory_state import MemoryState
from services.identity.standing.contract import (
    MAX_ALERTS,
    AlertRecord,
    StandingRecord,
    check_standing,
    decode_standing,
    encode_standing,
    no_standing,
)


class MemoryStanding:
    """StandingStore in memory; the store that inherits it brings state and lock."""

    _state: MemoryState
    _changed: threading.Condition
    _clock_ns: Callable[[], int]

    def put_standing(self, record: StandingRecord, actor: str) -> None:
        """See StandingStore."""
        text = encode_standing(check_standing(record))
        with self._changed:
            known = record.standing_id in self._state.standing
            self._state.standing[record.standing_id] = decode_standing(text)
            self._state.note(actor, "change_standing" if known else "create_standing", record.standing_id, 0)

    def change_standing(self, record: StandingRecord, actor: str) -> None:
        """See StandingStore."""
        with self._changed:
            if check_standing(record).standing_id not in self._state.standing:
                raise no_standing(record.standing_id)
            self.put_standing(record, actor)

    def standing(self) -> list[StandingRecord]:
        """See StandingStore."""
        with self._changed:
            return sorted(self._state.standing.values(), key=lambda r: (r.created_ns, r.standing_id))

    def delete_standing(self, standing_id: str, actor: str) -> None:
        """See StandingStore."""
        with self._changed:
            if standing_id not in self._state.standing:
                raise no_standing(standing_id)
            del self._state.standing[standing_id]
            for name in [name for name, alert in self._state.alerts.items() if alert.standing_id == standing_id]:
                del self._state.alerts[name]
            self._state.note(actor, "delete_standing", standing_id, 0)

    def add_alerts(self, alerts: Sequence[AlertRecord], position: str) -> int:
        """See StandingStore."""
        state, added = self._state, 0
        with self._changed:
            for alert in alerts:
                known = alert.standing_id in state.standing and alert.sighting_id in state.rows
                if known and alert.alert_id not in state.alerts:
                    state.alerts[alert.alert_id] = alert
                    added += 1
            for alert in self._newest()[MAX_ALERTS:]:
                del state.alerts[alert.alert_id]
            state.standing_position = position
        return added

    def standing_position(self) -> str:
        """See StandingStore."""
        with self._changed:
            return self._state.standing_position

    def alerts(self, limit: int = 100, offset: int = 0, *, open_only: bool = False) -> tuple[list[AlertRecord], int]:
        """See StandingStore."""
        with self._changed:
            found = [alert for alert in self._newest() if not (open_only and alert.acknowledged_by)]
            return found[offset : offset + limit], len(found)

    def acknowledge_alerts(self, alert_ids: Sequence[str], actor: str) -> int:
        """See StandingStore."""
        state, done = self._state, 0
        with self._changed:
            for name in alert_ids:
                alert = state.alerts.get(name)
                if alert is not None and not alert.acknowledged_by:
                    now_ns = self._clock_ns() // 1000 * 1000
                    state.alerts[name] = replace(alert, acknowledged_by=actor, acknowledged_ns=now_ns)
                    done += 1
            if done:
                state.note(actor, "acknowledge_alerts", alert_ids[0], done)
        return done

    def _newest(self) -> list[AlertRecord]:
        return sorted(self._state.alerts.values(), key=lambda a: (a.raised_ns // 1000, a.alert_id), reverse=True)

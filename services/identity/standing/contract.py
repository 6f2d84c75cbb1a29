"""What a store keeps of standing queries: what is looked for, what was raised, who has acknowledged it.

Owns the records and how they look as text; never compares a vector and never tells anybody.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

from services.errors import NotFound
from services.identity.codec import check_id, dumps

#: Alerts kept; the oldest go first.
MAX_ALERTS = 10_000
#: Longest name of a standing query, in characters, and largest picture of it, in bytes.
MAX_NAME, MAX_PICTURE = 80, 64 * 1024


@dataclass(frozen=True, slots=True)
class StandingProbe:
    """One view of what is looked for.

    Attributes:
        kind: "vector": a picture's vector. "sighting", "identity": whatever the gallery holds of it at that moment.
        value: The id; of a vector its little-endian float32 bytes as base64.
        model_id: Of a vector, the model that made it.
    """

    kind: Literal["vector", "sighting", "identity"]
    value: str
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """A standing query that lives on without a listener.

    Attributes:
        standing_id: Its id.
        name: What people call it.
        probes: Views of the vehicle; at least one.
        min_probability: From which a sighting raises an alert, in (0, 1].
        created_ns: UTC nanoseconds.
        created_by: Who asked for it.
        active: False while it is paused.
        since_ns: What happened before raises nothing: when it was made, or went on after a pause.
        camera_ids: Only these cameras; none for all.
        classes: Only these most probable classes, by name.
        colours: Only these most probable colours.
        picture: A small JPEG of what is looked for; empty where there is none.
    """

    standing_id: str
    name: str
    probes: tuple[StandingProbe, ...]
    min_probability: float
    created_ns: int
    created_by: str
    active: bool = True
    since_ns: int = 0
    camera_ids: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    picture: bytes = b""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """A sighting that a standing query was waiting for; one per query and sighting.

    Attributes:
        standing_id: The query.
        sighting_id: The sighting.
        camera_id: Where it is.
        seen_ns: When the vehicle came into view, UTC nanoseconds.
        raised_ns: When the alert was raised.
        similarity: In [-1, 1].
        probability: In [0, 1].
        acknowledged_by: Who took note; empty while nobody has.
        acknowledged_ns: When; 0 while nobody has.
    """

    standing_id: str
    sighting_id: str
    camera_id: str
    seen_ns: int
    raised_ns: int
    similarity: float
    probability: float
    acknowledged_by: str = ""
    acknowledged_ns: int = 0

    @property
    def alert_id(self) -> str:
        """Its id; the same alert raised twice is one."""
        return alert_id(self.standing_id, self.sighting_id)


class StandingStore(Protocol):
    """The part of the identity store that keeps standing queries. Every method raises StoreUnavailable as the others.

    An alert goes with its sighting, however that goes, and with its query.
    """

    def put_standing(self, record: StandingRecord, actor: str) -> None:
        """Stores a standing query, or replaces what is stored of it; audited.

        Raises:
            ValueError: An id, the name, the picture or the probability is out of bounds.
        """
        ...

    def change_standing(self, record: StandingRecord, actor: str) -> None:
        """Replaces what is stored of a standing query; audited. One that was removed meanwhile stays so.

        Raises:
            NotFound: It is not stored.
            ValueError: See ``put_standing``.
        """
        ...

    def standing(self) -> list[StandingRecord]:
        """All standing queries, oldest first."""
        ...

    def delete_standing(self, standing_id: str, actor: str) -> None:
        """Removes one with its alerts; audited. Raises NotFound."""
        ...

    def add_alerts(self, alerts: Sequence[AlertRecord], position: str) -> int:
        """Adds those that are new, and says that `events` was read up to a position, in one step; returns how many.

        An alert whose query or sighting is gone is not added; of more than MAX_ALERTS the oldest go.
        """
        ...

    def standing_position(self) -> str:
        """Up to where `events` was read for standing queries; empty when it never was."""
        ...

    def alerts(self, limit: int = 100, offset: int = 0, *, open_only: bool = False) -> tuple[list[AlertRecord], int]:
        """A page of alerts, raised last first, and how many there are in all."""
        ...

    def acknowledge_alerts(self, alert_ids: Sequence[str], actor: str) -> int:
        """Takes note of alerts; returns how many nobody had taken note of. Audited where there was one."""
        ...


def no_standing(standing_id: str) -> NotFound:
    """What is raised where there is none of an id."""
    return NotFound(f"standing_id: no standing query {standing_id[:64]}")


def alert_id(standing_id: str, sighting_id: str) -> str:
    """The id of an alert."""
    return f"{standing_id}:{sighting_id}"


def check_standing(record: StandingRecord) -> StandingRecord:
    """The record.

    Raises:
        ValueError: An id, the name, the picture or the probability is out of bounds.
    """
    if ":" in check_id("standing_id", record.standing_id):
        raise ValueError(f"standing_id must not hold a colon, got {record.standing_id!r}")
    if not 1 <= len(record.name) <= MAX_NAME or not record.name.isprintable():
        raise ValueError(f"name must be one line of 1 to {MAX_NAME} characters, got {len(record.name)}")
    if not record.probes or not 0 < record.min_probability <= 1 or len(record.picture) > MAX_PICTURE:
        raise ValueError(f"standing query {record.standing_id}: no probe, no probability, or too large a picture")
    return record


def encode_standing(record: StandingRecord) -> str:
    """A standing query as text."""
    return dumps(asdict(record) | {"picture": base64.b64encode(record.picture).decode()})


def decode_standing(text: str | bytes) -> StandingRecord:
    """A standing query from text."""
    said: dict[str, Any] = json.loads(text)
    probes = tuple(StandingProbe(**probe) for probe in said.pop("probes"))
    said |= {name: tuple(said[name]) for name in ("camera_ids", "classes", "colours")}
    picture = base64.b64decode(said.pop("picture"))
    return StandingRecord(**said, probes=probes, picture=picture)


def encode_alert(alert: AlertRecord) -> str:
    """An alert as text, without who took note of it."""
    return dumps(asdict(replace(alert, acknowledged_by="", acknowledged_ns=0)))


def decode_alert(text: str | bytes, acknowledged: str = "") -> AlertRecord:
    """An alert from text, and from when and by whom it was acknowledged: "<ns> <actor>"."""
    alert = AlertRecord(**json.loads(text))
    at_ns, _, actor = acknowledged.partition(" ")
    return replace(alert, acknowledged_by=actor, acknowledged_ns=int(at_ns)) if at_ns else alert

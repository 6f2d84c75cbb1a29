"""Owns what was believed when: the label of every tracklet as published some seconds after it closed. Never scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

LATENCIES_S: tuple[float, ...] = (0.0, 2.0, 10.0, math.inf)


@dataclass(frozen=True, slots=True)
class Labelled:
    """From ``t_ns`` on the sighting carries this identity (a decision, its revision, or a split)."""

    t_ns: int
    sighting_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class Aliased:
    """From ``t_ns`` on ``absorbed_id`` reads as ``survivor_id``; None takes the alias back (an undone merge)."""

    t_ns: int
    absorbed_id: str
    survivor_id: str | None


LabelEvent = Labelled | Aliased


@dataclass(frozen=True, slots=True)
class LabelHistory:
    """Everything that was published, in the order of publication where times are equal."""

    events: tuple[LabelEvent, ...]


def labels_at(closed_at_ns: Mapping[str, int], history: LabelHistory, latency_s: float) -> dict[str, str]:
    """The identity each sighting had ``latency_s`` after its tracklet closed, aliases as known at that moment.

    Args:
        closed_at_ns: When each sighting's tracklet closed, nanoseconds, on the clock of the events.
        history: Labels, merges and splits with the time of their publication.
        latency_s: Seconds after closing, >= 0; ``math.inf`` asks for the end.

    Returns:
        Identity by sighting. Sightings without a label by then are left out: nothing had been published.

    Raises:
        ValueError: ``latency_s`` is negative or no number, or aliases lead in a circle.

    >>> history = LabelHistory((Labelled(0, "s", "a"), Aliased(5 * 10**9, "a", "b")))
    >>> labels_at({"s": 0}, history, 2.0), labels_at({"s": 0}, history, 10.0)
    ({'s': 'a'}, {'s': 'b'})
    """
    if not latency_s >= 0:
        raise ValueError(f"latency_s must be >= 0, got {latency_s}")
    delay_ns = math.inf if math.isinf(latency_s) else round(latency_s * 1e9)
    events = sorted(history.events, key=lambda event: event.t_ns)
    current: dict[str, str] = {}
    alias: dict[str, str] = {}
    result: dict[str, str] = {}
    done = 0
    for sighting_id, closed_ns in sorted(closed_at_ns.items(), key=lambda item: item[1]):
        while done < len(events) and events[done].t_ns <= closed_ns + delay_ns:
            _apply(events[done], current, alias)
            done += 1
        if sighting_id in current:
            result[sighting_id] = _resolve(current[sighting_id], alias)
    return {sighting_id: result[sighting_id] for sighting_id in closed_at_ns if sighting_id in result}


def _apply(event: LabelEvent, current: dict[str, str], alias: dict[str, str]) -> None:
    if isinstance(event, Labelled):
        current[event.sighting_id] = event.identity_id
    elif event.survivor_id is None:
        alias.pop(event.absorbed_id, None)
    else:
        alias[event.absorbed_id] = event.survivor_id


def _resolve(identity_id: str, alias: Mapping[str, str]) -> str:
    name = identity_id
    for _ in range(len(alias) + 1):
        if name not in alias:
            return name
        name = alias[name]
    raise ValueError(f"aliases of identity {identity_id} lead in a circle")

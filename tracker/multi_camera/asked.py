"""The note of sightings that were decided but not learned from yet. Owns its text; learns nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tracker.multi_camera.types import Observation

#: Name of the learned state that holds the note.
ASKED = "asked"


def to_state(arrived: Iterable[Observation], closed: Iterable[Observation]) -> str:
    """The note, as JSON text."""
    names = {"arrived": [o.sighting_id for o in arrived], "closed": [o.sighting_id for o in closed]}
    return json.dumps({"kind": ASKED, **names})


def from_state(text: str) -> tuple[list[str], list[str]]:
    """Ids of sightings that arrived and of those that closed.

    Raises:
        ValueError: The text is no note.
    """
    try:
        state = json.loads(text)
        return [str(s) for s in state["arrived"]], [str(s) for s in state["closed"]]
    except (ValueError, KeyError, TypeError) as exc:
        raise ValueError(f"what is left to learn cannot be read: {exc}") from exc

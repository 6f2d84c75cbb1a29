"""Events taken in runs leave the gallery as events taken one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.types import Calibration, EmbedderSpec
from services.identity.records import Event
from services.matcher.index.brute_force import BruteForceIndex
from services.matcher.state import GalleryState
from services.types import Sighting
from tracker.types import TrackKey

DIM = 4
NAMES = ("s1", "s2", "s3", "s4")
OWNERS = ("a", "b")


def sighting(name: str, revision: int) -> Sighting:
    vector = np.zeros(DIM, np.float32)
    vector[(revision + NAMES.index(name)) % DIM] = 1
    none = np.zeros(0, np.int64)
    return Sighting(
        name, revision, True, (TrackKey("c", "x", 1),), "c", 0, revision, none, none, np.zeros((0, 4), np.float32),
        np.full(4, 0.25, np.float32), {}, vector, np.zeros((0, DIM), np.float32), 0.5, "m",
    )  # fmt: skip


kinds = st.one_of(
    st.tuples(st.just("sighting.put"), st.sampled_from(NAMES)),
    st.tuples(st.just("sighting.embedded"), st.sampled_from(NAMES)),
    st.tuples(st.just("sighting.deleted"), st.sampled_from(NAMES)),
    st.tuples(st.just("sighting.decided"), st.sampled_from(NAMES), st.sampled_from(OWNERS)),
    st.tuples(st.just("identity.deleted"), st.sampled_from(OWNERS)),
)


def events(steps: list[tuple[str, ...]]) -> list[Event]:
    """A log as a store could have written it: what is decided on is there."""
    made: list[Event] = []
    there: dict[str, str] = {}
    for number, (kind, name, *owner) in enumerate(steps, 1):
        payload: dict[str, object] = {"identity_id": name} if kind.startswith("identity") else {"sighting_id": name}
        match kind:
            case "sighting.put":
                there.setdefault(name, "")
            case "sighting.deleted":
                there.pop(name, None)
            case "identity.deleted":
                there = {held: by for held, by in there.items() if by != name}
            case _ if name not in there:
                continue
            case "sighting.embedded":
                pass
            case _:
                there[name] = owner[0]
                payload |= {"identity_id": owner[0], "status": "matched"}
        made.append(Event(f"{number}-0", kind, number, payload))
    return made


def held(state: GalleryState) -> dict[str, tuple[str, int, list[float]]]:
    found = {}
    for name in NAMES:
        row = state.table.row(name)
        if row is not None:
            told = state.table.summary(row)
            found[name] = (
                told.identity_id,
                told.revision,
                state.index.get(state.vector_ids([row], name)).ravel().tolist(),
            )
    return found


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(kinds, max_size=20), last=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 5)))
def test_runs_end_as_single_events_do(steps: list[tuple[str, ...]], last: dict[str, int]) -> None:
    newest = {name: sighting(name, last[name]) if name in last else None for name in NAMES}
    spec = EmbedderSpec("m", DIM, (8, 8), Calibration(1.0, 0.0))
    at_once, one_by_one = (GalleryState(spec, BruteForceIndex(DIM)) for _ in range(2))
    made = events(steps)
    at_once.apply(made, newest)
    for event in made:
        one_by_one.apply([event], newest)
    assert held(at_once) == held(one_by_one)
    assert len(at_once.index) == len(one_by_one.index) == len(at_once.table)

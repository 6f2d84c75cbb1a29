"""What vehicles that two cameras saw show of the cameras' clocks: one street, three cameras, two views overlap."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.clocks.encounters import Encounter
from tracker.multi_camera.clocks.learning import Clocks
from tracker.multi_camera.clocks.offsets import LEAST
from tracker.multi_camera.clocks.ring import CAPACITY

#: From where to where each camera sees the street, metres.
VIEWS = ((0.0, 40.0), (10.0, 50.0), (150.0, 190.0))
UP = (0.6, 0.8)

#: Seconds by which a camera's clock is ahead at a time.
Clock = Callable[[int, float], float]


def right(camera: int, at_s: float) -> float:
    del camera, at_s
    return 0.0


def drive(
    rng: np.random.Generator,
    vehicles: int,
    clock: Clock = right,
    *,
    every_s: float = 12.0,
    stray: float = 0.05,
    one_way: bool = False,
    wait: Callable[[int, bool, float], float] = lambda camera, up, at_s: 0.0,
) -> Iterator[tuple[float, list[Encounter]]]:
    """Vehicles one after another, each way by lot, with the time at which they come.

    Args:
        rng: Draws speeds, directions and strays.
        vehicles: How many.
        clock: What clocks show.
        every_s: From one vehicle to the next.
        stray: Share of encounters that are of two vehicles.
        one_way: All go up.
        wait: Seconds by which a vehicle that goes up or down is held before a camera.
    """
    for k in range(vehicles):
        at_s, up, speed = 1000.0 + every_s * k, one_way or rng.random() < 0.5, 12.0 * rng.lognormal(0, 0.1)
        passages = []
        held_s = 0.0
        for camera in range(3) if up else (2, 1, 0):
            held_s += wait(camera, up, at_s)
            begin, end = sorted(x if up else 200.0 - x for x in VIEWS[camera])
            seen_s = [at_s + held_s + x / speed + rng.normal(0, 0.15) for x in (begin, end)]
            passages.append((camera, tuple(t + clock(camera, at_s) for t in seen_s)))
        yield at_s, [_encounter(rng, sorted(passages), i, j, up, stray) for i, j in ((0, 1), (0, 2), (1, 2))]


def _encounter(rng, passages, i, j, up, stray):
    (one, one_s), (other, other_s) = passages[i], passages[j]
    if rng.random() < stray:
        by_s = rng.uniform(-60, 60)
        other_s = tuple(t + by_s for t in other_s)
    way = UP if up else (-UP[0], -UP[1])
    return Encounter(one, other, one_s, other_s, (*way, *way))


def play(seed, vehicles, clock=lambda camera, at_s: 0.0, **street):
    """Clocks that learned from vehicles one by one, and the corrections with the time of each."""
    clocks, corrections = Clocks(), []
    for at_s, encounters in drive(np.random.default_rng(seed), vehicles, clock, **street):
        known = [put_right(clocks, e) for e in encounters]
        corrections += [(at_s, c) for c in clocks.take(known)]
    return clocks, corrections


def put_right(clocks, encounter):
    """As the associator would see it: with the corrections known so far."""
    one, other = (clocks.ahead_s(c) for c in (encounter.one, encounter.other))
    return type(encounter)(
        encounter.one,
        encounter.other,
        tuple(t - one for t in encounter.one_s),
        tuple(t - other for t in encounter.other_s),
        encounter.movement,
    )


def stepping(by_s, *, camera=0, at_s=2800.0):
    return lambda c, t: by_s if c == camera and t >= at_s else 0.0


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_told_of_clocks_that_are_right(seed):
    clocks, corrections = play(seed, 300)
    assert corrections == []
    assert clocks.steps() == []
    assert clocks.drifts() == []


@pytest.mark.parametrize("camera", [0, 1, 2])
@pytest.mark.parametrize("by_s", [5.0, -5.0])
def test_a_step_is_told_within_ten_vehicles_and_corrected(camera, by_s):
    clocks, corrections = play(3, 180, stepping(by_s, camera=camera))
    ((at_s, correction),) = corrections
    assert correction.camera == camera
    assert at_s - 2800.0 <= 10 * 12.0
    assert correction.by_s == pytest.approx(by_s, abs=2.0 if camera == 2 else 1.0)
    assert clocks.ahead_s(camera) == correction.by_s
    (told,) = clocks.steps()
    assert (told.camera, told.change_s) == (camera, correction.by_s)
    assert told.at_s == pytest.approx(2800.0 + by_s, abs=60.0)


@pytest.mark.parametrize("held_s", [8.0, 20.0])
def test_who_waits_at_a_light_is_no_step(held_s):
    """From some time on all who go up are held between the second and the third view."""
    _, corrections = play(5, 180, wait=lambda camera, up, at_s: held_s * (camera == 2 and up and at_s >= 2800.0))
    assert corrections == []


def test_a_step_is_not_told_for_ever():
    clocks, _ = play(3, 500, stepping(5.0), every_s=12.0)
    assert clocks.steps() == []
    assert clocks.ahead_s(0) == pytest.approx(5.0, abs=1.0)


@pytest.mark.parametrize("ahead_s", [(5.0, -5.0, 5.0), (-5.0, -5.0, 5.0), (0.0, 30.0, 0.0)], ids=str)
def test_clocks_that_were_always_wrong_are_put_right(ahead_s):
    clocks, corrections = play(2, 120, lambda camera, at_s: ahead_s[camera])
    assert all(c.since_s == -np.inf for _, c in corrections)
    left = [ahead - clocks.ahead_s(k) for k, ahead in enumerate(ahead_s)]
    assert left[1] - left[0] == pytest.approx(0.0, abs=0.5)
    assert left[2] - left[0] == pytest.approx(0.0, abs=2.0)


def test_offsets_of_overlapping_views_are_known_within_half_a_second():
    clocks, _ = play(1, 60, lambda camera, at_s: 1.2 * (camera == 1))
    known = clocks.fit_of(0, 1)
    assert known.offset_s == pytest.approx(1.2, abs=0.5)
    assert known.error_s < 0.5


def test_one_way_tells_an_offset_only_where_views_overlap():
    clocks, corrections = play(1, 60, one_way=True)
    assert corrections == []
    assert clocks.fit_of(1, 2).error_s > 3.0
    assert clocks.fit_of(0, 1).error_s > 1.0
    assert clocks.fit_of(0, 1, overlap=True).offset_s == pytest.approx(0.0, abs=1.0)


#: At a roundabout: directions in both pictures, seconds from the one view to the other, and how many go that way. Some
#: come out of it as if they went back, but went round.
ROUND = (
    ((0.95, 0.3, -0.7, 0.7), -22.0, 0.6),
    ((0.1, 1.0, -0.7, 0.7), -30.0, 0.15),
    ((0.2, -1.0, 0.6, -0.8), -41.0, 0.1),
    ((0.3, -0.9, 0.6, -0.8), 24.0, 0.15),
)


def test_ways_round_are_no_ways_back():
    """Where by chance hardly anybody goes back it cannot be told, so that not every time is asked for."""
    assert sum(bool(_corrections_at_a_roundabout(seed)) for seed in range(8)) <= 1


def _corrections_at_a_roundabout(seed):
    rng = np.random.default_rng(seed)
    clocks, corrections = Clocks(), []
    for k in range(100):
        way, between_s, _ = ROUND[rng.choice(len(ROUND), p=[share for *_, share in ROUND])]
        at_s = 1000.0 + 12.0 * k
        left_s = at_s + between_s + rng.normal(0, 1.5)
        seen = tuple((np.array(way) + rng.normal(0, 0.1, 4)).tolist())
        corrections += clocks.take([Encounter(0, 1, (at_s, at_s + 4.0), (left_s, left_s + 3.0), seen)])
    return corrections


def test_a_clock_that_runs_fast_is_told():
    clocks, _ = play(4, 250, lambda camera, at_s: 1e-3 * (at_s - 1000.0) * (camera == 1))
    (told,) = clocks.drifts()
    assert told.camera == 1
    assert told.change_s == pytest.approx(3.0, abs=1.0)


def test_too_few_encounters_tell_nothing():
    clocks, _ = play(1, LEAST - 1)
    assert clocks.fit_of(0, 1) is None
    assert Clocks().steps() == []
    assert Clocks().drifts() == []


def test_state_rebuilds_what_was_known():
    clocks, _ = play(3, CAPACITY // 3 + 50, stepping(5.0), stray=0.1)
    rows, cameras = clocks.all_kept()
    assert (len(rows), cameras) == (CAPACITY, {0})
    twin = Clocks()
    for camera in cameras:
        twin.load_clock(camera, json.loads(json.dumps(clocks.clock_state(camera))))
    for row in sorted(rows, reverse=True):
        twin.load_encounter(json.loads(json.dumps(clocks.encounter_state(row))))
    assert twin.taken == clocks.taken
    assert twin.steps() == clocks.steps()
    assert twin.ahead_s(0) == clocks.ahead_s(0)
    assert twin.fit_of(0, 1).offset_s == clocks.fit_of(0, 1).offset_s
    clocks.drain_changed()
    assert clocks.drain_changed() == (set(), set())


def test_what_is_told_with_a_step_counts_by_the_times_that_are_right_since(monkeypatch):
    clocks = Clocks()
    found = iter([[Correction(0, 100.0, 5.0)], [], []])
    monkeypatch.setattr(clocks, "_late", lambda _encounter: (99.0, 1.0))
    monkeypatch.setattr(clocks, "_stepped", lambda _encounter: next(found))
    met = [Encounter(0, 1, (at_s, at_s + 2), (at_s, at_s + 3), (*UP, *UP)) for at_s in (100.0, 110.0, 90.0)]
    clocks.take(met)
    seen_s = clocks._ring.seen_s[:3]
    assert seen_s[:, 0].tolist() == [[100.0, 102.0], [105.0, 107.0], [90.0, 92.0]]
    assert seen_s[:, 1].tolist() == [[100.0, 103.0], [110.0, 113.0], [90.0, 93.0]]

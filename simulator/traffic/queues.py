"""Who is ahead of whom: rows of bodies on segments, sorted once a step. Vectorised; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.traffic.fleet import Fleet

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FREE_M = 1e3
_TAIL_PIECES = 3
_LOOK_PIECES = 5
_LOOK_M = 70.0


@dataclass(frozen=True, slots=True)
class Queues:
    """Rows of bodies, by segment and position; a body has a row wherever others must mind it.

    Attributes:
        trip: Whose row, (R,).
        segment: On which segment, (R,).
        along_m: Its middle, (R,).
        own: Whether the body's middle is on that segment, (R,).
        first_row: Per segment, the number of its rearmost row, or -1, (S + 1,).
    """

    trip: Ints
    segment: Ints
    along_m: Floats
    own: NDArray[np.bool_]
    first_row: Ints


def queues_of(fleet: Fleet) -> Queues:
    """Sorts everybody who drives onto the segments."""
    trips = fleet.active
    paths, length = fleet.paths, fleet.demand.length_m
    index = fleet.index[trips]
    blocks = [(trips, paths.segment[index], fleet.along_m(trips), np.ones(len(trips), bool))]
    back, back_index = trips, index
    for _ in range(_TAIL_PIECES):
        tail = (back_index > paths.first[back]) & (
            fleet.odometer_m[back] - length[back] / 2 < paths.start_m[back_index] + 0.5
        )
        back, back_index = back[tail], back_index[tail] - 1
        if not len(back):
            break
        along = fleet.odometer_m[back] - paths.start_m[back_index]
        blocks.append((back, paths.segment[back_index], along, np.zeros(len(back), bool)))
    blocks.append(_ghosts(fleet, blocks))
    trip, segment, along, own = (np.concatenate(part) for part in zip(*blocks, strict=True))
    order = np.lexsort((trip, along, segment))
    trip, segment, along, own = trip[order], segment[order], along[order], own[order]
    first_row = np.full(fleet.network.count + 1, -1)
    begins = np.flatnonzero(np.diff(segment, prepend=-1))
    first_row[segment[begins]] = begins
    return Queues(trip, segment, along, own, first_row)


_Block = tuple[Ints, Ints, Floats, NDArray[np.bool_]]


def _ghosts(fleet: Fleet, blocks: list[_Block]) -> _Block:
    """Bodies that have not yet parted from another way that begins on the same lane are also on that one."""
    conflicts = fleet.network.conflicts
    trips, segments, along, _ = (np.concatenate(part) for part in zip(*blocks, strict=True))
    siblings = conflicts.siblings[segments]
    rear = along - fleet.demand.length_m[trips] / 2
    near = (siblings < fleet.network.count) & (rear[:, None] < conflicts.apart_m[segments])
    rows, columns = np.nonzero(near)
    return trips[rows], siblings[rows, columns], along[rows], np.zeros(len(rows), bool)


def leaders(fleet: Fleet, queues: Queues) -> tuple[Floats, Floats]:
    """Bumper gap to the leader and its speed, for ``fleet.active``; (A,) each, ``FREE_M`` without one."""
    length = fleet.demand.length_m
    gap = np.full(len(length), FREE_M)
    speed = fleet.speed_m_s.copy()
    same = (queues.segment[:-1] == queues.segment[1:]) & queues.own[:-1]
    rows = np.flatnonzero(same)
    rows = rows[queues.trip[rows] != queues.trip[rows + 1]]
    back, front = queues.trip[rows], queues.trip[rows + 1]
    gap[back] = queues.along_m[rows + 1] - queues.along_m[rows] - (length[back] + length[front]) / 2
    speed[back] = fleet.speed_m_s[front]
    _look_ahead(fleet, queues, gap, speed)
    return gap[fleet.active], speed[fleet.active]


def _look_ahead(fleet: Fleet, queues: Queues, gap: Floats, speed: Floats) -> None:
    """For the foremost of each segment: whoever is on the next ones."""
    paths, length = fleet.paths, fleet.demand.length_m
    trips = fleet.active[gap[fleet.active] >= FREE_M]
    for ahead in range(1, _LOOK_PIECES):
        entry = fleet.index[trips] + ahead
        trips, entry = trips[entry <= paths.last[trips]], entry[entry <= paths.last[trips]]
        to_start = paths.start_m[entry] - fleet.odometer_m[trips]
        near = to_start < _LOOK_M
        trips, entry, to_start = trips[near], entry[near], to_start[near]
        if not len(trips):
            return
        row = queues.first_row[paths.segment[entry]]
        met = (row >= 0) & (queues.trip[row] != trips)
        back, front = trips[met], queues.trip[row[met]]
        gap[back] = to_start[met] + queues.along_m[row[met]] - (length[back] + length[front]) / 2
        speed[back] = fleet.speed_m_s[front]
        trips = trips[~met]


def rear_of(fleet: Fleet, queues: Queues, segments: Ints) -> tuple[Floats, Floats]:
    """Rear end and speed of the rearmost body on segments; their length and infinity if they are empty."""
    row = queues.first_row[segments]
    trip = queues.trip[row] if len(queues.trip) else np.zeros(len(segments), np.int64)
    along = queues.along_m[row] if len(queues.along_m) else np.zeros(len(segments))
    rear = along - fleet.demand.length_m[trip] / 2
    empty = row < 0
    free = fleet.network.length_m[np.minimum(segments, fleet.network.count - 1)]
    return np.where(empty, free, rear), np.where(empty, np.inf, fleet.speed_m_s[trip])

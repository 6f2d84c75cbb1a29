"""Which vehicles that come into view are decided together. Owns the groups and their order; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tracker.multi_camera.arrays import Floats
from tracker.multi_camera.types import Observation

#: Nats against two arrivals being one vehicle that two views show at once, from which on they are two.
APART_NATS = -2.0
#: Those of a group came into view within so long: nobody drives out of one view and into another in less.
LONGEST_NS = 5_000_000_000


def joint_groups(
    arrivals: Sequence[Observation], at_once: Callable[[Sequence[Observation]], Floats]
) -> list[list[Observation]]:
    """Splits arrivals into groups of which every identity may have one at most.

    Those of one camera are in one group, and with those of others that are other vehicles beyond doubt: because the
    views are known to be apart, so that of those who come into them within a bucket's time no two are one vehicle, or
    because they look too little alike. Else the view into which somebody came first is decided before the other.

    Args:
        arrivals: By start.
        at_once: What speaks against pairs of arrivals being one vehicle that two views show at once, in nats, (N, N).

    Returns:
        The groups, each camera by camera; every arrival is in one. Those who came into view long after others, as after
        an outage, are in later groups than they, whatever they are: who was here then may be there by now.
    """
    groups: list[list[Observation]] = []
    begun = 0
    for place in range(1, len(arrivals) + 1):
        if place == len(arrivals) or arrivals[place].start_ns - arrivals[begun].start_ns > LONGEST_NS:
            groups += _at_a_time(arrivals[begun:place], at_once)
            begun = place
    return groups


def _at_a_time(
    arrivals: Sequence[Observation], at_once: Callable[[Sequence[Observation]], Floats]
) -> list[list[Observation]]:
    """Groups of those who came into view within a moment."""
    by_camera: dict[str, list[int]] = {}
    for place, observation in enumerate(arrivals):
        by_camera.setdefault(observation.camera_id, []).append(place)
    may_be_one = at_once(arrivals) > APART_NATS
    turn = np.full(len(arrivals), -1)
    for mine in by_camera.values():
        turn[mine] = 1 + turn[may_be_one[:, mine].any(axis=1)].max(initial=-1)
    order = [place for mine in by_camera.values() for place in mine]
    return [[arrivals[place] for place in order if turn[place] == number] for number in range(turn.max() + 1)]

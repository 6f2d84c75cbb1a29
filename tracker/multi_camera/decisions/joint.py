"""Which vehicles that come into view are decided together. Owns the groups and their order; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tracker.multi_camera.links.tables import LinkTables
from tracker.multi_camera.types import Observation

#: Nats against showing a vehicle at once from which two views count as apart: nobody comes into both at a time.
APART_NATS = -2.0
#: Those of a group came into view within so long: nobody drives out of one view and into another in less.
LONGEST_NS = 5_000_000_000


def joint_groups(
    arrivals: Sequence[Observation], number: Callable[[str], int], tables: LinkTables
) -> list[list[Observation]]:
    """Splits arrivals into groups of which every identity may have one at most.

    Those of one camera are in one group, and with those of others whose views are known to be apart: of those who come
    into such views within a bucket's time no two are one vehicle. Where views overlap, or nothing is known of them yet,
    the one into which somebody came first is decided before the other.

    Args:
        arrivals: By start.
        number: Of a camera by its id.
        tables: What is known of views.

    Returns:
        The groups, each camera by camera; every arrival is in one. Those who came into view long after others, as after
        an outage, are in later groups than they, whatever their views: who was here then may be there by now.
    """
    groups: list[list[Observation]] = []
    begun = 0
    for place in range(1, len(arrivals) + 1):
        if place == len(arrivals) or arrivals[place].start_ns - arrivals[begun].start_ns > LONGEST_NS:
            groups += _at_a_time(arrivals[begun:place], number, tables)
            begun = place
    return groups


def _at_a_time(
    arrivals: Sequence[Observation], number: Callable[[str], int], tables: LinkTables
) -> list[list[Observation]]:
    """Groups of those who came into view within a moment."""
    by_camera: dict[str, list[Observation]] = {}
    for observation in arrivals:
        by_camera.setdefault(observation.camera_id, []).append(observation)
    order = sorted(by_camera, key=lambda camera_id: (by_camera[camera_id][0].start_ns, camera_id))
    cameras = np.array([number(camera_id) for camera_id in order], np.intp)
    apart = tables.log_overlap_known((cameras[:, None], cameras[None, :])) <= APART_NATS
    groups: list[list[Observation]] = []
    turn: list[int] = []
    for place, camera_id in enumerate(order):
        turn.append(max((turn[before] + 1 for before in range(place) if not apart[before, place]), default=0))
        if turn[place] == len(groups):
            groups.append([])
        groups[turn[place]] += by_camera[camera_id]
    return groups

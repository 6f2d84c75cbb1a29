"""What was learned about cameras, for people to read. Owns the typed report; learns nothing and formats nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from tracker.multi_camera.links.reading import Trips
from tracker.multi_camera.links.tables import GAP
from tracker.multi_camera.links.travel import SHIFT_S
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology

#: Trips below which a link is not reported: less than one vehicle's worth of evidence.
LEAST_TRIPS = 1.0
#: Of travel times the shares below what is told, and the trips from which it is read off them, not off the model.
TOLD, LEAST_TOLD_TRIPS = (0.05, 0.5, 0.95), 20.0
#: Trips each way from which a clock offset is estimated.
LEAST_OFFSET_TRIPS = 5.0
#: An offset that vehicles seen by both cameras leave less certain than this is not told from them.
MOST_ERROR_S = 2.0


@dataclass(frozen=True, slots=True)
class CameraReport:
    """One camera.

    Attributes:
        camera_id: Its id.
        arrivals_per_s: Vehicles that come into view.
        new_share: Share of them never seen before, in [0, 1].
        returning_share: Share of those leaving that come into view again anywhere, in [0, 1].
    """

    camera_id: str
    arrivals_per_s: float
    new_share: float
    returning_share: float


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One direction of travel between two cameras.

    Attributes:
        from_camera: Left first.
        to_camera: Reached next.
        trips: Trips learned from, weighted by how likely each was.
        share: Share of vehicles leaving the one that come to the other next, in [0, 1].
        travel_median_s: From leaving to arriving; clock offset included. None when the views only ever overlapped.
        travel_interval_s: What 90 % of trips are expected within; None as above.
        overlap: Chance that a vehicle still stands in the first view when it comes into the second.
        offset_s: Seconds by which the second camera's clock is ahead of the first's; None when not identifiable.
        offset_error_s: Standard error of the offset; None as above.
        pinned: The travel time was given, not learned.
    """

    from_camera: str
    to_camera: str
    trips: float
    share: float
    travel_median_s: float | None
    travel_interval_s: tuple[float, float] | None
    overlap: float
    offset_s: float | None
    offset_error_s: float | None
    pinned: bool


@dataclass(frozen=True, slots=True)
class ClockWarning:
    """A camera's clock seems to have moved against those around it.

    Attributes:
        camera_id: Whose clock.
        kind: "step", or "drift" of a clock that runs too fast or too slow.
        change_s: Seconds by which it moved forward; negative when backward. Of drift, over the time of the trips.
        trips: Trips this is concluded from.
    """

    camera_id: str
    kind: str
    change_s: float
    trips: int


@dataclass(frozen=True, slots=True)
class TopologyReport:
    """Everything learned. Cameras by number, links by cameras, warnings by camera."""

    cameras: tuple[CameraReport, ...]
    links: tuple[LinkReport, ...]
    warnings: tuple[ClockWarning, ...]


def topology_report(settings: AssociationSettings, links: Mapping[str, str]) -> TopologyReport:
    """Reads learned state as it is stored.

    Args:
        settings: Of association; its priors stand where little was learned.
        links: Learned state by name, as the store keeps it; entries of other kinds are left alone.

    Raises:
        ValueError: Learned state cannot be read.
    """
    topology = Topology(settings)
    topology.load(links)
    return report_of(topology)


def report_of(topology: Topology) -> TopologyReport:
    """What a topology in memory has learned."""
    tables, names = topology.tables(), topology.cameras
    rates = np.exp(topology.log_arrival_rates())
    cameras = tuple(
        CameraReport(name, float(rates[i]), float(np.exp(tables.log_new[i])), float(np.exp(tables.log_return[i])))
        for i, name in enumerate(names)
    )
    known = {(int(i), int(j)) for i, j in np.argwhere(tables.travelled >= LEAST_TRIPS)} | set(topology.pins())
    trips = topology.newest_trips(GAP)
    links = sorted((_link(topology, trips, i, j) for i, j in known), key=lambda x: (x.from_camera, x.to_camera))
    stepped = [ClockWarning(names[m.camera], "step", m.change_s, m.trips) for m in topology.steps()]
    drifting = [ClockWarning(names[m.camera], "drift", m.change_s, m.trips) for m in topology.drifts()]
    warnings = stepped + drifting
    return TopologyReport(cameras, tuple(links), tuple(sorted(warnings, key=lambda w: (w.camera_id, w.kind))))


def _link(topology: Topology, trips: Trips, i: int, j: int) -> LinkReport:
    tables, names = topology.tables(), topology.cameras
    median_s = interval_s = None
    is_pinned = (i, j) in topology.pins()
    if is_pinned or tables.moments[i, j, GAP, 0] >= LEAST_TRIPS:
        loc, scale, dof = (float(a[i, j]) for a in (tables.gap.loc, tables.gap.scale, tables.gap.dof))
        corrected_s = 0.0 if is_pinned else topology.ahead_s(j) - topology.ahead_s(i)
        # Lights make two humps of a travel time, between which the centre of the model lies.
        seen = None if is_pinned else trips.quantiles(i, j, TOLD, LEAST_TOLD_TRIPS)
        told = [loc + float(stdtrit(dof, p)) * scale for p in TOLD] if seen is None else seen.tolist()
        low, median_s, high = (_seconds(x) + corrected_s for x in told)
        interval_s = (low, high)
    offset_s, error_s = _offset(topology, i, j)
    return LinkReport(
        from_camera=names[i],
        to_camera=names[j],
        trips=float(tables.travelled[i, j]),
        share=float(np.exp(tables.log_share[i, j])),
        travel_median_s=median_s,
        travel_interval_s=interval_s,
        overlap=float(np.exp(tables.log_overlap[i, j])),
        offset_s=offset_s,
        offset_error_s=error_s,
        pinned=is_pinned,
    )


def _seconds(log_duration: float) -> float:
    return max(float(np.exp(log_duration)) - SHIFT_S, 0.0)


def _offset(topology: Topology, i: int, j: int) -> tuple[float | None, float | None]:
    """Seconds by which the second clock is ahead, with its standard error; None when that cannot be told."""
    left = _left(topology, i, j)
    if left is None:
        return None, None
    offset_s, error_s = left
    return topology.ahead_s(j) - topology.ahead_s(i) + offset_s, error_s


def _left(topology: Topology, i: int, j: int) -> tuple[float, float] | None:
    """The same of clocks as they were corrected.

    On a pinned link it is what the learned travel time exceeds the given one by; elsewhere what vehicles seen by both
    show; where those are few, half the difference of the travel times there and back, which are taken to be equal on
    equal clocks.
    """
    tables, pins = topology.tables(), topology.pins()
    count = tables.moments[..., GAP, 0]
    if (i, j) in pins and count[i, j] >= LEAST_OFFSET_TRIPS:
        return _seconds(float(tables.learned.loc[i, j])) - pins[i, j][0], _error_s(topology, i, j)
    if i == j:
        return None
    known = topology.clock_fit(min(i, j), max(i, j))
    if known is not None and known.error_s <= MOST_ERROR_S:
        return (known.offset_s if i < j else -known.offset_s), known.error_s
    if min(count[i, j], count[j, i]) < LEAST_OFFSET_TRIPS:
        return None
    there, back = _seconds(float(tables.learned.loc[i, j])), _seconds(float(tables.learned.loc[j, i]))
    return (there - back) / 2, math.hypot(_error_s(topology, i, j), _error_s(topology, j, i)) / 2


def _error_s(topology: Topology, i: int, j: int) -> float:
    """Standard error of a learned median travel time."""
    tables = topology.tables()
    spread = float(tables.learned.scale[i, j] * np.exp(tables.learned.loc[i, j]))
    return spread / math.sqrt(float(tables.moments[i, j, GAP, 0]))

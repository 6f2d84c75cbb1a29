"""Where a vehicle comes into view next, and when, by what was learned of links. Pure; learns and decides nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tracker.multi_camera.arrays import Floats, Index
from tracker.multi_camera.links.tables import LinkTables
from tracker.multi_camera.links.travel import SHIFT_S, log_duration
from tracker.multi_camera.topology.learned import Topology

#: Share of arrivals that an interval holds.
INTERVAL = 0.8
_TAIL = (1.0 - INTERVAL) / 2
_HALVINGS = 60
#: Log-durations between which arrivals are looked for: e**14 s are two weeks.
_LEAST_X, _MOST_X = math.log(SHIFT_S), 14.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A camera that a vehicle may come to next.

    Attributes:
        camera_id: Its id; the camera that was left, where vehicles come back to it.
        probability: That this is the next one, in [0, 1].
        median_s: Seconds from leaving to arriving.
        low_s: 80 % of arrivals there are expected between this
        high_s: and this.
        trips: Trips that this is known from; below 1 it is a guess.
    """

    camera_id: str
    probability: float
    median_s: float
    low_s: float
    high_s: float
    trips: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Where a vehicle goes: cameras by probability, best first, and that it is not seen again.

    ``not_again`` and the probabilities add up to 1; without any camera it is 1.
    """

    arrivals: tuple[Arrival, ...]
    not_again: float


def predict_next(topology: Topology, camera_id: str, since_s: float) -> Prediction:
    """Where a vehicle that left a camera is seen next.

    That it has not been seen for ``since_s`` speaks against cameras that are near and for its being gone: shares of
    links are weighed by the chance that a trip takes longer, and arrival times are those of such trips.

    Args:
        topology: What was learned.
        camera_id: The camera that it left; one that is not known predicts nothing.
        since_s: Seconds since it left; 0 or less while it is still in view, when cameras whose view overlaps count too.

    Raises:
        ValueError: ``since_s`` is not finite.

    Source: Bayes' rule over a competing-risks mixture; see e.g. Makris, Ellis and Black, "Bridging the gaps between
    cameras", CVPR 2004, for links as transition probabilities with travel times.
    """
    if not math.isfinite(since_s):
        raise ValueError(f"since_s must be finite, got {since_s}")
    names = topology.cameras
    if camera_id not in names:
        return Prediction((), 1.0)
    tables, camera = topology.tables(), names.index(camera_id)
    index: Index = (np.full(len(names), camera), np.arange(len(names)))
    gone = since_s > 0
    passed = tables.gap.share_within(index, np.broadcast_to(log_duration(since_s), len(names))) if gone else None
    weights = np.exp(tables.log_return[camera] + tables.log_share[camera])
    if passed is not None:
        # One whose view overlaps would have seen it before it left.
        weights = weights * np.exp(tables.log_apart[camera]) * (1.0 - passed)
    total = float(weights.sum() + np.exp(tables.log_last[camera]))
    floor = np.zeros(len(names)) if passed is None else passed
    low, middle, high = (_quantile(tables, index, floor + q * (1.0 - floor)) for q in (_TAIL, 0.5, 1.0 - _TAIL))
    arrivals = [
        Arrival(
            name,
            float(weights[j]) / total,
            max(float(middle[j]), since_s),
            max(float(low[j]), since_s, 0.0),
            max(float(high[j]), since_s),
            float(tables.travelled[camera, j]),
        )
        for j, name in enumerate(names)
    ]
    arrivals.sort(key=lambda arrival: (-arrival.probability, arrival.camera_id))
    return Prediction(tuple(arrivals), float(np.exp(tables.log_last[camera])) / total)


def _quantile(tables: LinkTables, index: Index, share: Floats) -> Floats:
    """Seconds within which a share of the trips over each link end, by halving."""
    low, high = np.full(len(share), _LEAST_X), np.full(len(share), _MOST_X)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = tables.gap.share_within(index, middle) < share
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    seconds: Floats = np.maximum(np.exp(high) - SHIFT_S, 0.0)
    return seconds

"""Whether a camera's clock stepped, from how late vehicles were that it shares with others. Owns the test alone.

A step makes whoever comes to a camera later and whoever leaves it earlier, over every link alike. Traffic that slows
makes both later. The test weighs the two against each other and allows for pairs that are no pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tracker.multi_camera.arrays import Floats
from tracker.multi_camera.clocks.encounters import WINDOW_S

#: The newest encounters of a camera that are tested.
RECENT = 32
#: Share of encounters that are of two vehicles, or of one that stopped on its way.
STRAY = 0.2
#: Nats by which a step must be likelier than none, and vehicles that must agree on it.
CERTAIN_NATS, LEAST_AGREEING = 16.0, 4.0
#: Nats that must be left of them without vehicles that come to the camera, and without those that leave it: who waits
#: at a light is late with all who wait beside him.
SPARE_NATS = 5.0
#: Seconds between two views from which a vehicle comes from the one to the other.
AWAY_S = 1.5
#: Nats by which it must be likelier than a step of the other camera's clock; not asked for once so many agree.
LEAD_NATS, PLENTY = 4.0, 12.0
#: A step smaller than this is not told: lights and queues move many trips by a second together.
LEAST_STEP_S = 2.0
#: Scales within which an encounter agrees with a step.
AGREEING = 3.0
TAIL = 3.0
_T_NORM = math.gamma((TAIL + 1) / 2) / (math.sqrt(TAIL * math.pi) * math.gamma(TAIL / 2))


@dataclass(frozen=True, slots=True)
class Jump:
    """A step as the test sees it.

    Attributes:
        change_s: By how much the clock went forward.
        since: Number of the first encounter after it.
        agreeing: Vehicles that agree.
        nats: How much likelier than no step.
        spare_nats: The same without those that come to the camera, or without those that leave it, whichever is less.
    """

    change_s: float
    since: int
    agreeing: float
    nats: float
    spare_nats: float

    def is_certain(self, other: Jump | None) -> bool:
        """Whether it is to be told, where the same encounters may as well come of a step of another clock."""
        if self.nats < CERTAIN_NATS or self.spare_nats < SPARE_NATS:
            return False
        if self.agreeing < LEAST_AGREEING or abs(self.change_s) < LEAST_STEP_S:
            return False
        return other is None or self.nats >= other.nats + LEAD_NATS or self.agreeing >= PLENTY


@dataclass(frozen=True, slots=True)
class Lateness:
    """What the newest encounters of a camera say of its clock, N of them, oldest first.

    Attributes:
        late_s: By how much later than usual the clock showed each vehicle.
        scale_s: How far that scatters.
        usual_s: How much later than before the other camera such a vehicle usually is before this one.
        passage: Tells passages before this camera apart.
    """

    late_s: Floats
    scale_s: Floats
    usual_s: Floats
    passage: Floats


def jump(seen: Lateness) -> Jump | None:
    """The likeliest step among the newest encounters of a camera; None where none is likelier than no step.

    Source: generalised likelihood ratio test for a change of unknown size at an unknown time, e.g. Basseville and
        Nikiforov, "Detection of Abrupt Changes" (1993), section 2.4.
    """
    sizes = seen.late_s[np.abs(seen.late_s) >= LEAST_STEP_S]
    if not len(sizes):
        return None
    gain = _log_density(seen.late_s - sizes[:, None], seen.scale_s) - _log_density(seen.late_s, seen.scale_s)
    weight = _one_each(seen)
    gain *= weight
    since_each = gain[:, ::-1].cumsum(axis=1)[:, ::-1]
    size, since = (int(k) for k in np.unravel_index(int(since_each.argmax()), since_each.shape))
    nats = float(since_each[size, since])
    if nats <= 0:
        return None
    late_s, scale_s, usual_s, weight = (a[since:] for a in (seen.late_s, seen.scale_s, seen.usual_s, weight))
    spare_nats = min(float(gain[size, since:][kept].sum()) for kept in (usual_s < AWAY_S, usual_s > -AWAY_S))
    agrees = (np.abs(late_s - sizes[size]) <= AGREEING * scale_s) & (weight > 0)
    if not agrees.any():
        return None
    change_s = float(np.average(late_s[agrees], weights=scale_s[agrees] ** -2.0))
    return Jump(change_s, since, float(weight[agrees].sum()), nats, spare_nats)


def _one_each(seen: Lateness) -> Floats:
    """1 for the encounter that scatters least of each passage's arrival and of its leaving, 0 for others.

    A vehicle that many cameras saw waited only once.
    """
    way = np.digitize(seen.usual_s, (-AWAY_S, AWAY_S))
    _, group = np.unique(np.stack([seen.passage, way]), axis=1, return_inverse=True)
    weight = np.zeros(len(way))
    order = np.argsort(seen.scale_s, kind="stable")
    _, first = np.unique(group.ravel()[order], return_index=True)
    weight[order[first]] = 1.0
    return weight


def _log_density(late_s: Floats, scale_s: Floats) -> Floats:
    usual = _T_NORM / scale_s * (1.0 + (late_s / scale_s) ** 2 / TAIL) ** (-(TAIL + 1) / 2)
    density: Floats = np.log((1.0 - STRAY) * usual + STRAY / (2 * WINDOW_S))
    return density

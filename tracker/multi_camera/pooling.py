"""What similarity of means over several sightings is worth, given what that of one pair is worth. Owns only that.

A calibration says what one pair shows. Several sightings of a vehicle show more, for what differs between them averages
out, but not as much more as if they were independent given the vehicle: camera, side and light recur.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from reid.types import Calibration
from tracker.multi_camera.arrays import Floats

#: Share of a further sighting that is independent of those before it.
INDEPENDENCE = 0.65


#: What counts of evidence beyond its limit: of two candidates there, the one that looks more alike comes first.
BEYOND = 1e-4
#: Levels of reliability that evidence is worked out for, from 0 to 1.
LEVELS = 21
#: What is less reliable counts as being so.
LEAST_RELIABLE = 0.4


@dataclass(frozen=True, slots=True)
class PooledCalibration:
    """Slope, offset and limit by reliability and by numbers of sightings on both sides, of which 0 is unused.

    Attributes:
        slopes: float64 (LEVELS, N + 1, N + 1), symmetric.
        offsets: float64 (LEVELS, N + 1, N + 1).
        limits: float64 (LEVELS, N + 1, N + 1); evidence hardly goes beyond ±limit.
    """

    slopes: Floats
    offsets: Floats
    limits: Floats

    def nats(
        self,
        similarity: Floats,
        one: NDArray[np.intp],
        other: NDArray[np.intp] | int = 1,
        reliability: Floats | float = 1.0,
    ) -> Floats:
        """Evidence for "the same vehicle".

        Args:
            similarity: Product of the mean vectors, not scaled to unit length; any shape; -inf counts as -1.
            one: Sightings behind one of the means, same shape; 0 counts as 1.
            other: Those behind the other.
            reliability: Of the two together, in [0, 1]: how much of the similarity that closed sightings of a vehicle
                have is left between these, because one was seen less well.
        """
        most = self.slopes.shape[1] - 1
        level = np.rint(np.clip(reliability, LEAST_RELIABLE, 1.0) * (LEVELS - 1)).astype(np.intp)
        at = (level * (most + 1) + np.clip(one, 1, most)) * (most + 1) + np.clip(other, 1, most)
        nats: Floats = self.slopes.take(at) * np.maximum(similarity, -1.0) + self.offsets.take(at)
        limits = self.limits.take(at)
        within = np.clip(nats, -limits, limits)
        return within + BEYOND * (nats - within)


def pool(calibration: Calibration, most: int) -> PooledCalibration:
    """Extends a pair's calibration to means over sightings.

    The pair's slope and offset are read as those of a two-covariance model: a vehicle's part with a share ``rho`` of
    the variance and an independent rest, in some number of dimensions. In that model evidence from two means is again
    linear in their product. With one sighting each the result is the calibration itself. What was seen less well has
    more of the rest: the same variance with a smaller share of the vehicle's part.

    Args:
        calibration: Of one pair.
        most: Largest number of sightings.

    Source: Brümmer and de Villiers, "The speaker partitioning problem" (2010); the discount on further sightings is
    ours.
    """
    rho, dims = _implied(calibration)
    count = 1.0 + INDEPENDENCE * (np.maximum(np.arange(most + 1), 1) - 1.0)
    n, m = count[:, None], count[None, :]
    left = np.maximum(np.linspace(0.0, 1.0, LEVELS), LEAST_RELIABLE)[:, None, None]
    weight = left * n * rho / (n * rho + 1.0 - rho)
    total = rho + (1.0 - rho) / m
    spread = 1.0 - left * rho * weight / total
    norm = rho + (1.0 - rho) / n
    slopes = dims * weight / (total * spread)
    offsets = 0.5 * dims * (1.0 - np.log(spread) - (total + weight**2 * norm) / (total * spread))
    offsets += calibration.offset - offsets[-1, 1, 1]
    return PooledCalibration(slopes, offsets, calibration.limit * slopes / slopes[-1, 1, 1])


def _implied(calibration: Calibration) -> tuple[float, float]:
    """Share of variance and number of dimensions of the model that a pair's slope and offset belong to."""

    def crossing(rho: float) -> float:
        return (0.5 * (1 - rho**2) * math.log1p(-(rho**2)) + rho**2) / rho

    wanted = float(np.clip(-calibration.offset / calibration.slope, crossing(0.05), crossing(0.95)))
    rho = float(brentq(lambda r: crossing(r) - wanted, 0.05, 0.95))
    return rho, calibration.slope * (1 - rho**2) / rho

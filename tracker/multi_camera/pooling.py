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

Floats = NDArray[np.float64]

#: Share of a further sighting that is independent of those before it.
INDEPENDENCE = 0.65


@dataclass(frozen=True, slots=True)
class PooledCalibration:
    """Slope, offset and limit by numbers of sightings on both sides; index 0 is unused.

    Attributes:
        slopes: float64 (N + 1, N + 1), symmetric.
        offsets: float64 (N + 1, N + 1).
        limits: float64 (N + 1, N + 1); evidence stays within ±limit.
    """

    slopes: Floats
    offsets: Floats
    limits: Floats

    def nats(self, similarity: Floats, one: NDArray[np.intp], other: NDArray[np.intp] | int = 1) -> Floats:
        """Evidence for "the same vehicle".

        Args:
            similarity: Product of the mean vectors, not scaled to unit length; any shape; -inf counts as -1.
            one: Sightings behind one of the means, same shape; 0 counts as 1.
            other: Those behind the other.
        """
        most = len(self.slopes) - 1
        at = np.clip(one, 1, most), np.clip(other, 1, most)
        nats: Floats = self.slopes[at] * np.maximum(similarity, -1.0) + self.offsets[at]
        return np.clip(nats, -self.limits[at], self.limits[at])


def pool(calibration: Calibration, most: int) -> PooledCalibration:
    """Extends a pair's calibration to means over sightings.

    The pair's slope and offset are read as those of a two-covariance model: a vehicle's part with a share ``rho`` of
    the variance and an independent rest, in some number of dimensions. In that model evidence from two means is again
    linear in their product. With one sighting each the result is the calibration itself.

    Args:
        calibration: Of one pair.
        most: Largest number of sightings.

    Source: Brümmer and de Villiers, "The speaker partitioning problem" (2010); the discount on further sightings is
    ours.
    """
    rho, dims = _implied(calibration)
    count = 1.0 + INDEPENDENCE * (np.maximum(np.arange(most + 1), 1) - 1.0)
    n, m = count[:, None], count[None, :]
    weight = n * rho / (n * rho + 1.0 - rho)
    total = rho + (1.0 - rho) / m
    spread = 1.0 - rho * weight / total
    norm = rho + (1.0 - rho) / n
    slopes = dims * weight / (total * spread)
    offsets = 0.5 * dims * (1.0 - np.log(spread) - (total + weight**2 * norm) / (total * spread))
    offsets += calibration.offset - offsets[1, 1]
    return PooledCalibration(slopes, offsets, calibration.limit * slopes / slopes[1, 1])


def _implied(calibration: Calibration) -> tuple[float, float]:
    """Share of variance and number of dimensions of the model that a pair's slope and offset belong to."""

    def crossing(rho: float) -> float:
        return (0.5 * (1 - rho**2) * math.log1p(-(rho**2)) + rho**2) / rho

    wanted = float(np.clip(-calibration.offset / calibration.slope, crossing(0.05), crossing(0.95)))
    rho = float(brentq(lambda r: crossing(r) - wanted, 0.05, 0.95))
    return rho, calibration.slope * (1 - rho**2) / rho

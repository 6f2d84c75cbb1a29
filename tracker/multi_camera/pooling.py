"""What similarity to several exemplars is worth, given what similarity to one is worth. Owns that extrapolation only.

A calibration says what one pair shows. Several exemplars of a vehicle show more, for what differs between pictures
averages out, but not as much more as if pictures of one vehicle were independent given the vehicle: camera, side and
light recur.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from reid.types import Calibration

Floats = NDArray[np.float64]

#: Share of a further exemplar that is independent of those before it.
INDEPENDENCE = 0.5


@dataclass(frozen=True, slots=True)
class PooledCalibration:
    """Slope and offset by number of exemplars; index 0 is unused.

    Attributes:
        slopes: float64 (X + 1,).
        offsets: float64 (X + 1,).
        limit: Evidence stays within ±limit.
    """

    slopes: Floats
    offsets: Floats
    limit: float

    def nats(self, similarity: Floats, count: NDArray[np.intp]) -> Floats:
        """Evidence for "the same vehicle".

        Args:
            similarity: Mean cosine similarity to the exemplars, any shape; -inf counts as -1.
            count: Exemplars behind each mean, same shape; 0 counts as 1.
        """
        n = np.clip(count, 1, len(self.slopes) - 1)
        nats: Floats = np.clip(self.slopes[n] * np.maximum(similarity, -1.0) + self.offsets[n], -self.limit, self.limit)
        return nats


def pool(calibration: Calibration, most: int) -> PooledCalibration:
    """Extends a pair's calibration to sets of exemplars.

    The pair's slope and offset are read as those of a two-covariance model: a vehicle's part with a share ``rho`` of
    the variance and an independent rest, in some number of dimensions. In that model evidence from a set is again
    linear in the mean similarity. With one exemplar the result is the calibration itself.

    Args:
        calibration: Of one pair.
        most: Largest number of exemplars.

    Source: Brümmer and de Villiers, "The speaker partitioning problem" (2010); the discount on further exemplars is
    ours.
    """
    rho, dims = _implied(calibration)
    n = 1.0 + INDEPENDENCE * (np.maximum(np.arange(most + 1), 1) - 1.0)
    weight = n * rho / (n * rho + 1.0 - rho)
    spread = 1.0 - rho * weight
    norm = rho + (1.0 - rho) / n
    slopes = dims * weight / spread
    offsets = 0.5 * dims * (1.0 - np.log(spread) - (1.0 + weight**2 * norm) / spread)
    offsets += calibration.offset - offsets[1]
    return PooledCalibration(slopes, offsets, calibration.limit)


def _implied(calibration: Calibration) -> tuple[float, float]:
    """Share of variance and number of dimensions of the model that a pair's slope and offset belong to."""

    def crossing(rho: float) -> float:
        return (0.5 * (1 - rho**2) * math.log1p(-(rho**2)) + rho**2) / rho

    wanted = float(np.clip(-calibration.offset / calibration.slope, crossing(0.05), crossing(0.95)))
    rho = float(brentq(lambda r: crossing(r) - wanted, 0.05, 0.95))
    return rho, calibration.slope * (1 - rho**2) / rho

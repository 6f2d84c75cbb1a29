"""What similarity of means over several sightings is worth, and how much more than that of one. Never imports torch.

A calibration says what one pair shows. Several sightings of a vehicle show more only as far as what differs between
them averages out. Camera, side and light recur, and look-alikes stay alike however often they are seen, so how far that
is has to be measured of each network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from reid.types import Calibration

Floats = NDArray[np.float64]

#: What counts of evidence beyond its limit: of two candidates there, the one that looks more alike comes first.
BEYOND = 1e-4
#: Levels of reliability that evidence is worked out for, from 0 to 1.
LEVELS = 21
#: What is less reliable counts as being so.
LEAST_RELIABLE = 0.4
#: Numbers of views on both sides that independence is measured on.
COUNTS = ((2, 1), (3, 1), (4, 1), (2, 2), (3, 3))
#: How often views are drawn anew for each.
ROUNDS = 8
#: Values of independence that are tried.
TRIED = np.linspace(0.0, 1.0, 21)
#: With fewer vehicles it is not measured.
LEAST_VEHICLES = 10
#: It is measured as it is used, where a sighting may be any of some fifty vehicles.
PRIOR = 0.02
#: Views of a vehicle, on both sides together, from which there is a further one to judge.
FEWEST_VIEWS = min(map(sum, COUNTS))


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
        # np.clip costs several times what it is made of, and a decision asks for this some hundred times.
        most = self.slopes.shape[1] - 1
        level = np.rint(np.minimum(np.maximum(reliability, LEAST_RELIABLE), 1.0) * (LEVELS - 1)).astype(np.intp)
        here, there = np.minimum(np.maximum(one, 1), most), np.minimum(np.maximum(other, 1), most)
        at = (level * (most + 1) + here) * (most + 1) + there
        nats: Floats = self.slopes.take(at) * np.maximum(similarity, -1.0) + self.offsets.take(at)
        limits = self.limits.take(at)
        within: Floats = np.minimum(np.maximum(nats, -limits), limits)
        return within + BEYOND * (nats - within)


def pool(calibration: Calibration, most: int) -> PooledCalibration:
    """Extends a pair's calibration to means over sightings.

    The pair's slope and offset are read as those of a two-covariance model: a vehicle's part with a share ``rho`` of
    the variance and an independent rest, in some number of dimensions. In that model evidence from two means is again
    linear in their product. With one sighting each the result is the calibration itself. A further sighting counts as
    ``calibration.independence`` of one: with 0 means are worth what single sightings are. What was seen less well has
    more of the rest: the same variance with a smaller share of the vehicle's part.

    Args:
        calibration: Of one pair.
        most: Largest number of sightings.

    Source: Brümmer and de Villiers, "The speaker partitioning problem" (2010); the discount on further sightings is
    ours.
    """
    rho, dims = _implied(calibration)
    count = 1.0 + calibration.independence * (np.maximum(np.arange(most + 1), 1) - 1.0)
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


def fit_independence(views: Floats, vehicles: Sequence[str], calibration: Calibration) -> float:
    """Measures which share of a vehicle's further view counts as independent of those before.

    Means over views of a vehicle are held against means over other views of it and of the other vehicles; the share is
    the one of a grid under which the log loss is least at a prior of ``PRIOR``, over all numbers of views alike. Few
    vehicles have few look-alikes, which are what does not average out: the more, the truer.

    Args:
        views: (V, D), rows of L2 norm 1, of one domain; those of a vehicle from a camera each.
        vehicles: Whose each is.
        calibration: Of one pair.

    Returns:
        In [0, 1]; 0 where too few vehicles were seen by three cameras: then several views are worth what one is.
    """
    names = np.asarray(vehicles)
    places = [np.flatnonzero(names == name) for name in dict.fromkeys(vehicles)]
    drawn = [_drawn(views, places, *counts) for counts in COUNTS]
    usable = [(counts, *each) for counts, each in zip(COUNTS, drawn, strict=True) if each is not None]
    if not usable:
        return 0.0
    most = max(max(counts) for counts in COUNTS)
    losses = []
    for independence in TRIED.tolist():
        pooled = pool(replace(calibration, independence=independence), most)
        of_counts = [_log_loss(pooled, *each) for each in usable]
        losses.append(float(np.mean(of_counts)))
    return float(TRIED[int(np.argmin(losses))])


def _drawn(views: Floats, places: Sequence[NDArray[np.intp]], one: int, other: int) -> tuple[Floats, Floats] | None:
    """Products of means over so many views with means over so many others: of one vehicle, and of two."""
    enough = [place for place in places if len(place) >= one + other]
    if len(enough) < LEAST_VEHICLES:
        return None
    rng = np.random.default_rng((one, other))
    same: list[Floats] = []
    different: list[Floats] = []
    for _ in range(ROUNDS):
        order = [rng.permutation(place) for place in enough]
        left = np.stack([views[place[:one]].mean(axis=0) for place in order])
        right = np.stack([views[place[one : one + other]].mean(axis=0) for place in order])
        product = left @ right.T
        own = np.eye(len(enough), dtype=bool)
        same.append(product[own])
        different.append(product[~own])
    return np.concatenate(same), np.concatenate(different)


def _log_loss(pooled: PooledCalibration, counts: tuple[int, int], same: Floats, different: Floats) -> float:
    """In nats, at the prior."""
    one, other = np.array(counts[0]), counts[1]
    prior = math.log(PRIOR / (1.0 - PRIOR))
    on_same = np.logaddexp(0.0, -pooled.nats(same, one, other) - prior)
    on_different = np.logaddexp(0.0, pooled.nats(different, one, other) + prior)
    return PRIOR * float(on_same.mean()) + (1.0 - PRIOR) * float(on_different.mean())

"""The calibration that a network of simulated quality would come with. Fits on vehicles that are judged nowhere."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from reid.pooled import fit_independence
from reid.types import Calibration
from tracker.evaluation.simulated.components import Components
from tracker.evaluation.simulated.embeddings import SIDES, Draw, Parts, Solved
from tracker.evaluation.truth import TruthTracklet

_VEHICLES, _CAMERAS = 200, 4
#: A fleet of its own.
_FLEET = 7
_ROUNDS = 50
_LIMITS = (2.0, 8.0)


def calibrate(components: Components, solved: Solved, seed: int) -> Calibration:
    """Fits by logistic regression on pairs of two cameras, both kinds weighing alike.

    Args:
        components: Sizes of the parts.
        solved: Factors at which the network is judged.
        seed: Of the judged embeddings; looks are theirs, vehicles and cameras are not.

    Source: as ``reid.calibrate`` does for real networks: the fitted logit holds no prior, and the limit is the
        logarithm of the number of same-vehicle pairs.
    """
    rng = np.random.default_rng([seed, _FLEET])
    sides = rng.integers(SIDES, size=(_VEHICLES, _CAMERAS))
    widths = rng.uniform(50.0, 200.0, (_VEHICLES, _CAMERAS))
    others = [
        TruthTracklet(
            f"calibration-{k}", v, 0, 1, 1, (0.5, 0.5), (0.5, 0.5), side=int(sides[v, k]), width_px=float(widths[v, k])
        )
        for v in range(_VEHICLES)
        for k in range(_CAMERAS)
    ]
    vectors = Parts(others, components, Draw(seed, _FLEET)).at(solved.level, solved.shift).final
    vehicle = np.repeat(np.arange(_VEHICLES), _CAMERAS)
    camera = np.tile(np.arange(_CAMERAS), _VEHICLES)
    i, j = np.nonzero(np.triu(camera[:, None] != camera[None, :], 1))
    x = (vectors @ vectors.T)[i, j].astype(np.float64)
    y = vehicle[i] == vehicle[j]
    weight = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    centre, scale = float(x.mean()), float(x.std()) + 1e-9
    design = np.stack([(x - centre) / scale, np.ones_like(x)], axis=1)
    ridge = np.diag([1.0 / (10 * y.sum()), 0.0])
    theta = np.zeros(2)
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-design @ theta))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + ridge + 1e-12 * np.eye(2)
        theta += np.linalg.solve(hessian, design.T @ (weight * (y - p)) - ridge @ theta)
    slope = max(float(theta[0]) / scale, 1e-6)
    limit = min(max(math.log(float(y.sum())), _LIMITS[0]), _LIMITS[1])
    pair = Calibration(slope, float(theta[1]) - slope * centre, limit)
    shared = fit_independence(vectors.astype(np.float64), vehicle.astype(str).tolist(), pair)
    return replace(pair, independence=shared)

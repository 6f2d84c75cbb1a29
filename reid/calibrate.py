"""Turns cosine similarities into evidence: a logistic fit on vehicles that neither trained nor selected the model."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from reid.data import Sample
from reid.types import Calibration

LIMITS = (2.0, 8.0)


def fit_calibration(same: NDArray[np.float64], different: NDArray[np.float64]) -> Calibration:
    """Fits ``slope * similarity + offset`` as the log-likelihood ratio of "same vehicle" against "different".

    Both classes weigh alike whatever their numbers, so the fitted logit holds no prior and is the ratio itself. A
    slight pull of the slope towards 0 (one observation's worth) keeps separable data from driving it to infinity. The
    limit is the logarithm of the smaller class's size: n observations cannot witness odds beyond n to 1.

    Args:
        same: (S,) similarities of pairs of one vehicle.
        different: (M,) similarities of pairs of two vehicles.

    Returns:
        The calibration, slope > 0.

    Raises:
        ValueError: A class has fewer than two pairs, or similarity says nothing of identity.
    """
    if len(same) < 2 or len(different) < 2:
        raise ValueError(f"needs two pairs of each kind, got {len(same)} same and {len(different)} different")
    x = np.concatenate([same, different])
    y = np.concatenate([np.ones(len(same)), np.zeros(len(different))])
    weights = np.where(y == 1, 0.5 / len(same), 0.5 / len(different))
    centre, scale = float(x.mean()), float(x.std()) + 1e-9
    z = (x - centre) / scale
    ridge = 0.5 / (min(len(same), len(different)) * 10)

    def loss(p: NDArray[np.float64]) -> float:
        signed = np.where(y == 1, 1.0, -1.0) * (p[0] * z + p[1])
        return float(weights @ np.logaddexp(0.0, -signed) + ridge * p[0] ** 2)

    fitted = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    slope = float(fitted[0]) / scale
    if slope <= 0:
        raise ValueError("same-vehicle pairs are no more alike than others: nothing to calibrate")
    limit = min(max(math.log(min(len(same), len(different))), LIMITS[0]), LIMITS[1])
    return Calibration(slope, float(fitted[1]) - slope * centre, limit)


def cross_camera_pairs(
    embeddings: NDArray[np.float32], samples: Sequence[Sample], *, pooled: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Similarities between views of different cameras of one domain.

    Args:
        embeddings: (N, D), rows of L2 norm 1.
        samples: One per row.
        pooled: Average all pictures of a vehicle in a camera first, as a sighting's embedding does.

    Returns:
        Similarities of same-vehicle pairs and of different-vehicle pairs.
    """
    groups: dict[tuple[str, str, str, int], list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        groups[*sample.identity, sample.camera, 0 if pooled else row].append(row)
    views = np.stack([embeddings[rows].mean(axis=0) for rows in groups.values()]).astype(np.float64)
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    domains, vehicles, cameras = (np.array([key[i] for key in groups]) for i in range(3))
    first, second = np.triu_indices(len(views), k=1)
    usable = (domains[first] == domains[second]) & (cameras[first] != cameras[second])
    first, second = first[usable], second[usable]
    similarities = np.einsum("ij,ij->i", views[first], views[second])
    is_same = vehicles[first] == vehicles[second]
    return similarities[is_same], similarities[~is_same]


def calibration_error(calibration: Calibration, same: NDArray[np.float64], different: NDArray[np.float64]) -> float:
    """Log loss in nats at equal priors: ln 2 for knowing nothing, 0 for certainty that is always right."""
    on_same = [-math.log(calibration.probability(s)) for s in same]
    on_different = [-math.log(1 - calibration.probability(s)) for s in different]
    return 0.5 * (float(np.mean(on_same)) + float(np.mean(on_different)))

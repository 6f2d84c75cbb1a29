"""Turns cosine similarities into evidence: a logistic fit on vehicles that neither trained nor selected the model."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from reid.data import Sample, count_views, draw_views
from reid.errors import DataError
from reid.evaluation.reliability import reliability
from reid.pooled import FEWEST_VIEWS, fit_independence
from reid.preprocess import Preprocessing
from reid.types import Calibration

if TYPE_CHECKING:
    from reid.model import ReidNet

#: Nats beyond which no number of pairs makes similarity evidence.
MOST_NATS = 8.0
#: Of one vehicle and of two, each: fewer tell nothing.
LEAST_PAIRS = 2
#: What stands for a calibration where there is none: next to no evidence, whatever the similarity.
NO_CALIBRATION = Calibration(slope=1e-6, offset=0.0, limit=1e-6)
#: Views that are compared with all others at once.
_BLOCK = 256


def fit_calibration(same: NDArray[np.float64], different: NDArray[np.float64]) -> Calibration:
    """Fits ``slope * similarity + offset`` as the log-likelihood ratio of "same vehicle" against "different".

    Both classes weigh alike whatever their numbers, so the fitted logit holds no prior and is the ratio itself. A
    slight pull of the slope towards 0 (one observation's worth) keeps separable data from driving it to infinity. The
    limit is the logarithm of the smaller class's size, `MOST_NATS` at the most: n observations cannot witness odds
    beyond n to 1.

    Args:
        same: (S,) similarities of pairs of one vehicle.
        different: (M,) similarities of pairs of two vehicles.

    Returns:
        The calibration, slope > 0.

    Raises:
        ValueError: A class has fewer than two pairs, a similarity is no number, or it says nothing of identity.
    """
    if min(len(same), len(different)) < LEAST_PAIRS:
        raise ValueError(f"needs two pairs of each kind, got {len(same)} same and {len(different)} different")
    x = np.concatenate([same, different])
    if not np.isfinite(x).all():
        raise ValueError("similarities are no numbers")
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
    limit = min(math.log(min(len(same), len(different))), MOST_NATS)
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
        Similarities of same-vehicle pairs and of different-vehicle pairs, each by first and then by second view.
    """
    views, keys = pooled_views(embeddings, samples, pooled=pooled)
    domain, vehicle, camera = (np.unique(column, return_inverse=True)[1] for column in keys.T)  # (V,) each
    numbers = np.arange(len(views))
    same, different = [], []
    for start in range(0, len(views), _BLOCK):
        rows = numbers[start : start + _BLOCK, None]  # (b, 1), against (V,)
        similarities = views[start : start + _BLOCK] @ views.T  # (b, V)
        usable = (rows < numbers) & (domain[rows] == domain) & (camera[rows] != camera)
        is_same = vehicle[rows] == vehicle
        same.append(similarities[usable & is_same])
        different.append(similarities[usable & ~is_same])
    return np.concatenate(same), np.concatenate(different)


def pooled_views(
    embeddings: NDArray[np.float32], samples: Sequence[Sample], *, pooled: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """One vector per vehicle and camera, as a sighting has.

    Args:
        embeddings: (N, D), rows of L2 norm 1.
        samples: One per row.
        pooled: Average the pictures of a vehicle in a camera; else every picture is a view of its own.

    Returns:
        (V, D) rows of L2 norm 1, and (V, 3) their domain, vehicle, camera, both by first appearance.
    """
    groups: dict[tuple[str, str, str, int], list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        groups[*sample.identity, sample.camera, 0 if pooled else row].append(row)
    views = np.stack([embeddings[rows].mean(axis=0) for rows in groups.values()]).astype(np.float64)
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    return views, np.array([key[:3] for key in groups])


def top_decisions(
    embeddings: NDArray[np.float32], samples: Sequence[Sample], calibration: Calibration
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What a search would answer first, how sure it would be, and whether it would be right.

    Each view that has its vehicle in another camera is a query against all views of other cameras of its domain. A
    vehicle's similarity is that of its most similar view; how sure the answer is, is what a search states:
    the posterior among all vehicles.

    Args:
        embeddings: (N, D), rows of L2 norm 1.
        samples: One per row.
        calibration: Of the network.

    Returns:
        (Q,) probability of the first answer and (Q,) whether it is right.
    """
    views, keys = pooled_views(embeddings, samples)
    sure: list[float] = []
    right: list[bool] = []
    for query, (domain, vehicle, camera) in enumerate(keys):
        elsewhere = (keys[:, 0] == domain) & (keys[:, 2] != camera)
        if not (keys[elsewhere, 1] == vehicle).any():
            continue
        best: dict[str, float] = {}
        for name, similarity in zip(keys[elsewhere, 1], views[elsewhere] @ views[query], strict=True):
            best[name] = max(best.get(name, -1.0), float(similarity))
        names = sorted(best, key=lambda name: (-best[name], name))
        sure.append(calibration.posterior([best[name] for name in names])[0])
        right.append(names[0] == vehicle)
    return np.array(sure), np.array(right, bool)


def calibrate_network(
    net: ReidNet,
    preprocessing: Preprocessing,
    held_out: Mapping[str, Sequence[Sample]],
    beside: Mapping[str, Sequence[Sample]] | None = None,
) -> tuple[Calibration, dict[str, dict[str, Any]]]:
    """Fits a calibration on vehicles that the network has not seen, all domains together, small pictures included.

    Of a domain with very many views some vehicles are drawn (`reid.data.draw_views`): every view is held against every
    other one.

    Args:
        net: Trained.
        preprocessing: Of the network.
        held_out: Pictures by domain.
        beside: Pictures of further vehicles that it did not learn from, which only tell, with the others, how far
            several views of a vehicle are independent: look-alikes are what matters there, and few have any.

    Returns:
        The calibration, and by domain its ``log_loss`` on pairs (nats, equal priors) and the reliability of first
        answers (``top1``), both on the vehicles it was fitted on; and ``views``, how many were ``compared`` ``of``
        all, where not all were.

    Raises:
        DataError: They do not allow it.
    """
    from reid.detail import measure_detail
    from reid.embedding import embed_samples

    given, held_out = held_out, {domain: _drawn(samples) for domain, samples in held_out.items()}
    embedded = {domain: embed_samples(net, samples, preprocessing) for domain, samples in held_out.items()}
    pairs = {domain: cross_camera_pairs(embedded[domain], samples) for domain, samples in held_out.items()}
    same = np.concatenate([pair[0] for pair in pairs.values()])
    different = np.concatenate([pair[1] for pair in pairs.values()])
    try:
        calibration = fit_calibration(same, different)
    except ValueError as exc:
        raise DataError(f"the vehicles held out for calibration do not allow it: {exc}") from exc
    calibration = replace(calibration, detail=measure_detail(net, preprocessing, held_out, embedded))
    further = {domain: _drawn(samples) for domain, samples in (beside or {}).items()}
    more = {domain: (embed_samples(net, samples, preprocessing), samples) for domain, samples in further.items()}
    calibration = replace(calibration, independence=_independence(embedded, held_out, more, calibration))
    judged: dict[str, dict[str, Any]] = {}
    for domain, samples in held_out.items():
        judged[domain] = {"pairs_same": len(pairs[domain][0]), "pairs_different": len(pairs[domain][1])}
        if len(samples) < len(given[domain]):
            judged[domain]["views"] = {"compared": count_views(samples), "of": count_views(given[domain])}
        if min(map(len, pairs[domain])) > 0:
            judged[domain]["log_loss"] = round(calibration_error(calibration, *pairs[domain]), 4)
        sure, right = top_decisions(embedded[domain], samples, calibration)
        if len(sure):
            judged[domain]["top1"] = reliability(sure, right).document()
    return calibration, judged


def _drawn(samples: Sequence[Sample]) -> list[Sample]:
    return [samples[row] for row in draw_views(samples)]


def _independence(
    embedded: Mapping[str, NDArray[np.float32]],
    held_out: Mapping[str, Sequence[Sample]],
    beside: Mapping[str, tuple[NDArray[np.float32], Sequence[Sample]]],
    calibration: Calibration,
) -> float:
    """That of the domain with most vehicles seen by three cameras or more."""
    best, found = 0, 0.0
    for domain, samples in held_out.items():
        further, others = beside.get(domain, (embedded[domain][:0], ()))
        both = [*samples, *others]
        rows = draw_views(both)
        views, keys = pooled_views(np.concatenate([embedded[domain], further])[rows], [both[row] for row in rows])
        vehicles = keys[:, 1].tolist()
        often = sum(count >= FEWEST_VIEWS for count in Counter(vehicles).values())
        if often > best:
            best, found = often, fit_independence(views, vehicles, calibration)
    return found


def calibration_error(calibration: Calibration, same: NDArray[np.float64], different: NDArray[np.float64]) -> float:
    """Log loss in nats at equal priors: ln 2 for knowing nothing, 0 for certainty that is always right."""
    on_same = [-math.log(calibration.probability(s)) for s in same]
    on_different = [-math.log(1 - calibration.probability(s)) for s in different]
    return 0.5 * (float(np.mean(on_same)) + float(np.mean(on_different)))

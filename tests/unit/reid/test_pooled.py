"""What likeness of means over several sightings is worth."""

from __future__ import annotations

import numpy as np
import pytest

from reid.pooled import LEAST_VEHICLES, fit_independence, pool
from reid.types import Calibration


def test_pooling_keeps_the_pair_and_grows_with_sightings():
    calibration = Calibration(slope=15.0, offset=-6.0, independence=0.65)
    pooled = pool(calibration, 6)
    for similarity in (-1.0, 0.1, 0.4, 0.9):
        one = float(pooled.nats(np.array(similarity), np.array(1)))
        assert one == pytest.approx(calibration.log_likelihood_ratio(similarity), abs=0.01)
    assert (np.diff(pooled.slopes[-1, 1:, 1:], axis=0) > 0).all()
    crossings = -pooled.offsets[-1, 1, 1:] / pooled.slopes[-1, 1, 1:]
    assert crossings == pytest.approx(crossings[0], abs=0.1)


def test_of_two_beyond_the_limit_the_more_alike_stays_ahead():
    calibration = Calibration(slope=15.0, offset=-6.0, limit=4.0)
    nats = pool(calibration, 2).nats(np.array([-0.9, -0.8, 0.8, 0.9]), np.ones(4, np.intp))
    assert (np.diff(nats) > 0).all()
    assert np.abs(nats) == pytest.approx([4.0] * 4, abs=0.01)


def test_pooled_evidence_is_the_same_from_both_sides():
    pooled = pool(Calibration(slope=15.0, offset=-6.0, independence=0.65), 6)
    assert pooled.slopes[-1, 1:, 1:] == pytest.approx(pooled.slopes[-1, 1:, 1:].T)
    assert pooled.offsets[-1, 1:, 1:] == pytest.approx(pooled.offsets[-1, 1:, 1:].T)


def fit_logistic(x, same):
    """Slope and offset."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    theta = np.zeros(2)
    for _ in range(40):
        p = 1 / (1 + np.exp(-design @ theta))
        theta += np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design, design.T @ (same - p))
    return theta


@pytest.mark.parametrize("count", [2, 4, 6])
def test_pooled_evidence_claims_no_more_than_independent_pictures_show(count):
    rng = np.random.default_rng(0)
    n, dims, rho = 3000, 40, 0.4
    x = np.sqrt(rho) * rng.standard_normal((n, 1, dims)) + np.sqrt(1 - rho) * rng.standard_normal((n, count + 1, dims))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    similar = np.einsum("nd,nkd->nk", x[:, 0], x[:, 1:])
    different = np.einsum("nd,nkd->nk", np.roll(x[:, 0], 1, axis=0), x[:, 1:])
    same = np.repeat([1.0, 0.0], n)
    pair = fit_logistic(np.concatenate([similar[:, 0], different[:, 0]]), same)
    mean = fit_logistic(np.concatenate([similar.mean(axis=1), different.mean(axis=1)]), same)
    pooled = pool(Calibration(slope=pair[0], offset=pair[1], independence=0.65), count)
    assert pair[0] < pooled.slopes[-1, count, 1] < 1.1 * mean[0]
    assert pooled.offsets[-1, count, 1] == pytest.approx(mean[1], rel=0.25)


def test_without_independence_means_are_worth_what_one_sighting_is():
    pooled = pool(Calibration(slope=15.0, offset=-6.0), 6)
    for of_one in (pooled.slopes[-1, 1, 1], pooled.slopes[-1, 3, 2], pooled.slopes[-1, 6, 6]):
        assert of_one == pytest.approx(15.0, rel=1e-6)
    assert pooled.offsets[-1, 6, 6] == pytest.approx(-6.0, rel=1e-6)


def seen(vehicles, times, dims, rng, *, own):
    """Views of vehicles with fresh noise; of all but the share ``own``, two vehicles have the same."""
    vehicle = rng.standard_normal((vehicles, 1, dims))
    alike = np.repeat(rng.standard_normal((vehicles // 2, 1, dims)), 2, axis=0)
    x = np.sqrt(own) * (vehicle + rng.standard_normal((vehicles, times, dims))) + np.sqrt(1 - own) * 2.0 * alike
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).reshape(-1, dims)


def calibrated(views, times):
    place = np.arange(len(views)) // times
    i, j = np.triu_indices(len(views), 1)
    x, same = np.einsum("nd,nd->n", views[i], views[j]), place[i] == place[j]
    ones = np.flatnonzero(~same)[:: max((~same).sum() // same.sum(), 1)]
    keep = np.concatenate([np.flatnonzero(same), ones])
    slope, offset = fit_logistic(x[keep], same[keep].astype(float))
    return Calibration(slope=slope, offset=offset, limit=8.0)


def test_independence_is_measured_high_where_the_rest_averages_out_and_low_among_look_alikes():
    rng = np.random.default_rng(3)
    names = np.repeat(np.arange(160), 6).astype(str).tolist()
    fresh, alike = (seen(160, 6, 40, rng, own=own) for own in (1.0, 0.1))
    high = fit_independence(fresh, names, calibrated(fresh, 6))
    low = fit_independence(alike, names, calibrated(alike, 6))
    assert low <= 0.05
    assert high >= 0.45, "at the prior of use: at even odds these would show 0.3"


def test_too_few_vehicles_or_views_say_nothing_of_independence():
    views = seen(2 * LEAST_VEHICLES, 2, 16, np.random.default_rng(0), own=1.0)
    pairs = np.repeat(np.arange(2 * LEAST_VEHICLES), 2).astype(str).tolist()
    assert fit_independence(views, pairs, Calibration(15.0, -6.0)) == 0.0
    assert fit_independence(views[:12], ["a"] * 6 + ["b"] * 6, Calibration(15.0, -6.0)) == 0.0

"""How likely each origin is when none serves two arrivals."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.links.matching import columns_of, marginals_by_column, matching_marginals


def test_marginals_of_a_matching_are_those_of_its_enumeration():
    log_odds = np.log(np.array([[3.0, 0.5], [2.0, 1.0]]))
    # Both alone, one pair of four, or two pairs of two.
    weights = {(): 1.0, (0, 0): 3.0, (0, 1): 0.5, (1, 0): 2.0, (1, 1): 1.0, "straight": 3.0 * 1.0, "crossed": 0.5 * 2.0}
    total = sum(weights.values())
    exact = np.array(
        [
            [weights[0, 0] + weights["straight"], weights[0, 1] + weights["crossed"]],
            [weights[1, 0] + weights["crossed"], weights[1, 1] + weights["straight"]],
        ]
    )
    found = matching_marginals(log_odds, np.array([[7, 9], [7, 9]]))
    assert found == pytest.approx(exact / total, abs=0.03)
    assert found.sum(axis=0).max() < 1.0


def test_marginals_without_rivals_are_plain_posteriors():
    log_odds = np.array([[0.0, 1.0, -np.inf], [2.0, -np.inf, -np.inf]])
    found = matching_marginals(log_odds, np.array([[1, 2, -1], [3, -1, -1]]))
    assert found[0] == pytest.approx(np.array([1, np.e, 0]) / (2 + np.e))
    assert found[1, 0] == pytest.approx(np.exp(2) / (1 + np.exp(2)))


def test_origins_numbered_once_give_the_very_marginals_of_their_keys():
    rng = np.random.default_rng(3)
    keys = rng.integers(-1, 40, (30, 8)) * 10**9
    columns = columns_of(keys)
    for _ in range(3):
        log_odds = np.where(keys < 0, -np.inf, rng.normal(0, 3, keys.shape))
        assert np.array_equal(marginals_by_column(log_odds, columns), matching_marginals(log_odds, keys))

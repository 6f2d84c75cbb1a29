import math

import numpy as np
import pytest

from reid.evaluation.reliability import reliability


def test_honest_probabilities_have_no_error_and_boasting_shows():
    rng = np.random.default_rng(0)
    stated = rng.uniform(0, 1, 40000)
    right = rng.uniform(0, 1, 40000) < stated
    assert reliability(stated, right).ece < 0.02
    boasting = np.clip(stated * 1.5, 0, 1)
    assert reliability(boasting, right).ece > 0.15


def test_bins_cover_zero_to_one_and_count_everything():
    stated = np.array([0.0, 0.05, 0.1, 0.999, 1.0])
    curve = reliability(stated, np.array([False, False, True, True, True]))
    assert [part.decisions for part in curve.bins] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert curve.bins[0].lower == 0
    assert curve.bins[-1].upper == 1
    assert all(a.upper == b.lower for a, b in zip(curve.bins, curve.bins[1:], strict=False))
    assert curve.bins[3].stated is None
    assert len(curve.document()["bins"]) == 3


def test_log_loss_is_that_of_the_formula_and_stays_finite():
    curve = reliability(np.array([0.8, 0.4]), np.array([True, False]))
    assert curve.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    assert math.isfinite(reliability(np.array([1.0]), np.array([False])).log_loss)


def test_what_is_no_probability_is_refused():
    for stated, right, bins in (([1.2], [True], 10), ([0.5], [True, False], 10), ([], [], 10), ([0.5], [True], 0)):
        with pytest.raises(ValueError, match="needs"):
            reliability(np.array(stated, float), np.array(right, bool), bins)

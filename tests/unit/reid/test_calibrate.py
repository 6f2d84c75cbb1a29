import math
from pathlib import Path

import numpy as np
import pytest

from reid.calibrate import calibration_error, cross_camera_pairs, fit_calibration
from reid.data import Sample


def test_recovers_the_true_ratio_of_two_gaussians_whatever_their_numbers():
    rng = np.random.default_rng(0)
    same, different = rng.normal(0.7, 0.1, 4000), rng.normal(0.3, 0.1, 40000)
    fitted = fit_calibration(same, different)  # True ratio: (0.7 − 0.3) / 0.01 · (s − 0.5).
    assert fitted.slope == pytest.approx(40, rel=0.1)
    assert -fitted.offset / fitted.slope == pytest.approx(0.5, abs=0.01)
    assert calibration_error(fitted, same, different) < 0.2


def test_separable_data_stays_finite_and_claims_no_more_than_it_saw():
    fitted = fit_calibration(np.full(40, 0.9), np.linspace(-0.2, 0.2, 400))
    assert math.isfinite(fitted.slope)
    assert fitted.limit == pytest.approx(math.log(40))
    assert fitted.log_likelihood_ratio(0.9) > 1 > -1 > fitted.log_likelihood_ratio(0.0)


def test_what_says_nothing_cannot_be_calibrated():
    with pytest.raises(ValueError, match="alike"):
        fit_calibration(np.array([0.1, 0.2]), np.array([0.8, 0.9]))
    with pytest.raises(ValueError, match="two pairs"):
        fit_calibration(np.array([0.1]), np.array([0.8, 0.9]))


def test_pairs_cross_cameras_within_a_domain_and_views_are_pooled():
    rows = [("d", "a", "1"), ("d", "a", "1"), ("d", "a", "2"), ("d", "b", "2"), ("e", "a", "1")]
    samples = [Sample(Path(str(i)), *row) for i, row in enumerate(rows)]
    vectors = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [1, 0]], np.float32)
    same, different = cross_camera_pairs(vectors, samples)
    assert same == pytest.approx([math.sqrt(0.5)])
    assert different == pytest.approx([math.sqrt(0.5)])
    same, different = cross_camera_pairs(vectors, samples, pooled=False)
    assert sorted(same) == pytest.approx([0, 1])
    assert sorted(different) == pytest.approx([0, 1])

"""One vector of several views."""

import doctest

import numpy as np

from services import vectors
from services.vectors import mean_direction


def test_the_examples_hold():
    assert doctest.testmod(vectors).failed == 0


def test_weights_count_and_opposites_have_a_mean_all_the_same():
    axes = np.eye(2, dtype=np.float32)
    mean = mean_direction(axes, np.array([3, 1], np.float32))
    assert np.allclose(mean, np.array([3, 1]) / np.sqrt(10))
    assert np.isclose(np.linalg.norm(mean), 1)
    opposite = np.array([[1, 0], [-1, 0]], np.float32)
    assert mean_direction(opposite, np.array([0.4, 0.4], np.float32)).tolist() == [1.0, 0.0]
    assert mean_direction(axes[:1] * 1).dtype == np.float32

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.matcher.generator import fit_generator, load_generator
from benchmarks.matcher.run import tie_aware_recall


def test_the_generator_is_fitted_to_the_default_network() -> None:
    generator = load_generator()
    gallery, queries = generator.gallery(500, 20, seed=3)
    assert gallery.shape == (500, generator.dim)
    np.testing.assert_allclose(np.linalg.norm(gallery, axis=1), 1, atol=1e-5)
    again, _ = generator.gallery(500, 20, seed=3)
    np.testing.assert_array_equal(gallery, again)
    # Queries are held out, and nearer to their own vehicle than to others.
    assert (queries @ gallery.T).max() < 1 - 1e-4
    assert (queries @ gallery.T).max(axis=1).mean() > (queries @ gallery.T).mean() + 0.3


def test_a_fit_finds_the_spreads_again() -> None:
    rng = np.random.default_rng(0)
    between, within = np.diag([1.0, 0.5, 0.1, 0.0]), np.diag([0.1, 0.1, 0.05, 0.0])
    vehicle = np.repeat(np.arange(4000), 2)
    vectors = (rng.standard_normal((4000, 4)) @ between)[vehicle] + rng.standard_normal((8000, 4)) @ within
    fitted = fit_generator(vectors.astype(np.float32), vehicle)
    assert np.trace(fitted.within @ fitted.within.T) == pytest.approx(np.trace(within**2), rel=0.1)
    # The mean of two sightings keeps half of their spread.
    wanted = np.trace(between**2) + np.trace(within**2) / 2
    assert np.trace(fitted.between @ fitted.between.T) == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize(
    ("found", "recall"),
    [([[0, 1]], 1.0), ([[0, 2]], 1.0), ([[0, 3]], 0.5), ([[3, 4]], 0.0), ([[0, 0]], 0.5), ([[0, -1]], 0.5)],
    ids=["both", "a_tie", "one", "none", "twice_is_once", "padding"],
)
def test_recall_counts_ties(found: list[list[int]], recall: float) -> None:
    gallery = np.array([[1, 0], [0.9, 0], [0.8995, 0], [0.5, 0], [0.1, 0]], np.float32)
    query = np.array([[1, 0]], np.float32)
    assert tie_aware_recall(np.array(found), np.array([[0, 1]]), gallery, query) == recall

"""Words, inverted index and spatial verification against plain loops."""

import cv2
import numpy as np
import pytest

from reid.baselines.keypoints import LocalFeatures, local_features
from reid.baselines.kmeans import kmeans, nearest_centre
from reid.baselines.spatial import LEAST_INLIERS, SpatialVerification, inliers, match_points
from reid.baselines.vocabulary import InvertedIndex, VocabularyBaseline, VocabularyTree


def textured(vehicle: int, view: int = 0) -> np.ndarray:
    """A picture with many corners of the vehicle's own, shifted, lit and blurred by the view."""
    own = np.random.default_rng(vehicle).integers(0, 256, (12, 18, 3)).astype(np.uint8)
    picture = cv2.resize(own, (180, 120), interpolation=cv2.INTER_NEAREST).astype(np.float64)
    chance = np.random.default_rng((vehicle, view))
    moved = np.roll(picture, tuple(chance.integers(-6, 7, 2)), axis=(0, 1)) * chance.uniform(0.85, 1.1)
    return np.clip(cv2.GaussianBlur(moved, (3, 3), 0) + chance.normal(0, 3, moved.shape), 0, 255).astype(np.uint8)


def test_kmeans_is_lloyds_algorithm_and_finds_separate_clusters():
    rng = np.random.default_rng(0)
    true = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    rows = (true[rng.integers(0, 3, 300)] + rng.normal(0, 0.5, (300, 2))).astype(np.float32)
    centres = kmeans(rows, 3, np.random.default_rng(3))
    codes = nearest_centre(rows, centres)
    for k in range(3):
        assert np.allclose(centres[k], rows[codes == k].mean(axis=0), atol=1e-4)
    naive = [min(range(3), key=lambda k, row=row: ((row - centres[k]) ** 2).sum()) for row in rows]
    assert codes.tolist() == naive
    assert len(kmeans(rows[:2], 5, rng)) == 2
    with pytest.raises(ValueError, match="needs rows"):
        kmeans(rows[:0], 2, rng)


def test_every_descriptor_passes_one_word_of_each_level():
    rows = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    tree = VocabularyTree(rows, np.random.default_rng(1), branches=3, depth=3)
    assert tree.words <= 3 + 9 + 27
    counts = tree.counts(rows[:50])
    assert len(counts) == tree.words
    assert counts.sum() == 3 * 50
    assert np.array_equal(tree.counts(rows[:20]) + tree.counts(rows[20:50]), counts)
    assert tree.counts(rows[:0]).sum() == 0


def test_inverted_index_scores_as_the_papers_distance_between_whole_vectors():
    counts = np.random.default_rng(0).poisson(0.6, (9, 30)).astype(float)
    counts[:, 3] = 1  # A word that all pictures have says nothing.
    counts[4] = 0
    index = InvertedIndex(counts)
    having = (counts > 0).sum(axis=0)
    weights = [np.log(9 / n) if n else 0.0 for n in having]
    for query in np.random.default_rng(1).poisson(0.6, (4, 30)).astype(float):
        found = index.similarities(query)
        for g, row in enumerate(counts):
            q, d = query * weights, row * weights
            q, d = q / max(q.sum(), 1e-12), d / max(d.sum(), 1e-12)
            expected = 1 - np.abs(q - d).sum() / 2 if d.sum() else 0.0
            assert found[g] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("detector", ["orb", "sift"])
def test_inliers_are_many_for_one_vehicle_and_few_for_two(detector):
    a, b = (local_features(textured(1, view), detector) for view in (0, 1))
    other = local_features(textured(2), detector)
    assert len(a.points_px) == len(a.descriptors) > 30
    assert inliers(a, b) > 2 * max(LEAST_INLIERS, inliers(a, other))
    assert inliers(a, b) == inliers(a, b)


def test_matches_pass_the_ratio_test_of_a_plain_loop():
    a, b = (local_features(textured(1, view), "sift") for view in (0, 1))
    expected = []
    for row, x in enumerate(a.floats()):
        d = np.sqrt(((b.floats() - x) ** 2).sum(axis=1))
        best, second = np.argsort(d)[:2]
        if d[best] < 0.8 * d[second]:
            expected.append([row, best])
    assert match_points(a, b).tolist() == expected


def test_pictures_without_texture_have_no_features_and_match_nothing():
    flat = local_features(np.full((40, 60, 3), 90, np.uint8), "sift")
    assert flat.descriptors.shape == (0, 128)
    assert inliers(flat, local_features(textured(1), "sift")) == 0
    assert LocalFeatures(flat.points_px, np.zeros((0, 32), np.uint8)).floats().shape == (0, 256)
    with pytest.raises(ValueError, match="no picture has a keypoint"):
        VocabularyBaseline().learn([np.full((40, 60, 3), 90, np.uint8)] * 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="learned first"):
        VocabularyBaseline().describe([textured(1)])


def test_verification_puts_answers_that_move_together_first():
    method = SpatialVerification("sift")
    pictures = [textured(vehicle, view) for view in (0, 1) for vehicle in range(6)]
    method.learn(pictures, np.random.default_rng(0))
    described = method.describe(pictures)
    search = method.search(described[:6], described[6:])
    for query, similarities in enumerate(search.scores(0, 6)):
        assert similarities.shape == (6,)
        assert search.reorder is not None
        order = search.reorder(query, similarities, np.arange(6), np.zeros(6, bool))
        assert order.argmax() == query
        assert order.max() > 1 + LEAST_INLIERS

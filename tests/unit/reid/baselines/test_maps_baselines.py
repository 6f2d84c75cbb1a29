"""Methods over feature maps, on maps made here: cells hold colours, so that no network is needed."""

import itertools

import cv2
import numpy as np
import pytest

from reid.baselines.orderless import PATCHES_PX, MopCnn, patches
from reid.baselines.pooled import PooledMaps
from reid.baselines.query_adaptive import PYRAMID, QueryAdaptive, base_regions, best_combination
from reid.baselines.table import BASELINES, WITHOUT_MAPS
from reid.baselines.types import unit_rows
from reid.baselines.vlad import ConvMapVlad, VladWords, vlad

CHANNELS = 12


def colour_maps(pictures, input_hw):
    """(N, 12, h, w): colours of cells through fixed random weights and a rectifier."""
    weights = np.random.default_rng(5).normal(size=(CHANNELS, 3)).astype(np.float32)
    size = (input_hw[1] // 16, input_hw[0] // 16)
    small = np.stack([cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in pictures]).astype(np.float32)
    return np.maximum(np.einsum("nhwc,kc->nkhw", small / 128 - 1, weights), 0) + 1e-3


def painted(vehicle: int, view: int) -> np.ndarray:
    own = np.random.default_rng(vehicle).integers(20, 236, (3, 4, 3)).astype(np.uint8)
    picture = cv2.resize(own, (96, 72), interpolation=cv2.INTER_NEAREST).astype(np.float64)
    noise = np.random.default_rng((vehicle, view)).normal(0, 6, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", BASELINES)
def test_every_method_finds_painted_vehicles_far_above_chance(name):
    pictures = [painted(vehicle, view) for view in (0, 1) for vehicle in range(20)]
    method = BASELINES[name](colour_maps)
    method.learn(pictures, np.random.default_rng(0))
    query, gallery = method.describe(pictures[:20]), method.describe(pictures[20:])
    search = method.search(query, gallery)
    scores = search.scores(0, 20)
    if search.reorder is not None:
        scores = [search.reorder(q, row, np.arange(20), np.zeros(20, bool)) for q, row in enumerate(scores)]
    right = np.mean([np.argmax(row) == q for q, row in enumerate(scores)])
    assert right >= 0.5  # Chance is 0.05.


@pytest.mark.parametrize("name", [name for name in BASELINES if name not in WITHOUT_MAPS])
def test_methods_repeat_with_their_seed(name):
    pictures = [painted(vehicle, 0) for vehicle in range(10)]

    def described():
        method = BASELINES[name](colour_maps)
        method.learn(pictures, np.random.default_rng(3))
        return np.stack(method.describe(pictures))

    assert np.array_equal(described(), described())


def test_vlad_sums_residuals_of_each_centre():
    rng = np.random.default_rng(0)
    rows, centres = rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=(3, 4)).astype(np.float32)
    sums = np.zeros((3, 4))
    for row in rows:
        k = min(range(3), key=lambda k, row=row: ((row - centres[k]) ** 2).sum())
        sums[k] += row - centres[k]
    expected = np.concatenate([s / np.linalg.norm(s) for s in sums])
    assert np.allclose(vlad(rows, centres), expected / np.linalg.norm(expected), atol=1e-5)
    assert not vlad(rows[:0], centres).any()


def test_the_best_combination_is_found_among_all_of_a_fine_grid():
    rng = np.random.default_rng(1)
    for _ in range(5):
        query, regions = unit_rows(rng.normal(size=(1, 4)))[0], unit_rows(rng.normal(size=(3, 4)))
        grid = np.array([w for w in itertools.product(np.linspace(0, 1, 41), repeat=3) if any(w)])
        cosines = unit_rows(grid @ regions) @ query
        assert best_combination(query, regions) == pytest.approx(max(0.0, cosines.max()), abs=5e-3)
    assert best_combination(query, np.stack([query, -query])) == pytest.approx(1.0)
    assert best_combination(query, -query[None]) == 0.0


def test_base_regions_are_sums_over_the_cells_of_a_pyramid():
    maps = np.random.default_rng(0).random((2, 5, 6, 9)).astype(np.float32)
    regions = base_regions(maps)
    assert regions.shape == (2, sum(n * n for n in PYRAMID), 5)
    assert np.allclose(regions[:, 0], unit_rows(maps.sum(axis=(2, 3))), atol=1e-6)
    assert np.allclose(regions[:, 2], unit_rows(maps[:, :, :3, 4:].sum(axis=(2, 3))), atol=1e-6)


def test_patches_cover_the_picture_at_each_scale():
    counts = [len(patches(painted(0, 0), side, step)) for side, step in PATCHES_PX]
    assert counts == [9, 25]
    mop = MopCnn(colour_maps)
    mop.learn([painted(v, 0) for v in range(8)], np.random.default_rng(0))
    (vector,) = mop.describe([painted(0, 0)])
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    "method",
    [ConvMapVlad(colour_maps), MopCnn(colour_maps), QueryAdaptive(colour_maps)],
    ids=lambda m: type(m).__name__,
)
def test_what_must_be_learned_first_says_so(method):
    with pytest.raises(ValueError, match="learned first"):
        method.describe([painted(0, 0)])
    with pytest.raises(ValueError, match="learned first"):
        PooledMaps(colour_maps, "spoc", whiten=True).describe([painted(0, 0)])
    with pytest.raises(ValueError, match="learned first"):
        VladWords().describe(np.zeros((2, 3)))

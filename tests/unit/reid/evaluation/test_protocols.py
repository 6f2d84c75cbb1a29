"""Each protocol against a naive judge with pessimistic ties, and against torchreid where there are none."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ranking_oracles import embedded, figures, naive_figures, naive_places, unit

from reid.evaluation.cross_camera import cross_camera, rank_cross_camera
from reid.evaluation.image_to_image import rank_image_to_image
from reid.evaluation.image_to_track import rank_image_to_track
from reid.evaluation.ranking import Ranking, judge, pessimistic_places
from reid.evaluation.recall import rank_everything
from reid.evaluation.vehicleid import DRAWS, draw_rankings

SMALL = st.integers(4, 24)


@st.composite
def worlds(draw):
    """Vectors with small whole numbers, so that ties abound; vehicles and cameras drawn apart."""
    n = draw(SMALL)
    vectors = draw(arrays(np.int64, (n, 3), elements=st.integers(-1, 1)))
    vectors[(vectors == 0).all(axis=1), 0] = 1
    vehicles = draw(arrays(np.int64, n, elements=st.integers(0, 4)))
    cameras = draw(arrays(np.int64, n, elements=st.integers(0, 2)))
    return embedded(unit(vectors), vehicles, cameras)


def judged_or_skip(ranking: Ranking, places):
    assume(any(places))
    return judge(ranking)


@settings(deadline=None)
@given(worlds())
def test_cross_camera_equals_the_naive_judge(pool):
    places = naive_places(pool, pool, lambda q, g: pool.side.cameras[q] != pool.side.cameras[g])
    judged = judged_or_skip(rank_cross_camera(pool), places)
    assert figures(judged) == pytest.approx(naive_figures(places))
    assert judged.skipped == len(pool.side) - len(judged)


@settings(deadline=None)
@given(worlds(), st.integers(1, 6))
def test_image_to_image_equals_the_naive_judge(pool, queries):
    query = pool.take(np.arange(min(queries, len(pool.side))))

    def sees(q, g):
        junk = (query.side.vehicles[q], query.side.cameras[q]) == (pool.side.vehicles[g], pool.side.cameras[g])
        return not junk and q != g

    places = naive_places(query, pool, sees)
    assert figures(judged_or_skip(rank_image_to_image(query, pool), places)) == pytest.approx(naive_figures(places))


@settings(deadline=None)
@given(worlds())
def test_recall_without_a_camera_filter_equals_the_naive_judge(pool):
    places = naive_places(pool, pool, lambda q, g: q != g)
    assert figures(judged_or_skip(rank_everything(pool, pool), places)) == pytest.approx(naive_figures(places))


@settings(deadline=None)
@given(worlds())
def test_image_to_track_takes_the_nearest_picture(pool):
    keys = sorted(set(zip(pool.side.vehicles.tolist(), pool.side.cameras.tolist(), strict=True)))
    tracks = [np.flatnonzero((pool.side.vehicles == v) & (pool.side.cameras == c)).tolist() for v, c in keys]
    places = []
    for q in range(len(pool.side)):
        listed = []
        for (vehicle, camera), track in zip(keys, tracks, strict=True):
            if (vehicle, camera) != (pool.side.vehicles[q], pool.side.cameras[q]):
                nearest = max(float(pool.vectors[q].astype(float) @ pool.vectors[g].astype(float)) for g in track)
                listed.append((-round(nearest, 5), vehicle == pool.side.vehicles[q]))
        places.append([n for n, (_, right) in enumerate(sorted(listed), start=1) if right])
    judged = judged_or_skip(rank_image_to_track(pool, pool, tracks), places)
    assert figures(judged) == pytest.approx(naive_figures(places))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_equals_torchreid_where_nothing_ties(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns at import that it is not compiled.
        from torchreid.reid.metrics import evaluate_rank
    rng = np.random.default_rng(seed)
    pool = embedded(unit(rng.normal(size=(60, 8))), rng.integers(0, 8, 60), rng.integers(0, 4, 60), 100)
    query = embedded(unit(rng.normal(size=(20, 8))), rng.integers(0, 8, 20), rng.integers(0, 4, 20))
    distances = 1 - query.vectors.astype(np.float64) @ pool.vectors.T.astype(np.float64)
    assume(np.diff(np.sort(distances, axis=1), axis=1).min() > 2e-6)
    labels = (query.side.vehicles, pool.side.vehicles, query.side.cameras, pool.side.cameras)
    cmc, mean_ap = evaluate_rank(distances, *labels, max_rank=10, use_cython=False)
    found = judge(rank_image_to_image(query, pool))
    assert figures(found)[:3] == pytest.approx((cmc[0], cmc[4], mean_ap), abs=1e-6)


@pytest.mark.parametrize(
    "rank", [rank_cross_camera, lambda p: rank_image_to_image(p, p), lambda p: rank_everything(p, p)]
)
@pytest.mark.parametrize("order", ["by vehicle", "by camera", "shuffled"])
def test_a_constant_embedding_scores_no_better_than_chance(rank, order):
    vehicles, cameras = np.repeat(np.arange(20), 3), np.tile(np.arange(3), 20)
    rows = {
        "by vehicle": np.arange(60),
        "by camera": np.argsort(cameras, kind="stable"),
        "shuffled": np.random.default_rng(0).permutation(60),
    }[order]
    judged = judge(rank(embedded(unit(np.ones((60, 48))), vehicles[rows], cameras[rows])))
    assert judged.first.min() > 1
    chance = float(np.mean(judged.answers / judged.seen))
    assert figures(judged)[2] <= chance + 0.02


def test_vehicleid_draws_one_picture_per_vehicle_and_averages_ten_draws():
    rng = np.random.default_rng(3)
    pool = embedded(unit(rng.normal(size=(40, 6))), np.repeat(np.arange(8), 5), np.zeros(40))
    rankings = draw_rankings(pool, np.random.default_rng(1))
    assert len(rankings) == DRAWS == 10
    for ranking in rankings:
        assert sorted(ranking.gallery.vehicles) == list(range(8))
        assert len(ranking.query) == 32
        assert not set(ranking.gallery.rows) & set(ranking.query.rows)
        similarities = pool.vectors[ranking.query.rows] @ pool.vectors[ranking.gallery.rows].T
        own = np.take_along_axis(similarities, ranking.query.vehicles[:, None], axis=1)
        assert judge(ranking).first.tolist() == (similarities >= own).sum(axis=1).tolist()
    assert len({tuple(ranking.gallery.rows) for ranking in rankings}) > 5
    smaller = draw_rankings(pool, np.random.default_rng(1), size=3)
    assert {len(ranking.gallery) for ranking in smaller} == {3}
    again = draw_rankings(pool, np.random.default_rng(1), size=3)
    assert [r.gallery.rows.tolist() for r in again] == [r.gallery.rows.tolist() for r in smaller]


def test_a_vehicle_with_one_picture_only_distracts_in_vehicleid():
    pool = embedded(unit(np.eye(3)), [0, 0, 1], [0, 0, 0])
    for ranking in draw_rankings(pool, np.random.default_rng(0)):
        assert (len(ranking.query), sorted(ranking.gallery.vehicles)) == (1, [0, 1])


def test_tracks_are_needed_and_hold_pictures():
    pool = embedded(unit(np.eye(2)), [0, 1], [0, 0])
    for tracks in ([], [[0], []]):
        with pytest.raises(ValueError, match="tracks"):
            rank_image_to_track(pool, pool, tracks)


def test_places_are_pessimistic_within_the_tolerance():
    right, wrong = np.array([0.5], np.float32), np.array([0.5 - 4e-7, 0.5 - 4e-6, 0.4], np.float32)
    assert pessimistic_places(right, wrong).tolist() == [2]


def test_nobody_to_find_is_refused():
    with pytest.raises(ValueError, match="no query has a right answer"):
        judge(rank_cross_camera(embedded(unit(np.eye(2)), [0, 0], [1, 1])))
    with pytest.raises(ValueError, match="one vector for each"):
        embedded(unit(np.eye(3)), [0, 0], [1, 1])


def test_cross_camera_by_labels_is_the_same_ranking():
    rng = np.random.default_rng(5)
    vectors, vehicles, cameras = unit(rng.normal(size=(30, 4))), rng.integers(0, 5, 30), rng.integers(0, 2, 30)
    found = cross_camera(vectors, [f"v{v}" for v in vehicles], [f"c{c}" for c in cameras])
    judged = judge(rank_cross_camera(embedded(vectors, vehicles, cameras)))
    assert (found.rank1, found.rank5, found.mean_average_precision) == pytest.approx(figures(judged)[:3])

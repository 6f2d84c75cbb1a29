"""Parts of embeddings: drawn by seed, solved for a rank-1, fitted back from what they make."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tracker.evaluation.simulated.calibration import calibrate
from tracker.evaluation.simulated.components import format_components, packaged_components, parse_components
from tracker.evaluation.simulated.embeddings import Draw, Parts, Solved, solve_rank1
from tracker.evaluation.simulated.fitting import Labelled, fit_components
from tracker.evaluation.truth import TruthTracklet


def _tracklet(camera, vehicle, side, look=-1):
    return TruthTracklet(camera, vehicle, 0, 1, 1, (0.5, 0.5), (0.5, 0.5), side=side, look=look)


@pytest.fixture(scope="module")
def crowd():
    """200 vehicles before three cameras: one tracklet is worth half a per cent of rank-1 at most."""
    rng = np.random.default_rng(1)
    return [_tracklet(f"c{k}", v, int(rng.integers(3))) for v in range(200) for k in range(3)]


def _naive_rank1(tracklets, vectors):
    hits = asked = 0
    for i, one in enumerate(tracklets):
        others = [j for j, t in enumerate(tracklets) if t.camera_id != one.camera_id]
        if any(tracklets[j].vehicle_id == one.vehicle_id for j in others):
            asked += 1
            best = max(others, key=lambda j: float(vectors[i] @ vectors[j]))
            hits += tracklets[best].vehicle_id == one.vehicle_id
    return hits / asked


def test_rank_one_equals_a_naive_loop(street):
    parts = Parts(street, packaged_components(), Draw(2))
    simulated = parts.at(1.5)
    assert parts.rank1(simulated) == pytest.approx(_naive_rank1(street, simulated.final))


@pytest.mark.parametrize("target", [0.3, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_rank_one_asked_for_is_reached(crowd, target, seed):
    parts = Parts(crowd, packaged_components(), Draw(seed))
    solved = solve_rank1(parts, target)
    assert solved.rank1 == pytest.approx(target, abs=0.01)
    assert _naive_rank1(crowd, parts.at(solved.level, solved.shift).final) == pytest.approx(solved.rank1)
    assert solved.shift == 1.0


def test_views_and_cameras_shrink_only_where_noise_alone_cannot_do_it(crowd):
    hard = packaged_components().model_copy(update={"view": 0.6, "vehicle": 0.15})
    solved = solve_rank1(Parts(crowd, hard, Draw(0)), 0.9)
    assert solved.level == 0.0
    assert 0.0 < solved.shift < 1.0
    assert solved.rank1 == pytest.approx(0.9, abs=0.01)


def test_what_cannot_be_reached_is_said():
    alone = [_tracklet("a", v, 0) for v in range(5)]
    with pytest.raises(ValueError, match="no vehicle was seen by two cameras"):
        solve_rank1(Parts(alone, packaged_components(), Draw(0)), 0.75)
    two = [_tracklet(camera, 1, 0) for camera in "ab"]
    with pytest.raises(ValueError, match="cannot be reached"):
        solve_rank1(Parts(two, packaged_components(), Draw(0)), 0.5)


def test_the_same_seed_draws_the_same_and_a_fleet_shares_only_cameras_and_looks(crowd):
    components = packaged_components()
    same = [Parts(crowd, components, Draw(4)).at(1.0).final for _ in range(2)]
    np.testing.assert_array_equal(*same)
    only_camera = components.model_copy(update={"common": 0, "look": 0, "vehicle": 1e-6, "view": 0, "camera": 1.0})
    one, other = (Parts(crowd, only_camera, Draw(4, fleet)).at(0.0).final for fleet in (0, 1))
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert not np.allclose(Parts(crowd, components, Draw(5)).at(1.0).final, same[0])


def test_a_look_that_the_truth_tells_is_taken():
    only_look = packaged_components().model_copy(
        update={"common": 0, "look": 1.0, "vehicle": 1e-6, "view": 0, "camera": 0}
    )
    tracklets = [_tracklet("a", v, 0, look=v % 2) for v in range(6)]
    vectors = Parts(tracklets, only_look, Draw(0)).at(0.0).final
    np.testing.assert_allclose(vectors[::2] @ vectors[0], 1.0, atol=1e-4)
    assert abs(float(vectors[0] @ vectors[1])) < 0.9


def test_vehicles_may_be_numbered_below_zero():
    seen = [_tracklet(camera, vehicle, 0) for vehicle in (-2, -1) for camera in "ab"]
    vectors = Parts(seen, packaged_components(), Draw(0)).at(0.0).final
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_vectors_are_of_unit_length_and_small_vehicles_of_low_quality():
    tracklets = [
        TruthTracklet("a", v, 0, 1, 1, (0, 0), (0, 0), width_px=width) for v, width in enumerate((20.0, 400.0))
    ]
    parts = Parts(tracklets, packaged_components(), Draw(0))
    simulated = parts.at(1.0)
    for vectors in (simulated.first, simulated.final, parts.pictures(1.0)):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, rtol=1e-5)
    assert parts.quality[0] < parts.quality[1] <= 1.0


def test_sizes_are_found_again_in_what_they_made():
    rng = np.random.default_rng(3)
    true = packaged_components().model_copy(update={"same_look": 1 / 30, "dim": 64})
    n, cameras, pictures = 240, 4, 2
    looks = rng.integers(30, size=n)
    sides = rng.integers(2, size=(n, cameras))
    tracklets = [_tracklet(f"c{k}", v, int(sides[v, k]), int(looks[v])) for v in range(n) for k in range(cameras)]
    made = Parts(tracklets, true, Draw(9)).pictures(1.0)[:, :pictures].reshape(-1, true.dim)

    def each(values):
        return np.repeat(np.asarray(values, np.int64), pictures)

    labelled = Labelled(
        made,
        look=each([t.look for t in tracklets]),
        vehicle=each([t.vehicle_id for t in tracklets]),
        side=each([t.side for t in tracklets]),
        camera=each([int(t.camera_id[1:]) for t in tracklets]),
    )
    found = fit_components(labelled, np.random.default_rng(0))
    for name in ("look", "vehicle", "view", "passage", "picture"):
        assert getattr(found, name) == pytest.approx(getattr(true, name), abs=0.06), name
    assert found.same_look == pytest.approx(1 / 30, rel=0.3)
    assert 40 <= found.dim <= 90


def test_fitting_needs_every_kind_of_pair():
    codes = np.zeros(4, np.int64)
    vectors = np.eye(4, dtype=np.float32)
    with pytest.raises(ValueError, match="of different looks in different cameras"):
        fit_components(Labelled(vectors, codes, codes, codes, codes), np.random.default_rng(0))
    with pytest.raises(ValueError, match="codes of each kind"):
        Labelled(vectors, codes[:2], codes, codes, codes)


def test_sizes_survive_their_file():
    components = packaged_components()
    text = format_components(components, {"network": "x", "pictures": 3})
    assert parse_components(text, "file") == components
    assert "network: x" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 1", "expected a mapping"),
        ("a: [", "not YAML"),
        ("common: 0.2", "look"),
        ("common: 7\nlook: 1", "common"),
        ("1: 2", "components.yaml"),
    ],
)
def test_a_bad_file_is_one_line(text, says):
    with pytest.raises(ValueError, match=says) as caught:
        parse_components(text, "components.yaml")
    assert "\n" not in str(caught.value)


def test_calibration_is_right_about_vehicles_it_has_not_seen(crowd):
    components = packaged_components()
    solved = solve_rank1(Parts(crowd, components, Draw(0)), 0.75)
    calibration = calibrate(components, solved, 0)
    vectors = Parts(crowd, components, Draw(0)).at(solved.level).final
    vehicle = np.array([t.vehicle_id for t in crowd])
    camera = np.array([t.camera_id for t in crowd])
    i, j = np.nonzero(np.triu(camera[:, None] != camera[None, :], 1))
    nats = np.array([calibration.log_likelihood_ratio(float(s)) for s in (vectors @ vectors.T)[i, j]])
    same = vehicle[i] == vehicle[j]
    loss = np.logaddexp(0, -nats[same]).mean() + np.logaddexp(0, nats[~same]).mean()
    assert loss < 0.6 * 2 * math.log(2)
    assert calibrate(components, Solved(4.0, 1.0, 0.2), 0).slope < calibration.slope
    assert calibration.independence > 0.0  # passages bring noise of their own

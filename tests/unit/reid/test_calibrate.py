import itertools
import math
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from reid.calibrate import calibrate_network, calibration_error, cross_camera_pairs, fit_calibration, top_decisions
from reid.data import Sample, draw_views
from reid.errors import DataError
from reid.metadata import CalibrationData
from reid.types import Calibration, Detail


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


@pytest.mark.parametrize(("count", "odds"), [(2, 2), (5, 5), (40, 40), (5000, math.exp(8))])
def test_no_odds_are_claimed_beyond_the_number_of_pairs(count, odds):
    fitted = fit_calibration(np.full(count, 0.9), np.linspace(-0.2, 0.2, count))
    assert math.exp(fitted.limit) == pytest.approx(odds)


def test_what_says_nothing_cannot_be_calibrated():
    with pytest.raises(ValueError, match="alike"):
        fit_calibration(np.array([0.1, 0.2]), np.array([0.8, 0.9]))
    with pytest.raises(ValueError, match="no numbers"):
        fit_calibration(np.array([0.1, 0.2]), np.array([0.8, np.nan]))
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


def test_pairs_of_many_views_are_those_of_a_plain_loop_and_take_little_memory():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(700, 256)).astype(np.float32)
    samples = [Sample(Path(str(i)), f"d{i % 2}", str(i // 8), str(rng.integers(4))) for i in range(len(vectors))]
    tracemalloc.start()
    found = cross_camera_pairs(vectors, samples, pooled=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected: tuple[list[float], list[float]] = ([], [])
    rows = vectors.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for (a, x), (b, y) in itertools.combinations(zip(samples, rows, strict=True), 2):
        if a.domain == b.domain and a.camera != b.camera:
            expected[a.vehicle != b.vehicle].append(float(x @ y))
    for ours, theirs in zip(found, expected, strict=True):
        assert len(theirs) > 100
        assert ours == pytest.approx(theirs, abs=1e-12)
    assert peak < 50e6, "not a vector of every pair"


def test_first_answers_are_counted_once_per_view_with_a_vehicle_as_sure_as_its_best_view():
    rows = [("d", "a", "1"), ("d", "a", "2"), ("d", "b", "2"), ("d", "b", "3"), ("d", "c", "1")]
    samples = [Sample(Path(str(i)), *row) for i, row in enumerate(rows)]
    angles = np.radians([0, 20, 60, 75, 85])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    calibration = Calibration(slope=10.0, offset=-5.0, limit=100.0)
    sure, right = top_decisions(vectors, samples, calibration)

    def share(*angles_deg):
        odds = [math.exp(10 * math.cos(math.radians(angle)) - 5) for angle in angles_deg]
        return odds[0] / sum(odds)

    # a in 1: a at 20, b at 60 and 75. a in 2: a at 20, b at 55, c at 65. b in 2: b at 15, a at 60, c at 25. b in 3: ...
    expected = [share(20, 60), share(20, 55, 65), share(15, 60, 25), share(10, 15, 55)]
    assert sure == pytest.approx(expected, abs=1e-6)
    assert right.tolist() == [True, True, True, False]


def test_first_answers_are_as_sure_as_a_search_states_beyond_the_limit_too():
    rows = [("d", "a", "1"), ("d", "a", "2"), ("d", "b", "2")]
    samples = [Sample(Path(str(i)), *row) for i, row in enumerate(rows)]
    cosines = np.array([1.0, 0.95, 0.80])
    vectors = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1).astype(np.float32)
    calibration = Calibration(slope=30.0, offset=-15.0, limit=4.0)
    sure, _ = top_decisions(vectors, samples, calibration)
    assert sure[0] == pytest.approx(calibration.posterior([0.95, 0.80])[0], abs=1e-5)
    assert sure[0] > 0.98


def test_a_network_is_calibrated_over_all_domains_and_judged_in_each(monkeypatch):
    rng = np.random.default_rng(0)

    def embed(net, samples, preprocessing, through=None):
        centres = {s.vehicle: np.random.default_rng(int(s.vehicle)).normal(size=16) for s in samples}
        rows = np.array([centres[s.vehicle] + rng.normal(0, 0.5, 16) for s in samples])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    # In this order: what is imported while the other is replaced would keep it.
    monkeypatch.setattr("reid.detail.embed_samples", embed)
    monkeypatch.setattr("reid.embedding.embed_samples", embed)
    held_out = {
        domain: [Sample(Path(f"{v}{c}"), domain, str(v), str(c)) for v in range(first, first + 12) for c in (1, 2)]
        for domain, first in (("city", 0), ("pairs", 100))
    }
    calibration, judged = calibrate_network(None, None, held_out)
    assert calibration.slope > 0
    assert calibration.detail.sizes_px
    assert set(judged) == {"city", "pairs"}
    for found in judged.values():
        assert found["pairs_same"] == 12
        assert found["log_loss"] < 0.3
        assert found["top1"]["decisions"] == 24
    with pytest.raises(DataError, match="do not allow it"):
        calibrate_network(None, None, {"city": held_out["city"][:1]})


@pytest.fixture
def looks(monkeypatch):
    """Stands in for a network: vehicles 2k and 2k + 1 are look-alikes, and every picture brings noise of its own."""

    def embed(net, samples, preprocessing, through=None):
        rows = []
        for number, sample in enumerate(samples):
            look = np.random.default_rng(int(sample.vehicle) // 2).normal(size=24)
            own = np.random.default_rng(1000 + int(sample.vehicle)).normal(size=24)
            rows.append(look + 0.4 * own + np.random.default_rng(5000 + number).normal(0, 0.5, 24))
        return (np.array(rows) / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    # In this order: what is imported while the other is replaced would keep it.
    monkeypatch.setattr("reid.detail.embed_samples", embed)
    monkeypatch.setattr("reid.embedding.embed_samples", embed)


def seen(vehicles, domain="city", cameras=6):
    return {
        domain: [Sample(Path(f"{v}-{c}"), domain, str(v), str(c)) for v in vehicles for c in range(cameras)],
    }


@pytest.mark.usefixtures("looks")
def test_independence_is_measured_with_vehicles_beside_those_calibrated_on():
    """Alone the few vehicles are unlike; beside them stand look-alikes that no number of views tells apart."""
    alone, _ = calibrate_network(None, None, seen(range(0, 60, 2)))
    beside, _ = calibrate_network(None, None, seen(range(0, 60, 2)), seen(range(1, 60, 2)))
    assert beside.independence < alone.independence
    assert (beside.slope, beside.offset) == (alone.slope, alone.offset)


@pytest.mark.usefixtures("looks")
def test_independence_is_that_of_the_domain_with_most_vehicles_seen_often():
    """Neither the order of domains counts nor vehicles that two cameras saw, of which no further view is left."""
    most = seen(range(0, 60, 2))
    others = seen(range(24), "street") | seen(range(80), "pairs", cameras=2)
    found = [calibrate_network(None, None, given)[0].independence for given in (most | others, others | most)]
    alone = calibrate_network(None, None, seen(range(24), "street"))[0].independence
    assert found[0] == found[1] != alone


@pytest.mark.usefixtures("looks")
def test_of_very_many_views_a_draw_is_calibrated_on_and_told(monkeypatch):
    whole, judged = calibrate_network(None, None, seen(range(40)))
    assert "views" not in judged["city"]
    monkeypatch.setattr("reid.calibrate.draw_views", partial(draw_views, most=60))
    some, judged = calibrate_network(None, None, seen(range(40)), seen(range(40, 80)))
    assert judged["city"]["views"] == {"compared": 60, "of": 240}
    assert judged["city"]["pairs_same"] == 10 * 15
    assert judged["city"]["top1"]["decisions"] == 60
    assert some.slope == pytest.approx(whole.slope, rel=0.5)


def test_a_calibration_is_read_from_its_files_form_as_it_was():
    calibration = Calibration(12.0, -6.0, 5.0, Detail((16.0, 88.0), (0.6, 1.0)), independence=0.35)
    written = CalibrationData.of(calibration).model_dump_json()
    assert CalibrationData.model_validate_json(written).build() == calibration
    assert CalibrationData.model_validate({"slope": 12.0, "offset": -6.0}).build().independence == 0.0
    with pytest.raises(ValueError, match="independence"):
        Calibration(12.0, -6.0, independence=1.5)

import numpy as np
import pytest

from reid.evaluation.one_shot import ROC_AT, roc_of, verify_one_shot


def vectors_of(noise: float, vehicles: int = 12, each: int = 4) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(vehicles), each)
    rows = rng.normal(size=(vehicles, 16))[labels] + rng.normal(scale=noise, size=(vehicles * each, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), [str(n) for n in labels]


def test_the_curve_counts_what_each_threshold_accepts():
    rng = np.random.default_rng(1)
    same, different = rng.normal(0.6, 0.2, 40).round(2), rng.normal(0.2, 0.2, 90).round(2)
    curve = roc_of(same, different)
    for threshold, false, accepted in zip(curve.thresholds, curve.false, curve.accepted, strict=True):
        assert false == pytest.approx(sum(d >= threshold for d in different) / 90)
        assert accepted == pytest.approx(sum(s >= threshold for s in same) / 40)
    for rate in (0.0, 0.05, 0.5):
        possible = [t for t in curve.thresholds if sum(d >= t for d in different) / 90 <= rate + 1e-12]
        assert curve.threshold_at(rate) == min(possible)
    worst = [max((different >= t).mean(), (same < t).mean()) for t in curve.thresholds]
    assert max((different >= curve.equal_error()).mean(), (same < curve.equal_error()).mean()) == min(worst)
    with pytest.raises(ValueError, match="both kinds"):
        roc_of(same, different[:0])


def test_vehicles_that_lie_apart_are_verified_and_noise_is_a_coin():
    good = verify_one_shot(*vectors_of(0.1), np.random.default_rng(0))
    assert good.accuracy > 0.97
    assert good.roc[0.1] == 1.0
    assert list(good.roc) == list(ROC_AT)
    assert good.pairs == (18.0, 90.0)
    random = verify_one_shot(*vectors_of(50.0), np.random.default_rng(0))
    assert 0.4 < random.accuracy < 0.6
    assert good.accuracy == pytest.approx(1 - (good.false_acceptance + good.false_refusal) / 2, abs=1e-9)
    assert good == verify_one_shot(*vectors_of(0.1), np.random.default_rng(0))
    assert set(good.document()) == {"threshold", "accuracy", "false_acceptance", "false_refusal", "roc", "pairs"}


def test_a_constant_vector_accepts_all_or_nothing():
    same = verify_one_shot(np.ones((16, 1), np.float32), [str(n // 4) for n in range(16)], np.random.default_rng(0))
    assert same.accuracy == 0.5


def test_too_few_vehicles_are_refused():
    with pytest.raises(ValueError, match="four vehicles"):
        verify_one_shot(np.ones((4, 2), np.float32), ["a", "a", "b", "b"], np.random.default_rng(0))

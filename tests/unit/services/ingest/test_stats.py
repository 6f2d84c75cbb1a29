import numpy as np
import pytest

from services.ingest.stats import AgeHistogram, IngestStats


def test_quantiles_are_right_to_five_percent():
    ages = np.random.default_rng(0).lognormal(-2, 1, 5000)
    histogram = AgeHistogram()
    for age in ages:
        histogram.add(float(age))
    for q in (0.5, 0.99):
        assert histogram.quantile(q) == pytest.approx(float(np.quantile(ages, q)), rel=0.06)


@pytest.mark.parametrize("age", [-1.0, 0.0, 1e-9])
def test_ages_below_a_millisecond_count(age):
    histogram = AgeHistogram()
    histogram.add(age)
    assert histogram.quantile(0.5) == pytest.approx(1e-3)


def test_an_age_beyond_all_bins_counts():
    histogram = AgeHistogram()
    histogram.add(1e9)
    assert histogram.quantile(0.99) > 1800


def test_nothing_seen_is_all_zero():
    stats = IngestStats(lambda: 0.0)
    assert stats.figures("cam1").frames_inferred == 0
    assert AgeHistogram().quantile(0.99) == 0.0


def test_rate_age_and_vehicles_of_a_camera():
    now = [100.0]
    stats = IngestStats(lambda: now[0])
    for _ in range(50):
        now[0] += 0.1
        stats.frame_done("cam1", 0.2, 3)
    figures = stats.figures("cam1")
    assert figures.frames_inferred == 50
    assert figures.frames_per_s == pytest.approx(10, abs=0.3)
    assert figures.frame_age_p99_s == pytest.approx(0.2, rel=0.06)
    assert figures.vehicles == 3
    now[0] += 60
    assert stats.figures("cam1").frames_per_s == 0.0


def test_old_ages_leave_the_window():
    now = [0.0]
    stats = IngestStats(lambda: now[0])
    stats.frame_done("cam1", 50.0, 0)
    for _ in range(3):
        now[0] += 301
        stats.frame_done("cam1", 0.1, 0)
    assert stats.figures("cam1").frame_age_p99_s < 0.2

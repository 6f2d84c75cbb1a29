"""How often vehicles come into each camera's view."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.topology.rates import RATE_MEMORY_S, ArrivalRates


def rates_of(times_s, cameras=1, prior_per_s=0.1):
    rates = ArrivalRates(prior_per_s)
    for _ in range(cameras):
        rates.grow()
    for time_s in times_s:
        rates.count(0, time_s)
    return rates


def test_a_camera_that_saw_nobody_is_expected_to_see_as_many_as_the_prior_says():
    assert np.exp(rates_of([]).log_rates()) == pytest.approx([0.1])


def test_a_steady_stream_is_told_as_it_is():
    steady = rates_of(np.arange(0.0, 4 * RATE_MEMORY_S, 2.0))
    assert np.exp(steady.log_rates()) == pytest.approx([0.5], rel=0.05)


def test_a_camera_that_fell_silent_fades_against_those_that_did_not():
    rates = rates_of(np.arange(0.0, 100.0), cameras=2)
    for time_s in np.arange(0.0, 4 * RATE_MEMORY_S, 10.0):
        rates.count(1, time_s)
    silent, steady = np.exp(rates.log_rates())
    assert silent < 0.01 < steady


def test_state_rebuilds_the_counts():
    rates = rates_of([3.0, 8.0, 9.0])
    twin = rates_of([])
    twin.load(0, rates.state(0))
    assert twin.log_rates() == pytest.approx(rates.log_rates())


def test_a_clock_that_is_ahead_makes_no_other_camera_fade():
    rates = rates_of(np.arange(0.0, 600.0, 10.0), cameras=2)
    before = rates.log_rates()[0]
    rates.count(1, 86_400.0, site_s=600.0)
    assert rates.log_rates()[0] == pytest.approx(before, abs=0.05)
    rates.count(1, 610.0, site_s=610.0)
    assert rates.state(1)[2] == 610.0


def test_after_clocks_were_set_back_counts_fade_again():
    rates = rates_of(np.arange(36_000.0, 36_600.0, 2.0), cameras=2)
    for time_s in np.arange(600.0, 600.0 + 4 * RATE_MEMORY_S, 20.0):
        rates.count(1, time_s, site_s=time_s)
    silent, steady = np.exp(rates.log_rates())
    assert silent < 0.02
    assert steady == pytest.approx(0.05, rel=0.3)

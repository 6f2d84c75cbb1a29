"""Allowances by name: so many at once, then evenly, each name by itself."""

import pytest

from services.access.limiter import Limiter


def test_a_bucket_empties_and_fills():
    now = [0.0]
    limiter = Limiter(2.0, lambda: now[0])
    assert [limiter.take("a") for _ in range(3)] == [0.0, 0.0, pytest.approx(0.5)]
    assert limiter.take("b") == 0.0
    now[0] = 0.5
    assert limiter.take("a") == 0.0
    assert limiter.take("a") == pytest.approx(0.5)
    now[0] = 100.0
    assert [limiter.take("a") for _ in range(3)][-1] > 0


def test_less_than_one_a_second_still_lets_one_through():
    now = [0.0]
    limiter = Limiter(0.1, lambda: now[0])
    assert limiter.take("a") == 0.0
    assert limiter.take("a") == pytest.approx(10.0)

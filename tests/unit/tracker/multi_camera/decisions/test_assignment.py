"""Which of several observations is which identity, assigned together."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.decisions.assignment import MARGIN_MAX, assign, choose, posterior


def scored(totals):
    return [(np.arange(len(row)), np.array(row, float)) for row in totals]


@pytest.mark.parametrize(
    ("totals", "rows"),
    [
        pytest.param([[2.0]], [0], id="match"),
        pytest.param([[-2.0]], [None], id="new"),
        pytest.param([[-np.inf]], [None], id="veto"),
        pytest.param([[3.0, 2.5], [2.8, -4.0]], [1, 0], id="joint beats greedy"),
        pytest.param([[3.0], [2.0]], [0, None], id="one identity, two rivals"),
        pytest.param([[], []], [None, None], id="nobody known"),
    ],
)
def test_assignment(totals, rows):
    assert [c.row for c in assign(scored(totals))] == rows


def test_each_has_its_own_candidates():
    first, second = assign([(np.array([2, 9]), np.array([1.0, 4.6])), (np.array([3, 9]), np.array([0.5, 3.8]))])
    assert (first.row, first.runner_up) == (9, 2)
    assert (second.row, second.runner_up) == (3, None)
    assert (first.margin, second.margin) == pytest.approx((3.6, 0.5))


def test_margin_is_the_lead_over_what_is_free():
    first, second = assign(scored([[3.0, 2.5, 1.0], [2.8, -4.0, -5.0]]))
    assert first.row == 1
    assert first.margin == pytest.approx(1.5)
    assert first.runner_up == 2
    assert second.margin == pytest.approx(2.8)


def test_margin_without_a_rival_is_finite():
    (choice,) = assign(scored([[]]))
    assert choice.margin == MARGIN_MAX
    assert choice.probability == 1.0
    assert choose(np.zeros(0, np.intp), np.zeros(0)).row is None


def test_posterior_leaves_the_rest_to_new():
    weights = posterior(np.array([0.0, 0.0, -np.inf]))
    assert weights == pytest.approx([1 / 3, 1 / 3, 0.0])

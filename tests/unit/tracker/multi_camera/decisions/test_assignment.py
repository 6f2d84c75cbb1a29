"""Which of several observations is which identity, assigned together."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.decisions.assignment import MARGIN_MAX, assign, choose, posterior


@pytest.mark.parametrize(
    ("totals", "columns"),
    [
        pytest.param([[2.0]], [0], id="match"),
        pytest.param([[-2.0]], [None], id="new"),
        pytest.param([[-np.inf]], [None], id="veto"),
        pytest.param([[3.0, 2.5], [2.8, -4.0]], [1, 0], id="joint beats greedy"),
        pytest.param([[3.0], [2.0]], [0, None], id="one identity, two rivals"),
        pytest.param([[], []], [None, None], id="nobody known"),
    ],
)
def test_assignment(totals, columns):
    assert [c.column for c in assign(np.array(totals, float).reshape(len(columns), -1))] == columns


def test_margin_is_the_lead_over_what_is_free():
    first, second = assign(np.array([[3.0, 2.5, 1.0], [2.8, -4.0, -5.0]]))
    assert first.column == 1
    assert first.margin == pytest.approx(1.5)
    assert first.runner_up == 2
    assert second.margin == pytest.approx(2.8)


def test_margin_without_a_rival_is_finite():
    (choice,) = assign(np.zeros((1, 0)))
    assert choice.margin == MARGIN_MAX
    assert choice.probability == 1.0
    assert choose(np.zeros(0)).column is None


def test_posterior_leaves_the_rest_to_new():
    weights = posterior(np.array([0.0, 0.0, -np.inf]))
    assert weights == pytest.approx([1 / 3, 1 / 3, 0.0])

"""A track's boxes follow its way, not the trembling of the detector."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.single_camera.assignment import paired_iou
from tracker.single_camera.smoothing import smoothed

_SIZE = (640, 360)


def _drive(n: int, step_px: float = 6.0, fps: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Times and true boxes of a vehicle that drives evenly through the middle of the picture."""
    x = 100 + step_px * np.arange(n)
    boxes = np.stack([x, np.full(n, 150.0), x + 60, np.full(n, 190.0)], axis=1)
    return np.round(np.arange(n) * 1e9 / fps).astype(np.int64), boxes


def _smooth(times: np.ndarray, boxes: np.ndarray, window_s: float = 0.6) -> np.ndarray:
    return smoothed(times, boxes, _SIZE, window_s=window_s, border_px=2.0)


def _all_by_all(times: np.ndarray, boxes: np.ndarray, window_s: float) -> np.ndarray:
    """The plain formula, every box weighed against every other; no side at the border."""
    away = (times[None, :] - times[:, None]) / 1e9
    weights = np.clip(1 - (np.abs(away) / window_s) ** 3, 0, None) ** 3
    moved = boxes.copy()
    for k in np.flatnonzero((weights > 0).sum(axis=1) >= 4):
        for side in range(4):
            root = np.sqrt(weights[k])
            design = np.stack([np.ones(len(times)), away[k]], axis=1) * root[:, None]
            moved[k, side] = np.linalg.lstsq(design, boxes[:, side] * root, rcond=None)[0][0]
    return moved


@pytest.mark.parametrize("window_s", [0.6, 5.0])
@pytest.mark.parametrize("gaps_s", [(0.1, 0.1), (0.04, 0.6)], ids=["even", "uneven"])
def test_long_tracks_are_smoothed_as_if_all_were_seen_at_once(window_s: float, gaps_s: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(np.round(rng.uniform(*gaps_s, 700) * 1e9).astype(np.int64))
    boxes = np.array([100.0, 100, 200, 160]) + rng.normal(0, 5, (700, 4))
    expected = _all_by_all(times, boxes, window_s)
    np.testing.assert_allclose(_smooth(times, boxes, window_s), expected, rtol=2e-7)


def test_memory_grows_with_a_tracks_length_and_not_with_its_square() -> None:
    times, boxes = _drive(4000, step_px=0)
    tracemalloc.start()
    try:
        _smooth(times, boxes)
        peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert peak_mb < 16


def test_an_even_drive_stays_as_it_is() -> None:
    times, boxes = _drive(20)
    np.testing.assert_allclose(_smooth(times, boxes), boxes, atol=1e-3)


@given(st.integers(0, 2**32 - 1), st.sampled_from([10.0, 5.0]))
def test_trembling_boxes_come_nearer_to_the_vehicle(seed: int, fps: float) -> None:
    times, true = _drive(30, fps=fps)
    seen = true + np.random.default_rng(seed).normal(0, 5, true.shape)
    assert paired_iou(_smooth(times, seen).astype(np.float64), true).mean() > paired_iou(seen, true).mean()


def test_a_box_of_a_part_grows_towards_the_whole() -> None:
    times, true = _drive(15)
    seen = true.copy()
    seen[7, 0] += 35  # only the front was found
    before, after = paired_iou(seen, true)[7], paired_iou(_smooth(times, seen).astype(np.float64), true)[7]
    assert before < 0.5 < after


def test_a_side_at_the_border_stays_there_and_pulls_at_no_other() -> None:
    times, true = _drive(20, step_px=20)
    boxes = np.clip(true - [160, 0, 160, 0], 0, None)  # drives in from the left
    inside = boxes[:, 0] > 2
    result = _smooth(times, boxes)
    assert (result[~inside, 0] == boxes[~inside, 0]).all()
    np.testing.assert_allclose(result[inside, 0], boxes[inside, 0], atol=1e-3)


def test_gaps_are_no_neighbours_and_lone_boxes_stay() -> None:
    times, boxes = _drive(4)
    boxes[3, 1] -= 20
    np.testing.assert_array_equal(_smooth(times * 10, boxes), boxes.astype(np.float32))  # one a second


def test_no_box_loses_its_area() -> None:
    times, boxes = _drive(9, step_px=0)
    boxes[:, 2] = boxes[:, 0] + np.array([60, 60, 60, 60, 1, 60, 60, 60, 60])
    boxes[4, 0] = boxes[4, 2] - 0.5
    result = _smooth(times, boxes)
    assert (result[:, 2] > result[:, 0]).all()
    assert (result[:, 3] > result[:, 1]).all()


def test_a_window_of_nothing_changes_nothing() -> None:
    times, boxes = _drive(8)
    boxes[3] += 7
    np.testing.assert_array_equal(_smooth(times, boxes, window_s=0.0), boxes.astype(np.float32))

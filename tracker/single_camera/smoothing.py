"""Owns the smoothing of a track's boxes once more than one is known. Never adds, drops or re-times a box."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NS = 1e9
_FEWEST = 4  # boxes in a window; a line through three still follows each of them
_AT_ONCE = 256  # boxes moved at once: memory and time grow with a track's length, not with its square


def smoothed(
    times_ns: NDArray[np.int64],
    boxes_xyxy: NDArray[np.floating],
    size_wh: tuple[int, int],
    *,
    window_s: float,
    border_px: float,
) -> NDArray[np.float32]:
    """A track's boxes, every side moved onto the straight line that its neighbours in time follow.

    A detector's boxes tremble from frame to frame, and of a half-hidden vehicle or a long one they show now the whole,
    now a part; the vehicle itself moves evenly. A side at the picture's border stays there and says nothing about where
    it was before or after.

    Args:
        times_ns: int64 (N,), ascending.
        boxes_xyxy: (N, 4), source px.
        size_wh: Width and height of the picture, px.
        window_s: Boxes at most so far away in time, before or after, count; the nearer the more. 0 changes nothing.
        border_px: A side so near to the border is cut by it.

    Returns:
        float32 (N, 4). Boxes with fewer than three neighbours in the window are as given, and so are those that
        would come out without area.

    Source: Cleveland 1979, "Robust Locally Weighted Regression and Smoothing Scatterplots": local lines, tricube
    weights, here over a fixed time, without robustness iterations.

    >>> t = np.arange(5) * 100_000_000
    >>> boxes = np.array([[20.0, 20, 60, 40], [24, 20, 64, 40], [28, 20, 86, 40], [32, 20, 72, 40], [36, 20, 76, 40]])
    >>> smoothed(t, boxes, (640, 360), window_s=0.5, border_px=2)[2].round().tolist()
    [28.0, 20.0, 72.0, 40.0]
    """
    given = np.asarray(boxes_xyxy, np.float64)
    if window_s <= 0 or len(given) < _FEWEST:
        return given.astype(np.float32)
    seconds = (times_ns - times_ns[0]) / _NS
    limits = np.array([0.0, 0.0, *map(float, size_wh)])
    cut = np.abs(given - limits) <= border_px  # (N, 4)
    moved = given.copy()
    for rows, others in _blocks(times_ns, window_s):
        away = seconds[None, others] - seconds[rows, None]  # (R, M): row k holds the others as seen from k
        near = np.clip(1 - (np.abs(away) / window_s) ** 3, 0, None) ** 3
        for side in range(4):
            line, known = _lines(away, near * ~cut[others, side], given[others, side])
            moved[rows, side] = np.where(known & ~cut[rows, side], line, given[rows, side])
    flat = (moved[:, 2] <= moved[:, 0]) | (moved[:, 3] <= moved[:, 1])
    moved[flat] = given[flat]
    return moved.astype(np.float32)


def _blocks(times_ns: NDArray[np.int64], window_s: float) -> Iterator[tuple[slice, slice]]:
    """Boxes that are moved at once, and all those within the window of any of them."""
    reach_ns = round(window_s * _NS) + 1000  # a little more: what lies farther has no weight
    for begin in range(0, len(times_ns), _AT_ONCE):
        rows = slice(begin, begin + _AT_ONCE)
        first_ns, last_ns = times_ns[rows][[0, -1]].tolist()
        low, high = np.searchsorted(times_ns, [first_ns - reach_ns, last_ns + reach_ns]).tolist()
        yield rows, slice(low, high)


def _lines(away: Floats, weights: Floats, values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Where row k's weighted straight line through ``values`` (M,) passes at k, and whether enough values made it."""
    known = (weights > 0).sum(axis=1) >= _FEWEST
    total = np.where(known, weights.sum(axis=1), 1.0)
    mean_t, mean_v = (weights * away).sum(axis=1) / total, weights @ values / total
    spread = (weights * away**2).sum(axis=1) / total - mean_t**2
    slope = ((weights * away) @ values / total - mean_t * mean_v) / np.maximum(spread, 1e-9)
    return mean_v - slope * mean_t, known

"""Lines on the ground: smooth, cut, and walked along. Plain geometry in metres."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

Line = NDArray[np.float64]
STEP_M = 1.0


class Polyline:
    """A line that is walked often: lengths are summed once."""

    def __init__(self, points: Line) -> None:
        """Args: points (N, 2), N >= 2, no two neighbours equal."""
        steps = np.diff(points, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        self.points = points
        self._ends: list[float] = np.cumsum(lengths).tolist()
        self._tangents: list[tuple[float, float]] = [(x, z) for x, z in (steps / lengths[:, None]).tolist()]
        self._corners: list[tuple[float, float]] = [(x, z) for x, z in points.tolist()]

    @property
    def length_m(self) -> float:
        """Length from end to end."""
        return self._ends[-1]

    def at(self, along_m: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """Position and unit tangent at a distance from the start; straight on beyond both ends."""
        index = min(bisect_left(self._ends, along_m), len(self._ends) - 1)
        before = self._ends[index - 1] if index else 0.0
        (x, z), (dx, dz) = self._corners[index], self._tangents[index]
        rest = along_m - before
        return (x + dx * rest, z + dz * rest), (dx, dz)

    def cut(self, start_m: float, end_m: float) -> Line:
        """The part between two distances, resampled about every metre."""
        count = max(2, round((end_m - start_m) / STEP_M) + 1)
        return np.array([self.at(s)[0] for s in np.linspace(start_m, end_m, count).tolist()])


def sampled(line: Line, count: int) -> Line:
    """Points at even distances along a line, first and last included, (count, 2)."""
    ends = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    along = np.linspace(0.0, ends[-1], count)
    return np.stack([np.interp(along, ends, line[:, 0]), np.interp(along, ends, line[:, 1])], axis=1)


def smooth(points: Line) -> Line:
    """Catmull-Rom through the points, about one sample a metre; a straight line if there are only two."""
    if len(points) == 2:
        length = float(np.linalg.norm(points[1] - points[0]))
        return np.linspace(points[0], points[1], max(2, round(length / STEP_M) + 1))
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    pieces = []
    for k in range(len(points) - 1):
        p0, p1, p2, p3 = padded[k : k + 4]
        count = max(2, round(float(np.linalg.norm(p2 - p1)) / STEP_M))
        t = np.linspace(0, 1, count, endpoint=False)[:, None]
        pieces.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    return np.concatenate([*pieces, points[-1:]])


def joining_curve(before: Line, after: Line) -> Line:
    """A cubic Bezier from the end of one line to the start of another, tangent to both."""
    start, end = before[-1], after[0]
    out, into = before[-1] - before[-2], after[1] - after[0]
    reach = 0.45 * float(np.linalg.norm(end - start))
    a = start + out / np.linalg.norm(out) * reach
    b = end - into / np.linalg.norm(into) * reach
    t = np.linspace(0, 1, 25)[:, None]
    curve: Line = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 * end
    return curve


def right_normals(line: Line) -> Line:
    """Unit vectors (N, 2) to the right of a line's direction of travel."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
    return np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)

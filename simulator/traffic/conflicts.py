"""Which ways across a junction touch each other. Geometry of lines only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from simulator.polyline import Line, sampled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: Node, segment it comes from, segment it leads onto, and ``cross``, ``ring`` (onto or along a ring) or ``exit``.
Movement = tuple[str, int, int, str]

#: Middle lines of two bodies that pass each other keep at least this.
_CLEAR_M = 3.0
#: Long bodies swing out and cut corners.
_CLEAR_OF_LONG_M = 5.2
_AFTER_M = 1.0
#: Where ways merge, who has come this near to the common lane is followed like anybody on it.
_MERGED_M = 2.2
_SAMPLES = 24
_NEARLY_STRAIGHT = 0.94


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Per segment, padded lists of others; the number of segments S stands for none.

    Attributes:
        narrow: Ways that no two bodies may use at once, (S, K).
        narrow_m: Distance along such a way at which a rear end is clear of this one, (S, K).
        wide: Ways that no body may use while a long one uses this, and the reverse, (S, L).
        wide_m: As narrow_m, (S, L).
        siblings: Ways that begin on the same lane, (S, M).
        apart_m: Distance along a sibling up to which it has not parted from this one, (S, M).
        any_conflict: Whether a segment has any of the first two, (S,).
    """

    narrow: Ints
    narrow_m: Floats
    wide: Ints
    wide_m: Floats
    siblings: Ints
    apart_m: Floats
    any_conflict: Bools


def find_conflicts(lines: list[Line], movements: list[Movement | None]) -> Conflicts:
    """Compares all ways across each junction.

    Args:
        lines: Of all segments.
        movements: Per segment; None for those that cross nothing.
    """
    by_node: dict[str, list[int]] = defaultdict(list)
    for segment, movement in enumerate(movements):
        if movement:
            by_node[movement[0]].append(segment)
    narrow: list[list[tuple[int, float]]] = [[] for _ in lines]
    wide: list[list[tuple[int, float]]] = [[] for _ in lines]
    siblings: list[list[tuple[int, float]]] = [[] for _ in lines]
    for members in by_node.values():
        _compare(members, lines, movements, (narrow, wide, siblings))
    touched = np.array([bool(narrow[s] or wide[s]) for s in range(len(lines))])
    return Conflicts(*_padded(narrow), *_padded(wide), *_padded(siblings), touched)


_Rows = list[list[tuple[int, float]]]


def _compare(
    members: list[int], lines: list[Line], movements: list[Movement | None], rows: tuple[_Rows, _Rows, _Rows]
) -> None:
    """Sorts every pair of ways across one junction into narrow, wide and siblings."""
    narrow, wide, siblings = rows
    gaps = _gaps([lines[segment] for segment in members])
    nearest = gaps.min(axis=2)
    length = np.array([float(np.linalg.norm(np.diff(lines[s], axis=0), axis=1).sum()) for s in members])
    parted, parted_long = _parted_m(gaps, length, _CLEAR_M), _parted_m(gaps, length, _CLEAR_OF_LONG_M)
    curved = [_turns(lines[segment]) for segment in members]
    ways = [movements[segment] or ("", -1, -1, "") for segment in members]
    for (i, a), (j, b) in permutations(enumerate(members), 2):
        (_, origin, target, kind), (_, other_origin, other_target, other_kind) = ways[i], ways[j]
        if origin == other_origin:
            siblings[a].append((b, float(parted[i, j])))
        elif "exit" not in (kind, other_kind):
            merge = target == other_target
            if nearest[i, j] < _CLEAR_M or merge:
                narrow[a].append((b, float(parted[i, j]) + (-_MERGED_M if merge else _AFTER_M)))
            if kind == "cross" and nearest[i, j] < _CLEAR_OF_LONG_M and (merge or curved[i] or curved[j]):
                wide[a].append((b, float(parted_long[i, j]) + _AFTER_M))


def _gaps(lines: list[Line]) -> Floats:
    """Distance of every sample of a line from the other line: (n, n, samples); [i, j] runs along j."""
    points = np.stack([sampled(line, _SAMPLES) for line in lines])
    flat = points.reshape(-1, 2)
    result = np.empty((len(lines), len(lines), _SAMPLES))
    for i, line in enumerate(points):
        squared = (flat[:, :1] - line[:, 0]) ** 2 + (flat[:, 1:] - line[:, 1]) ** 2
        result[i] = squared.min(axis=1).reshape(len(lines), _SAMPLES)
    return np.sqrt(result)


def _turns(line: Line) -> bool:
    """Whether a long body would swing out along a line."""
    out, into = line[1] - line[0], line[-1] - line[-2]
    cosine = float(out @ into) / float(np.linalg.norm(out) * np.linalg.norm(into))
    return cosine < _NEARLY_STRAIGHT


def _parted_m(gaps: Floats, length_m: Floats, clear_m: float) -> Floats:
    """How far along line j it comes clear of line i for good, (n, n)."""
    touching = gaps < clear_m
    samples = np.where(touching.any(axis=2), _SAMPLES - np.argmax(touching[:, :, ::-1], axis=2), 0)
    result: Floats = np.minimum(1.0, np.maximum(samples, 1) / (_SAMPLES - 1)) * length_m[None, :]
    return result


def _padded(rows: list[list[tuple[int, float]]]) -> tuple[Ints, Floats]:
    """Segments, padded with the number of rows, and distances, padded with 0."""
    width = max(1, *map(len, rows))
    table, distances = np.full((len(rows), width), len(rows)), np.zeros((len(rows), width))
    for number, row in enumerate(rows):
        for column, (segment, distance) in enumerate(row):
            table[number, column], distances[number, column] = segment, distance
    return table, distances

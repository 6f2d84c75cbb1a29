"""Same-vehicle pairs without labels: pictures are grouped by the features of a network trained on something else.

Knows vectors only. Groups stand for vehicles in training; they are wrong now and then, which is what this costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.errors import DataError

NOISE = -1
#: Rows of similarities held at once.
_CHUNK = 1024
#: Similarities looked at to choose a radius by.
_SAMPLED = 2048


@dataclass(frozen=True, slots=True)
class Grouping:
    """How pictures are grouped.

    Attributes:
        closest_share: The radius is the mean distance of this share of all pairs, the closest ones.
        neighbours: A picture with this many within the radius, itself included, is the core of a group.
        radius: Cosine distance in (0, 2), instead of one chosen by ``closest_share``.
    """

    closest_share: float = 1.6e-3
    neighbours: int = 4
    radius: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.closest_share < 1 or self.neighbours < 2:
            raise ValueError(f"needs 0 < share < 1 and neighbours >= 2: {self.closest_share}, {self.neighbours}")
        if self.radius is not None and not 0 < self.radius < 2:
            raise ValueError(f"radius must be in (0, 2), got {self.radius}")


def group_look_alikes(vectors: NDArray[np.float32], grouping: Grouping, rng: np.random.Generator) -> NDArray[np.int64]:
    """Groups pictures by density (DBSCAN) of their vectors under cosine distance.

    Core pictures within the radius of each other are of one group; a picture near a core joins the group of the nearest
    core; all others are noise.

    Args:
        vectors: (N, D), rows of L2 norm 1.
        grouping: How.
        rng: Draws the pictures by which the radius is chosen, where N is large.

    Returns:
        int64 (N,) group of each picture, 0 and up by first core; `NOISE` for none.

    Raises:
        DataError: Fewer than two groups were found.

    Source:
        Ester et al. 1996, "A Density-based Algorithm for Discovering Clusters", section 4; radius as in Song et al.
        2018, "Unsupervised Domain Adaptive Re-Identification: Theory and Practice", section 4.3. Departure: a border
        picture goes to its nearest core instead of the one that is visited first: the order of files does not matter.
    """
    radius = grouping.radius if grouping.radius is not None else _radius(vectors, grouping.closest_share, rng)
    near = _within(vectors, radius)
    core = np.array([len(row) >= grouping.neighbours for row, _ in near], np.bool_)
    groups = np.full(len(vectors), NOISE, np.int64)
    found = 0
    for first in np.flatnonzero(core):
        if groups[first] != NOISE:
            continue
        waiting = [int(first)]
        groups[first] = found
        while waiting:
            for other in near[waiting.pop()][0]:
                if core[other] and groups[other] == NOISE:
                    groups[other] = found
                    waiting.append(int(other))
        found += 1
    for row in np.flatnonzero(~core):
        columns, distances = near[row]
        cores = core[columns]
        if cores.any():
            groups[row] = groups[columns[cores][np.argmin(distances[cores])]]
    if found < 2:
        raise DataError(f"{found} groups of look-alikes within cosine distance {radius:.3f}: too few to learn from")
    return groups


def pair_quality(groups: NDArray[np.int64], vehicles: NDArray[np.int64]) -> tuple[float, float]:
    """How good groups are where the truth is known.

    Returns:
        Precision (share of grouped pairs that are of one vehicle) and recall (share of same-vehicle pairs that are in
        one group), each in [0, 1]; 0 where there is no pair.
    """
    in_group = groups != NOISE

    def pairs(*keys: NDArray[np.int64]) -> float:
        _, counts = np.unique(np.stack(keys), axis=1, return_counts=True)
        return float((counts * (counts - 1)).sum() / 2)

    right = pairs(groups[in_group], vehicles[in_group])
    grouped, same = pairs(groups[in_group]), pairs(vehicles)
    return right / grouped if grouped else 0.0, right / same if same else 0.0


def _radius(vectors: NDArray[np.float32], share: float, rng: np.random.Generator) -> float:
    n = len(vectors)
    rows = vectors if n <= _SAMPLED else vectors[np.sort(rng.choice(n, _SAMPLED, replace=False))]
    i, j = np.triu_indices(len(rows), k=1)
    distances = np.sort(1 - (rows @ rows.T)[i, j])
    return float(max(1e-6, distances[: max(1, round(share * len(distances)))].mean()))


def _within(vectors: NDArray[np.float32], radius: float) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Of each picture those within the radius, itself included, and their distances."""
    found = []
    for start in range(0, len(vectors), _CHUNK):
        for distances in 1 - vectors[start : start + _CHUNK] @ vectors.T:
            columns = np.flatnonzero(distances <= radius)
            found.append((columns, distances[columns]))
    return found

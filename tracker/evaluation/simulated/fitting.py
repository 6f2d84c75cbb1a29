"""Fits the parts of simulated embeddings to real ones. Owns the estimate; embeds nothing and reads no file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.evaluation.simulated.components import Components

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Pictures compared at most: every pair among them is one similarity.
PICTURES_MAX = 3000
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pictures of known vehicles; N of them, every code an integer.

    Attributes:
        embeddings: float32 (N, D), L2 = 1 each.
        look: Model and colour, (N,).
        vehicle: (N,).
        side: From which side it is seen, (N,).
        camera: (N,).
    """

    embeddings: NDArray[np.float32]
    look: Codes
    vehicle: Codes
    side: Codes
    camera: Codes

    def __post_init__(self) -> None:
        n = len(self.embeddings)
        shapes = {name: getattr(self, name).shape for name in ("look", "vehicle", "side", "camera")}
        if self.embeddings.ndim != 2 or any(shape != (n,) for shape in shapes.values()):
            raise ValueError(f"expected {n} codes of each kind, got {shapes}")

    def take(self, rows: NDArray[np.intp]) -> Labelled:
        """Some of the pictures."""
        return Labelled(self.embeddings[rows], self.look[rows], self.vehicle[rows], self.side[rows], self.camera[rows])


def fit_components(pictures: Labelled, rng: np.random.Generator) -> Components:
    """Sizes of the parts, from the mean similarity of pairs that share some parts and not others.

    With parts that are independent and of mean zero, the expected similarity of two pictures is the sum of the squares
    of the parts that both have. Pairs of different looks in different cameras share only what is common; of one camera
    also its part; of one look that too; of one vehicle, of one vehicle and side, and of one passage ever more. Each
    part is the difference between two such means, and nothing where it comes out negative. ``dim`` is what makes
    vectors of independent parts as scattered in similarity as pairs of different looks are.

    Args:
        pictures: Of vehicles that the network was not trained on, several pictures for each passage.
        rng: Draws pictures when there are more than ``PICTURES_MAX``.

    Raises:
        ValueError: A kind of pair is missing: there are not enough vehicles, cameras or pictures.

    Source: the method of moments for nested variance components, e.g. Searle, Casella and McCulloch, "Variance
        components" (1992), chapter 4, on similarities instead of squares.
    """
    if len(pictures.vehicle) > PICTURES_MAX:
        pictures = pictures.take(np.sort(rng.choice(len(pictures.vehicle), PICTURES_MAX, replace=False)))
    i, j = np.triu_indices(len(pictures.vehicle), 1)
    similarity = np.asarray(pictures.embeddings @ pictures.embeddings.T, np.float64)[i, j]
    look, vehicle, side, camera = (
        getattr(pictures, name)[i] == getattr(pictures, name)[j] for name in ("look", "vehicle", "side", "camera")
    )
    strangers = ~look & ~camera
    common = _mean(similarity, strangers, "of different looks in different cameras")
    in_camera = _mean(similarity, ~look & camera, "of different looks in one camera") - common
    alike = _mean_or(similarity, look & ~vehicle & ~camera, common)
    other_side = _mean(similarity, vehicle & ~side & ~camera, "of one vehicle from two sides in different cameras")
    same_side = _mean(similarity, vehicle & side & ~camera, "of one vehicle from one side in different cameras")
    passage = _mean(similarity, vehicle & side & camera, "of one passage")
    parts = {
        "common": common,
        "look": alike - common,
        "vehicle": max(other_side - alike, _LEAST**2),
        "view": same_side - other_side,
        "camera": in_camera,
        "passage": passage - same_side - in_camera,
        "picture": max(1.0 - passage, _LEAST**2),
    }
    sizes = {name: float(np.sqrt(max(square, 0.0))) for name, square in parts.items()}
    spread = max(float(similarity[strangers].var()), 1e-6)
    dim = int(np.clip(round((1.0 - max(common, 0.0)) ** 2 / spread), 2, 256))
    return Components(**sizes, dim=dim, same_look=_same_look(pictures))


def _mean(similarity: Floats, pairs: NDArray[np.bool_], which: str) -> float:
    if not pairs.any():
        raise ValueError(f"no pairs {which}: give more vehicles, cameras or pictures")
    return float(similarity[pairs].mean())


def _mean_or(similarity: Floats, pairs: NDArray[np.bool_], otherwise: float) -> float:
    return float(similarity[pairs].mean()) if pairs.any() else otherwise


def _same_look(pictures: Labelled) -> float:
    """Chance that two different vehicles are of one look."""
    _, first = np.unique(pictures.vehicle, return_index=True)
    _, counts = np.unique(pictures.look[first], return_counts=True)
    n = len(first)
    return float(max((counts * (counts - 1)).sum() / (n * (n - 1)), 1 / n**2))

"""PCA whitening of vectors, for features that are not trained. Needs NumPy; never torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.baselines.types import unit_rows


@dataclass(frozen=True, slots=True)
class Whitening:
    """Subtract ``mean`` (D,), multiply by ``projection`` (D, d)."""

    mean: NDArray[np.float64]
    projection: NDArray[np.float64]

    def apply(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, D) to float32 (N, d), rows of L2 norm 1 (0 where nothing is left)."""
        return unit_rows((vectors.astype(np.float64) - self.mean) @ self.projection)


def fit_whitening(vectors: NDArray[np.floating], dim: int, *, damping: float = 1e-3) -> Whitening:
    """Directions of greatest variance, each divided by its deviation.

    Args:
        vectors: (N, D), N ≥ 2.
        dim: Directions to keep; at most N − 1 and D are.
        damping: Share of the greatest variance added to every one: directions that few vectors witness are not blown
            up.

    Returns:
        d = min(dim, D, N − 1) directions, by falling variance.

    Raises:
        ValueError: Fewer than two vectors.

    Source:
        Jégou, Chum 2012, "Negative Evidences and Co-occurences in Image Retrieval: the Benefit of PCA and Whitening",
        section 3. Departure: damping.
    """
    if len(vectors) < 2:
        raise ValueError(f"whitening is learned from two vectors or more, got {len(vectors)}")
    wide = vectors.astype(np.float64)
    mean = wide.mean(axis=0)
    _, singular, directions = np.linalg.svd(wide - mean, full_matrices=False)
    kept = min(dim, wide.shape[1], len(wide) - 1)
    variances = singular[:kept] ** 2 / len(wide)
    scales = 1 / np.sqrt(variances + damping * max(variances[0], 1e-12))
    return Whitening(mean, directions[:kept].T * scales)

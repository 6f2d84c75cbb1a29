"""Lloyd's k-means, seeded. Knows arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Codes = NDArray[np.int64]


def nearest_centre(rows: Rows, centres: Rows) -> Codes:
    """Row of the nearest centre, the first among equals.

    Args:
        rows: (N, D).
        centres: (K, D).

    Returns:
        int64 (N,).
    """
    # ‖x‖² is the same for all centres of a row.
    squared = np.einsum("kd,kd->k", centres, centres) - 2 * rows @ centres.T  # (N, K)
    nearest: Codes = np.argmin(squared, axis=1).astype(np.int64)
    return nearest


def kmeans(rows: Rows, k: int, rng: np.random.Generator, iterations: int = 15) -> Rows:
    """Centres of clusters; begins with distinct rows drawn evenly, keeps a centre that loses all its rows.

    Args:
        rows: (N, D), N ≥ 1.
        k: Centres wanted; at most N are made.
        rng: Draws the first centres.
        iterations: Of Lloyd's algorithm, at most.

    Returns:
        float32 (min(k, N), D).

    Raises:
        ValueError: There are no rows, or k < 1.

    Source:
        Lloyd 1982, "Least Squares Quantization in PCM".
    """
    if len(rows) == 0 or k < 1:
        raise ValueError(f"needs rows and k >= 1, got {len(rows)} rows and {k}")
    centres = rows[rng.choice(len(rows), min(k, len(rows)), replace=False)].astype(np.float32)
    before: Codes | None = None
    for _ in range(iterations):
        codes = nearest_centre(rows, centres)
        if before is not None and np.array_equal(codes, before):
            break
        before = codes
        counts = np.bincount(codes, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, codes, rows)
        centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres).astype(np.float32)
    return centres

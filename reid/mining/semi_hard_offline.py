"""Semi-hard mining over a whole data set, between epochs: triplets of pictures, from vectors of the network so far."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reid.errors import DataError

#: Rows of distances held at once.
_CHUNK = 512


def mine_offline(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    margin: float = math.inf,
    cameras: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Chooses one triplet for every picture that has a positive and a negative.

    The positive is drawn evenly. The negative is drawn evenly among those with d_ap < d_an < d_ap + m; where there are
    none it is the nearest negative beyond d_ap, and where there is none beyond, the furthest.

    Args:
        vectors: (N, D).
        labels: (N,) vehicle of each row.
        rng: Source of all chance.
        margin: m > 0 in units of distance between the vectors.
        cameras: (N,); given, positives of other cameras are taken where there are any.

    Returns:
        int64 (T, 3), T ≤ N: rows of anchor, positive, negative, by anchor.

    Raises:
        ValueError: Shapes do not agree, or the margin is not positive.
        DataError: No picture has both.

    Source:
        Schroff, Kalenichenko, Philbin 2015, "FaceNet", section 3.2: "generate triplets offline every n steps, using the
        most recent network checkpoint". Departures as in `reid.mining.semi_hard`, and one triplet per anchor.
    """
    if vectors.ndim != 2 or labels.shape != vectors.shape[:1] or not margin > 0:
        raise ValueError(f"needs (N, D), (N,) and margin > 0, got {vectors.shape}, {labels.shape}, {margin}")
    found: list[tuple[int, int, int]] = []
    wide = vectors.astype(np.float64)
    lengths = np.einsum("ij,ij->i", wide, wide)
    for start in range(0, len(wide), _CHUNK):
        rows = slice(start, start + _CHUNK)
        squared = lengths[rows, None] + lengths[None, :] - 2 * wide[rows] @ wide.T
        for anchor, d in enumerate(np.sqrt(np.maximum(squared, 0)), start=start):
            positives = np.flatnonzero((labels == labels[anchor]) & (np.arange(len(labels)) != anchor))
            negatives = np.flatnonzero(labels != labels[anchor])
            if cameras is not None and (cameras[positives] != cameras[anchor]).any():
                positives = positives[cameras[positives] != cameras[anchor]]
            if len(positives) and len(negatives):
                positive = int(rng.choice(positives))
                found.append((anchor, positive, _negative(d[negatives], negatives, d[positive], margin, rng)))
    if not found:
        raise DataError("no picture has both another one of its vehicle and one of another")
    return np.array(found, np.int64)


def _negative(
    d_an: NDArray[np.float64], rows: NDArray[np.int64], d_ap: float, margin: float, rng: np.random.Generator
) -> int:
    beyond = d_an > d_ap
    band = beyond & (d_an < d_ap + margin)
    if band.any():
        return int(rng.choice(rows[band]))
    if beyond.any():
        return int(rows[beyond][np.argmin(d_an[beyond])])
    return int(rows[np.argmax(d_an)])

"""The first pass of the fast tier: vectors in few directions and 4 bits each, ranked roughly by FAISS's fast scan.

One quantiser is learned per index and shared by its segments. What it finds is scored again exactly by its caller.

Source: product quantisation (Jégou et al., PAMI 2011) scanned in registers (André et al., ICMR 2017), after projection
onto the principal directions of the uncentred vectors (a re-identification network fills far fewer directions than its
vectors have numbers) and a random rotation, which spreads what they carry evenly over the codes, as the scan's 8-bit
tables need.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from services.matcher.index.codes import Half, Positions, in_pieces
from services.matcher.index.contract import Vectors

#: Vectors that the quantiser learns from.
TRAINING_ROWS = 16_384
#: Directions kept, one code of 4 bits each.
_MAX_CODES = 64
_ROTATION_SEED = 1
_MIN_DIM = 8
_MIN_TRAINING_ROWS = 256
_ITERATIONS = 12


def can_quantise(dim: int) -> bool:
    """Whether vectors of that length are worth a first pass."""
    return dim >= _MIN_DIM


class CoarseQuantiser:
    """Learned once; makes the codes of segments."""

    def __init__(self, sample: Vectors) -> None:
        """Learns.

        Args:
            sample: float32 (N, dim), N >= 256, dim >= 8.

        Raises:
            ValueError: Too few rows or numbers.
        """
        if len(sample) < _MIN_TRAINING_ROWS or not can_quantise(sample.shape[1]):
            raise ValueError(f"needs (N >= {_MIN_TRAINING_ROWS}, dim >= {_MIN_DIM}), got {sample.shape}")
        sample = sample[:TRAINING_ROWS]
        kept = min(_MAX_CODES, sample.shape[1] // 2 * 2)
        _, directions = np.linalg.eigh(sample.T @ sample / len(sample))
        rotation, _ = np.linalg.qr(np.random.default_rng(_ROTATION_SEED).standard_normal((kept, kept)))
        self._projection: Vectors = np.ascontiguousarray((directions[:, -kept:] @ rotation).astype(np.float32))
        self._empty: Any = faiss.IndexPQFastScan(kept, kept, 4, faiss.METRIC_INNER_PRODUCT)
        self._empty.pq.cp.niter = _ITERATIONS
        self._empty.pq.cp.min_points_per_centroid = 1  # no lines on stderr about small samples
        self._empty.train(sample @ self._projection)

    def encode(self, half: Half) -> CoarseCodes:
        """The codes of a segment's rows, float16 (N, dim)."""
        index = faiss.clone_index(self._empty)
        for rows in in_pieces(half):
            index.add(rows @ self._projection)
        return CoarseCodes(index, self._projection, len(half))


class CoarseCodes:
    """A segment's rows, roughly."""

    def __init__(self, index: Any, projection: Vectors, rows: int) -> None:
        """Use CoarseQuantiser.encode."""
        self._index = index
        self._projection = projection
        self._rows = rows
        self.nbytes = int(index.code_size) * rows

    def project(self, queries: Vectors) -> Vectors:
        """Queries, float32 (Q, dim), as ``candidates`` takes them; the same for all codes of one quantiser."""
        projected: Vectors = queries @ self._projection
        return projected

    def candidates(self, projected: Vectors, depth: int) -> tuple[Vectors, Positions]:
        """The rows that rank highest roughly.

        Args:
            projected: float32 (Q, codes), by ``project``.
            depth: At least 1.

        Returns:
            Rough scores float32 (Q, d) and positions int64 (Q, d), d = min(depth, rows).
        """
        scores, places = self._index.search(projected, min(depth, self._rows))
        return scores, places

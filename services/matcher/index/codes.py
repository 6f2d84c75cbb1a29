"""The vectors of one sealed segment in half precision, and how they are scanned: by NumPy, or by FAISS on the CPU.

Knows positions only: ids, removals and time belong to the segment. Never changes once made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from services.matcher.index.contract import NO_ID, NO_SCORE, Vectors

Half = NDArray[np.float16]
Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Codes(Protocol):
    """Immutable rows that can be scanned."""

    @property
    def half(self) -> Half:
        """Every row, float16 (N, dim); not to be written to."""
        ...

    def scan(self, queries: Vectors, k: int, may: Mask | None) -> tuple[Vectors, Positions]:
        """The k best rows of each query, exactly.

        Args:
            queries: float32 (Q, dim).
            k: 1 to the number of rows that may answer.
            may: bool (N,), which rows may answer; None for all.

        Returns:
            Scores float32 (Q, k), best first, and positions int64 (Q, k).
        """
        ...


#: Rows that are held in full precision at a time while codes or bounds are made of a segment.
PIECE_ROWS = 1024

MakeCodes = Callable[[Half], Codes]


class NumpyCodes:
    """See Codes: a matrix product and a partial sort."""

    name = "numpy"

    def __init__(self, half: Half) -> None:
        """Takes the rows over, float16 (N, dim)."""
        self._half = half

    @property
    def half(self) -> Half:
        """See Codes."""
        return self._half

    def scan(self, queries: Vectors, k: int, may: Mask | None) -> tuple[Vectors, Positions]:
        """See Codes."""
        rows = np.arange(len(self._half)) if may is None else np.flatnonzero(may)
        return scan_rows(queries, self._half[rows].astype(np.float32), rows, k)


class FaissCodes:
    """See Codes: FAISS's half-precision scalar quantiser, which stores the very same bits."""

    name = "faiss-cpu"

    def __init__(self, half: Half) -> None:
        """Copies the rows, float16 (N, dim)."""
        dim = half.shape[1]
        self._index: Any = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index.is_trained = True  # half precision has nothing to learn
        if len(half):  # its codes are the rows' own bits: none is converted
            self._index.add_sa_codes(np.ascontiguousarray(half).view(np.uint8).reshape(len(half), dim * 2))
        codes = self._index.codes
        raw: NDArray[np.uint8] = faiss.rev_swig_ptr(codes.data(), len(half) * dim * 2)
        self._half: Half = raw.view(np.float16).reshape(len(half), dim)

    @property
    def half(self) -> Half:
        """See Codes. The memory is the index's own."""
        return self._half

    def scan(self, queries: Vectors, k: int, may: Mask | None) -> tuple[Vectors, Positions]:
        """See Codes."""
        if may is None:
            scores, places = self._index.search(queries, k)
            return scores, places
        # C++ keeps bare pointers to the bitmap and the selector: both must outlive the call.
        bitmap = np.packbits(may, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap))
        parameters: Any = faiss.SearchParameters()
        parameters.sel = selector
        scores, places = self._index.search(queries, k, params=parameters)
        return scores, places


def in_pieces(half: Half) -> Iterator[Vectors]:
    """Rows, float16 (N, dim), in full precision, float32 (at most PIECE_ROWS, dim) at a time.

    What is needed of memory for a moment is not given back by every heap: a whole segment would be large.
    """
    for start in range(0, len(half), PIECE_ROWS):
        yield half[start : start + PIECE_ROWS].astype(np.float32)


def scan_rows(queries: Vectors, rows: Vectors, positions: Positions, k: int) -> tuple[Vectors, Positions]:
    """The k best of some rows for each query, by a matrix product.

    Args:
        queries: float32 (Q, dim).
        rows: float32 (N, dim).
        positions: int64 (N,), what to call each row.
        k: At least 1; may exceed N.

    Returns:
        Scores float32 (Q, k), best first, and positions int64 (Q, k); padded with -inf and -1.
    """
    scores = np.full((len(queries), k), NO_SCORE, np.float32)
    found = np.full((len(queries), k), NO_ID, np.int64)
    count = min(k, len(rows))
    if count:
        products = queries @ rows.T  # (Q, N)
        top = np.argpartition(-products, count - 1, axis=1)[:, :count] if count < len(rows) else None
        chosen = products if top is None else np.take_along_axis(products, top, axis=1)
        order = np.argsort(-chosen, axis=1, kind="stable")
        scores[:, :count] = np.take_along_axis(chosen, order, axis=1)
        found[:, :count] = positions[order if top is None else np.take_along_axis(top, order, axis=1)]
    return scores, found

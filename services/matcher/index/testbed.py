"""FAISS's own indexes called directly: what the benchmark holds ours against. No part of the product uses them."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from services.matcher.index.contract import Ids, Vectors


class RawFaiss:
    """A flat index, in single or half precision."""

    def __init__(self, vectors: Vectors, *, half: bool) -> None:
        """Holds rows, float32 (N, D), under their numbers."""
        dim = vectors.shape[1]
        self.kind = "fp16" if half else "flat"
        quantiser = faiss.ScalarQuantizer.QT_fp16
        self._index: Any = (
            faiss.IndexScalarQuantizer(dim, quantiser, faiss.METRIC_INNER_PRODUCT) if half else faiss.IndexFlatIP(dim)
        )
        self._index.train(vectors[:1])
        self._index.add(vectors)

    def search(self, queries: Vectors, k: int) -> Ids:
        """The rows nearest to each query, int64 (Q, k)."""
        ids: NDArray[np.int64] = self._index.search(queries, k)[1]
        return ids


class RawFaissGpu:
    """FAISS's own flat index on a GPU, in half precision. Needs faiss-gpu."""

    def __init__(self, vectors: Vectors) -> None:
        """Holds rows, float32 (N, D), under their numbers."""
        gpu: Any = faiss  # the CPU build's stubs know none of this
        self._resources = gpu.StandardGpuResources()
        rules = gpu.GpuIndexFlatConfig()
        rules.useFloat16 = True
        self._index: Any = gpu.GpuIndexFlatIP(self._resources, vectors.shape[1], rules)
        self._index.add(vectors)

    def search(self, queries: Vectors, k: int) -> Ids:
        """The rows nearest to each query, int64 (Q, k)."""
        ids: NDArray[np.int64] = self._index.search(queries, k)[1]
        return ids


class FaissHnsw:
    """The HNSW graph of FAISS over half-precision rows."""

    def __init__(self) -> None:
        self._index: Any = None

    def fill(self, vectors: Vectors) -> None:
        """Builds the graph over rows, float32 (N, D)."""
        quantiser = faiss.ScalarQuantizer.QT_fp16
        build: Any = faiss.IndexHNSWSQ  # its stub knows one of its constructors
        self._index = build(vectors.shape[1], quantiser, 32, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = 200
        self._index.train(vectors[:1])
        self._index.add(vectors)

    def search(self, queries: Vectors, k: int) -> Ids:
        """The rows nearest to each query, int64 (Q, k)."""
        ids: NDArray[np.int64] = self._index.search(queries, k)[1]
        return ids

    def tune(self, effort: int) -> bool:
        """Sets how many candidates are kept while the graph is walked."""
        self._index.hnsw.efSearch = effort
        return True

    def size(self) -> int:
        """Bytes of rows and graph, as it would be written."""
        return len(faiss.serialize_index(self._index))

    def close(self) -> None:
        """Nothing to end."""
        self._index = None

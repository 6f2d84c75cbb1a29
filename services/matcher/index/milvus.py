"""Vectors in Milvus, or in a file of milvus-lite: for galleries beyond one machine. The only place that knows pymilvus.

Milvus keeps the vectors and finds the nearest; which ids are held is known here as well, so that a filter given as a
function becomes a filter that Milvus applies inside its search.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from services.errors import ConfigError, Unavailable
from services.matcher.index.contract import (
    IdFilter,
    Ids,
    Neighbours,
    Vectors,
    check_k,
    check_new_ids,
    check_vectors,
    no_neighbours,
)

#: Milvus answers with no more.
MAX_K = 16_384
_ROWS_PER_CALL = 2000


class MilvusIndex:
    """See VectorIndex."""

    def __init__(self, dim: int, uri: str, collection: str = "vreid", timeout_s: float = 30.0) -> None:
        """Connects and makes the collection anew: the gallery is a view, filled from the store at every start.

        Args:
            dim: Length of a vector, at least 1.
            uri: `http://host:19530`, or the path of a milvus-lite file ending in `.db`.
            collection: Its name in Milvus.
            timeout_s: Longest that one call may take.

        Raises:
            ConfigError: pymilvus is not installed.
            Unavailable: Nothing answers there.
        """
        if dim < 1:
            raise ValueError(f"dim must be >= 1, got {dim}")
        try:
            from pymilvus import DataType, MilvusClient
            from pymilvus.exceptions import MilvusException
        except ImportError as exc:
            raise ConfigError("matcher.index: milvus needs pymilvus: pip install 'vreid[milvus]'") from exc
        self._dim = dim
        self._name = collection
        self._timeout_s = timeout_s
        self._failure: type[Exception] = MilvusException
        self._held: Ids = np.zeros(0, np.int64)
        try:
            self._client: Any = MilvusClient(uri=uri, timeout=timeout_s)
            if self._client.has_collection(collection):
                self._client.drop_collection(collection)
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=max(2, dim))
            index = self._client.prepare_index_params()
            index.add_index("vector", index_type="FLAT", metric_type="IP")
            self._client.create_collection(
                collection, schema=schema, index_params=index, consistency_level="Strong", timeout=timeout_s
            )
        except MilvusException as exc:
            raise Unavailable(f"Milvus at {uri} does not serve: {exc.message or exc}") from exc

    @property
    def dim(self) -> int:
        """See VectorIndex."""
        return self._dim

    @property
    def backend(self) -> str:
        """See VectorIndex."""
        return "milvus"

    @property
    def tier(self) -> str:
        """See VectorIndex."""
        return "exact"

    @property
    def segments(self) -> tuple[int, ...]:
        """See VectorIndex. How Milvus cuts up its collection is its own affair."""
        return (len(self._held),)

    @property
    def nbytes(self) -> int:
        """See VectorIndex: of the vectors in Milvus."""
        return len(self._held) * self._dim * 4

    def __len__(self) -> int:
        return len(self._held)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """See VectorIndex.

        Raises:
            Unavailable: Milvus does not answer.
        """
        vectors = check_vectors(vectors, self._dim, "vectors")
        ids = check_new_ids(ids, len(vectors))
        held = ids[np.isin(ids, self._held)]
        if len(held):
            raise ValueError(f"ids are held already: {held[:5].tolist()}")
        wide = self._wide(vectors)
        for start in range(0, len(ids), _ROWS_PER_CALL):
            part = slice(start, start + _ROWS_PER_CALL)
            rows = [{"id": i, "vector": v} for i, v in zip(ids[part].tolist(), wide[part].tolist(), strict=True)]
            # Upsert: a retry after a lost answer must not store anything twice.
            self._call("upsert", data=rows)
            self._held = np.sort(np.concatenate([self._held, ids[part]]))

    def remove(self, ids: Ids) -> int:
        """See VectorIndex.

        Raises:
            Unavailable: Milvus does not answer.
        """
        gone = np.intersect1d(self._held, ids)
        for start in range(0, len(gone), _ROWS_PER_CALL):
            part = gone[start : start + _ROWS_PER_CALL]
            self._call("delete", ids=part.tolist())
            self._held = np.setdiff1d(self._held, part)
        return len(gone)

    def get(self, ids: Ids) -> Vectors:
        """See VectorIndex.

        Raises:
            Unavailable: Milvus does not answer.
        """
        missing = ids[~np.isin(ids, self._held)]
        if len(missing):
            raise KeyError(int(missing[0]))
        wanted = np.unique(ids)
        found: dict[int, list[float]] = {}
        for start in range(0, len(wanted), _ROWS_PER_CALL):
            part = wanted[start : start + _ROWS_PER_CALL].tolist()
            for row in self._call("get", ids=part, output_fields=["vector"]):
                found[int(row["id"])] = row["vector"]
        rows = np.array([found[i] for i in ids.tolist()], np.float32).reshape(len(ids), max(2, self._dim))
        return rows[:, : self._dim]

    def search(self, queries: Vectors, k: int, allowed: IdFilter | None = None) -> Neighbours:
        """See VectorIndex.

        Raises:
            ValueError: As there; also more than MAX_K wanted and held.
            Unavailable: Milvus does not answer.
        """
        queries = check_vectors(queries, self._dim, "queries")
        check_k(k)
        found = no_neighbours(len(queries), k)
        held = self._held
        chosen = held if allowed is None else held[allowed(held)]
        reach = min(k, len(chosen))
        if reach == 0 or len(queries) == 0:
            return found
        if reach > MAX_K:
            raise ValueError(f"Milvus finds at most {MAX_K}, {reach} are wanted")
        wanted = {"limit": reach, "filter": _expression(held, chosen), "anns_field": "vector"}
        answer = self._call("search", data=self._wide(queries).tolist(), **wanted)
        for row, hits in enumerate(answer):
            scores = np.array([hit["distance"] for hit in hits], np.float32)
            ids = np.array([hit["id"] for hit in hits], np.int64)
            order = np.lexsort((ids, -scores))
            found.scores[row, : len(order)] = scores[order]
            found.ids[row, : len(order)] = ids[order]
        return found

    def view(self) -> MilvusIndex:
        """See VectorIndex. Milvus keeps its own searches and writes apart."""
        return self

    def maintain(self) -> bool:
        """See VectorIndex. Milvus compacts by itself."""
        return False

    def settle(self) -> None:
        """See VectorIndex. Milvus compacts by itself."""

    def purge(self) -> None:
        """See VectorIndex.

        Raises:
            Unavailable: Milvus does not answer.
        """
        self._call("flush")
        self._call("compact")

    def close(self) -> None:
        """See VectorIndex."""
        self._client.close()

    def _wide(self, vectors: Vectors) -> Vectors:
        """Milvus takes no vectors of one number: a zero is added."""
        return vectors if self._dim > 1 else np.pad(vectors, ((0, 0), (0, 1)))

    def _call(self, method: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, method)(self._name, timeout=self._timeout_s, **arguments)
        except self._failure as exc:
            raise Unavailable(f"Milvus failed to {method}: {' '.join(str(exc).split())[:200]}") from exc


def _expression(held: Ids, chosen: Ids) -> str:
    """The shorter way to say which ids may answer; empty for all."""
    if len(chosen) == len(held):
        return ""
    if len(chosen) <= len(held) // 2:
        return f"id in {chosen.tolist()}"
    return f"id not in {np.setdiff1d(held, chosen).tolist()}"

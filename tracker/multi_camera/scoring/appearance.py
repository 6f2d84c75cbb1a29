"""How alike observations and the identities in memory look. Owns the comparison of vectors, not what it is worth.

The large comparison, with everything remembered, can be made ahead; what changed in memory since is compared anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Rows
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.types import Observation

Similarity = NDArray[np.float32]

#: Observations compared in one matrix product: its result is held at once.
TOGETHER = 64
#: Identities compared with those at a time: other work may come in between.
PART = 16_384
#: One in so many values is looked at to find out where the largest begin.
SAMPLED = 32
#: Rows changed since a shortlist was made from which it is made up to date.
CATCH_UP = 512


@dataclass(frozen=True, slots=True)
class _Shortlist:
    """The identities nearest to one observation, as memory stood then."""

    observation: Observation
    query: NDArray[np.float32] | None
    rows: Rows
    similarity: Similarity
    version: int
    renewals: int


@dataclass(frozen=True, slots=True)
class Near:
    """Pairs of an observation and an identity; those of one observation stand together, its rows in no order.

    Attributes:
        of: int (P,), number of the observation, ascending.
        rows: int (P,), of the identity; each once for an observation.
        similarity: float32 (P,), product of the observation's vector with the mean over the identity's sightings, in
            [-1, 1]. Observations of another model have no pairs.
    """

    of: Rows
    rows: Rows
    similarity: Similarity


class Comparison:
    """Compares observations with the mean vectors of a memory.

    Args:
        memory: Holds them.
        nearest: Identities told for one observation, beside those that changed after it was prepared.
    """

    def __init__(self, memory: IdentityMemory, nearest: int) -> None:
        self._memory = memory
        self._nearest = nearest
        self._prepared: dict[str, _Shortlist] = {}

    def prepare(self, batch: Sequence[Observation]) -> None:
        """Compares observations that were not yet; what memory changes later is compared when it is asked for."""
        for _ in self.prepare_in_parts(batch):
            pass

    def prepare_in_parts(self, batch: Sequence[Observation]) -> Iterator[None]:
        """As :meth:`prepare`, with a pause after every ``PART`` identities; memory may change meanwhile."""
        missing = [o for o in batch if not self._is_prepared(o)]
        for begin in range(0, len(missing), TOGETHER):
            yield from self._compare(missing[begin : begin + TOGETHER])
        self._catch_up([self._prepared[o.sighting_id] for o in batch if o.sighting_id in self._prepared])

    def forget(self, sighting_ids: Iterable[str]) -> None:
        """Drops what was prepared of observations."""
        for sighting_id in sighting_ids:
            self._prepared.pop(sighting_id, None)

    def queries(self, observations: Sequence[Observation]) -> tuple[Rows, Similarity]:
        """What is compared of observations that were prepared.

        Returns:
            Numbers of those that can be compared with what is remembered, (Q,), and their vectors, float32 (Q, D).
        """
        width = self._memory.centres.shape[1]
        found = [self._prepared[o.sighting_id].query for o in observations]
        usable = {i: q for i, q in enumerate(found) if q is not None and len(q) == width}
        vectors = np.stack(list(usable.values())) if usable else np.zeros((0, width), np.float32)
        return np.array(list(usable), np.intp), vectors

    def near(self, observations: Sequence[Observation]) -> Near:
        """The identities that look most alike to observations, and all that changed lately."""
        self.prepare(observations)
        memory = self._memory
        shorts = [self._prepared[o.sighting_id] for o in observations]
        anew = {s.version: memory.changed_since(s.version) for s in shorts}
        anew = {v: rows[memory.sources[rows] > 0] for v, rows in anew.items()}
        vectors = {v: memory.centres[rows] for v, rows in anew.items() if len(rows)}
        found_rows: list[Rows] = []
        found: list[Similarity] = []
        for short in shorts:
            if short.query is None or len(short.query) != memory.centres.shape[1]:
                found_rows.append(np.zeros(0, np.intp))
                found.append(np.zeros(0, np.float32))
                continue
            fresh = memory.versions[short.rows] <= short.version
            rows, similarity = short.rows[fresh], short.similarity[fresh]
            if short.version in vectors:
                rows = np.concatenate([rows, anew[short.version]])
                similarity = np.concatenate([similarity, vectors[short.version] @ short.query])
            found_rows.append(rows)
            found.append(similarity)
        of = np.repeat(np.arange(len(shorts)), [len(rows) for rows in found_rows])
        return Near(of, np.concatenate(found_rows), np.concatenate(found))

    def _is_prepared(self, observation: Observation) -> bool:
        short = self._prepared.get(observation.sighting_id)
        if short is None or short.observation is not observation:
            return False
        return short.renewals == self._memory.renewals(observation.camera_id)

    def _catch_up(self, shorts: Sequence[_Shortlist]) -> None:
        """Brings shortlists up to date since which much has changed, so that it is not compared at every look."""
        memory = self._memory
        for version in sorted({s.version for s in shorts}):
            anew = memory.changed_since(version)
            late = [s for s in shorts if s.version == version and s.query is not None]
            if len(anew) <= CATCH_UP or not late:
                continue
            anew = anew[memory.sources[anew] > 0]
            changed = np.stack([s.query for s in late if s.query is not None]) @ memory.centres[anew].T
            for short, values in zip(late, changed, strict=True):
                fresh = memory.versions[short.rows] <= version
                rows = np.concatenate([short.rows[fresh], anew])
                near, similarity = _largest(np.concatenate([short.similarity[fresh], values]), self._nearest)
                self._prepared[short.observation.sighting_id] = replace(
                    short, rows=rows[near], similarity=similarity, version=memory.version
                )

    def _compare(self, batch: Sequence[Observation]) -> Iterator[None]:
        memory = self._memory
        width, used, version = memory.centres.shape[1], memory.used, memory.version
        renewals = [memory.renewals(o.camera_id) for o in batch]
        queries = [memory.query_vector(o) for o in batch]
        usable = [i for i, q in enumerate(queries) if q is not None and len(q) == width]
        found: dict[int, tuple[Rows, Similarity]] = {}
        if usable:
            vectors = np.stack([queries[i] for i in usable])  # type: ignore[misc]
            products = np.empty((len(usable), used), np.float32)
            for begin in range(0, used, PART):
                part = slice(begin, min(begin + PART, used))
                products[:, part] = vectors @ memory.centres[part].T
                if used > PART:
                    yield
            products[:, np.flatnonzero(memory.sources[:used] == 0)] = -np.inf
            found = {i: _largest(row, self._nearest) for i, row in zip(usable, products, strict=True)}
        nothing = np.zeros(0, np.intp), np.zeros(0, np.float32)
        for i, observation in enumerate(batch):
            rows, similarity = found.get(i, nothing)
            self._prepared[observation.sighting_id] = _Shortlist(
                observation, queries[i], rows, similarity, version, renewals[i]
            )


def _largest(similarity: Similarity, limit: int) -> tuple[Rows, Similarity]:
    """The largest finite values with their indices, at most ``limit``, in no order."""
    near = np.flatnonzero(similarity > _floor(similarity, limit))
    if len(near) > limit:
        near = near[np.argpartition(similarity[near], -limit)[-limit:]]
    return near, similarity[near]


def _floor(similarity: Similarity, limit: int) -> float:
    """A value that at least ``limit`` of the others exceed, and not many times more; found in a sample."""
    sample = similarity[::SAMPLED]
    rank = 2 * limit // SAMPLED + 8
    if len(sample) <= rank:
        return -np.inf
    floor = float(np.partition(sample, -rank)[-rank])
    return floor if np.count_nonzero(similarity > floor) >= limit else -np.inf

"""FAISS on a GPU in front of an index on the CPU: the GPU answers what it can, the CPU keeps everything and the rest.

The CPU's index is complete at any moment. When the GPU is missing, slow to answer its first search, or fails later, one
warning is logged and the CPU answers alone from then on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import numpy as np

from services.matcher.index.codes import Half, Mask
from services.matcher.index.contract import (
    NO_ID,
    IdFilter,
    Ids,
    Neighbours,
    Searchable,
    Vectors,
    check_k,
    check_vectors,
    no_neighbours,
)
from services.matcher.index.device import MAX_K, CudaDevice, Device, DeviceClosed, OwnerThread, positions_within
from services.matcher.index.places import PlaceBook
from services.matcher.index.segment import Part, SegmentRules
from services.matcher.index.segmented import SegmentedIndex

log = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 60.0
CALL_TIMEOUT_S = 10.0
_FIRST_ROWS = 4096
#: Queries that may have score below BARRED_BELOW are not unit vectors; they are answered by the CPU.
_MAX_NORM = 1.5


class FaissGpuIndex:
    """See VectorIndex."""

    def __init__(
        self,
        dim: int,
        rules: SegmentRules | None = None,
        open_device: Callable[[int], Device] = CudaDevice,
        probe_timeout_s: float = PROBE_TIMEOUT_S,
    ) -> None:
        """Opens the GPU and proves it with a search under a time limit; without one the CPU serves, with a warning.

        Args:
            dim: Length of a vector, at least 1.
            rules: Of the index on the CPU.
            open_device: Makes the device, called in its owner thread with the dimension.
            probe_timeout_s: Longest that the first search may take.
        """
        self._host = SegmentedIndex(dim, rules=rules)
        self._owner = OwnerThread()
        self._lock = threading.Lock()
        self._device: Device | None = None
        self._places = PlaceBook()
        self._ids: Ids = np.zeros(_FIRST_ROWS, np.int64)
        self._alive: Mask = np.zeros(_FIRST_ROWS, np.bool_)
        self._size = 0
        #: Counts changes of the rows, so that bars that still hold are not set again.
        self._change = 0
        self._barred: int | None = None
        try:
            self._device = self._owner.call(lambda: _probed(open_device(dim), dim), probe_timeout_s)
        except Exception as exc:  # whatever a driver raises: the CPU serves
            _warn(exc)

    @property
    def dim(self) -> int:
        """See VectorIndex."""
        return self._host.dim

    @property
    def backend(self) -> str:
        """See VectorIndex."""
        return "faiss-gpu" if self._device is not None else self._host.backend

    @property
    def host(self) -> SegmentedIndex:
        """The complete index on the CPU."""
        return self._host

    @property
    def tier(self) -> str:
        """See VectorIndex. The GPU scans everything."""
        return "exact" if self._device is not None else self._host.tier

    @property
    def segments(self) -> tuple[int, ...]:
        """See VectorIndex."""
        return self._host.segments

    @property
    def nbytes(self) -> int:
        """See VectorIndex: on the CPU; the GPU holds as much again."""
        return self._host.nbytes

    def __len__(self) -> int:
        return len(self._host)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """See VectorIndex."""
        self._host.add(ids, vectors)
        self._append(np.asarray(ids, np.int64), np.asarray(vectors, np.float32).astype(np.float16))

    def remove(self, ids: Ids) -> int:
        """See VectorIndex."""
        removed = self._host.remove(ids)
        if self._device is None:
            return removed
        places = self._places.find(np.asarray(ids, np.int64))
        with self._lock:
            self._alive[places[places != NO_ID]] = False
            self._change += 1
            living = len(self._host)
            crowded = self._size - living > max(_FIRST_ROWS, living // 4)
        if crowded:
            self._rebuild()
        return removed

    def get(self, ids: Ids) -> Vectors:
        """See VectorIndex."""
        return self._host.get(ids)

    def view(self) -> Searchable:
        """See VectorIndex. The GPU's rows are one buffer: a search sees them as they are when its turn comes."""
        return self

    def search(self, queries: Vectors, k: int, allowed: IdFilter | None = None) -> Neighbours:
        """See VectorIndex."""
        queries = check_vectors(queries, self.dim, "queries")
        check_k(k)
        device = self._device
        large = len(queries) > 0 and float(np.linalg.norm(queries, axis=1).max()) > _MAX_NORM
        if device is None or k > MAX_K or large or len(queries) == 0:
            return self._host.search(queries, k, allowed)
        try:
            return self._owner.call(lambda: self._on_device(device, queries, k, allowed), CALL_TIMEOUT_S)
        except DeviceClosed:  # another gallery took this one's place in the middle of a batch
            return self._host.search(queries, k, allowed)
        except Exception as exc:  # whatever a driver raises: the CPU answers this and all that follow
            self._give_up(exc)
            return self._host.search(queries, k, allowed)

    def maintain(self) -> bool:
        """See VectorIndex."""
        return self._host.maintain()

    def settle(self) -> None:
        """See VectorIndex."""
        self._host.settle()

    def purge(self) -> None:
        """See VectorIndex."""
        self._host.purge()
        self._rebuild()

    def close(self) -> None:
        """See VectorIndex."""
        self._owner.close()
        self._host.close()

    def parts(self) -> list[Part]:
        """See Snapshottable: the CPU's."""
        return self._host.parts()

    def load(self, parts: Sequence[tuple[Ids, Half]]) -> None:
        """See Snapshottable."""
        self._host.load(parts)
        for ids, half in parts:
            self._append(ids, half)

    def _append(self, ids: Ids, half: Half) -> None:
        """Writes rows that the CPU's index has taken to the GPU too."""
        if self._device is None or len(half) == 0:
            return
        if float(np.linalg.norm(half.astype(np.float32), axis=1).max()) > _MAX_NORM:
            self._give_up(ValueError("vectors far from unit length cannot be told from barred ones"))
            return
        start, end = self._size, self._size + len(half)
        with self._lock:
            self._reserve(end)
        self._write(start, half)
        with self._lock:
            self._ids[start:end] = ids
            self._alive[start:end] = True
            self._size = end
            self._change += 1
        self._places.add(ids, start)

    def _on_device(self, device: Device, queries: Vectors, k: int, allowed: IdFilter | None) -> Neighbours:
        """In the owner thread."""
        found = no_neighbours(len(queries), k)
        with self._lock:
            size, change = self._size, self._change
            # Ids are never overwritten in place below the size but by this thread.
            ids = self._ids[:size]
            may = None if allowed is None and self._barred == change else self._alive[:size].copy()
        if may is not None:
            if allowed is not None:
                may &= allowed(ids)
            device.bar(may)
            self._barred = change if allowed is None else None
        if size == 0:
            return found
        scores, places = device.nearest(queries, min(k, size), size)
        fit = positions_within(scores, places)
        chosen = np.where(fit, ids[np.maximum(places, 0)], NO_ID)
        scores = np.where(fit, scores, -np.inf).astype(np.float32)
        order = np.lexsort((chosen, -scores), axis=1)
        width = scores.shape[1]
        found.scores[:, :width] = np.take_along_axis(scores, order, axis=1)
        found.ids[:, :width] = np.take_along_axis(chosen, order, axis=1)
        return found

    def _write(self, start: int, half: Half) -> None:
        device = self._device
        if device is None:
            return

        def write() -> None:
            device.reserve(len(self._ids))
            device.write(start, half)

        try:
            self._owner.call(write, CALL_TIMEOUT_S)
        except Exception as exc:  # as in search
            self._give_up(exc)

    def _rebuild(self) -> None:
        """Moves the living rows together, on the GPU as here."""
        if self._device is None:
            return

        def renew() -> None:
            device = self._device
            with self._lock:
                living = np.flatnonzero(self._alive[: self._size])
                self._ids[: len(living)] = self._ids[living]
                self._alive[:] = False
                self._alive[: len(living)] = True
                self._size = len(living)
                self._change += 1
            if device is not None:
                device.keep(living)

        try:
            self._owner.call(renew, CALL_TIMEOUT_S)
            self._places.clear()
            self._places.add(self._ids[: self._size].copy(), 0)
        except Exception as exc:  # as in search
            self._give_up(exc)

    def _reserve(self, size: int) -> None:
        capacity = len(self._ids)
        if size > capacity:
            grown = max(size, capacity + capacity // 2)
            self._ids = np.concatenate([self._ids, np.zeros(grown - capacity, np.int64)])
            self._alive = np.concatenate([self._alive, np.zeros(grown - capacity, np.bool_)])

    def _give_up(self, reason: BaseException) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.abandon()
            _warn(reason)


def _warn(reason: BaseException) -> None:
    log.warning("the GPU does not search, the CPU does: %s", str(reason) or type(reason).__name__)


def _probed(device: Device, dim: int) -> Device:
    """The device, after it has answered one search rightly.

    Raises:
        RuntimeError: Its answer is wrong.
    """
    rows = np.zeros((2, dim), np.float16)
    rows[0, 0] = rows[1, 0] = 1
    try:
        device.reserve(2)
        device.write(0, rows)
        device.bar(np.array([False, True]))
        _, places = device.nearest(rows[:1].astype(np.float32), 1, 2)
    except Exception:
        device.abandon()
        raise
    if places.tolist() != [[1]]:
        raise RuntimeError("the GPU answered a known search wrongly")
    return device

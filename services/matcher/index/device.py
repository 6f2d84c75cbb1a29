"""Vectors in a GPU's memory and the one thread that touches them. The only place that knows torch tensors.

No GPU index of FAISS can remove vectors, and its flat one ignores a selector. So the rows lie in a buffer of our own,
longer than a vector: the number behind it is 0 for a row that may answer and BARRED for one that may not, a query's is
1, and a barred row's score falls below every other's. Zeros follow up to a multiple of ALIGNED, which the matrix
products of a GPU want.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.matcher.index.codes import Half, Mask, Positions
from services.matcher.index.contract import Vectors

#: FAISS selects no more on a GPU.
MAX_K = 2048
#: Of unit vectors no inner product comes near it, and half precision holds it exactly.
BARRED = -8.0
#: Scores below can only come from a barred row.
BARRED_BELOW = -4.0
#: Numbers in half precision that make 16 bytes.
ALIGNED = 8
_QUEUED = 256
_FULL_PAUSE_S = 0.01
_END_S = 5.0

T = TypeVar("T")


class Device(Protocol):
    """A buffer of rows with a bar on each. Used by one thread."""

    def reserve(self, rows: int) -> None:
        """Makes room for that many rows; what is held stays."""
        ...

    def write(self, start: int, half: Half) -> None:
        """Writes rows, float16 (N, dim), none of them barred."""
        ...

    def bar(self, may: Mask) -> None:
        """Sets the bars of the first N rows: bool (N,), True for rows that may answer."""
        ...

    def nearest(self, queries: Vectors, k: int, rows: int) -> tuple[Vectors, Positions]:
        """Scores and positions (Q, k) of the best of the first ``rows``, barred ones last."""
        ...

    def keep(self, places: Positions) -> None:
        """Moves these rows, ascending, to the front without bars; all others become zero."""
        ...

    def abandon(self) -> None:
        """Gives it up after a failure, touching it no more."""
        ...


class CudaDevice:
    """See Device: a torch tensor in the GPU's memory, searched by FAISS's brute force without a copy."""

    def __init__(self, dim: int, number: int = 0) -> None:
        """Opens a GPU.

        Raises:
            RuntimeError: There is no such GPU, or torch or the GPU build of FAISS is missing.
        """
        import faiss

        if not hasattr(faiss, "StandardGpuResources"):
            raise RuntimeError("this faiss is the CPU build; the GPU needs faiss-gpu in its place")
        try:
            import torch
        except ImportError as exc:
            raise RuntimeError(f"the GPU needs torch: {exc}") from exc
        if not torch.cuda.is_available() or faiss.get_num_gpus() <= number:
            raise RuntimeError(f"no CUDA device {number} is usable")
        self._torch: Any = torch
        self._faiss: Any = faiss
        self._number = number
        self._dim = dim
        self._resources: Any = faiss.StandardGpuResources()
        self._device: Any = torch.device("cuda", number)
        width = -(-(dim + 1) // ALIGNED) * ALIGNED
        self._rows: Any = torch.zeros((0, width), dtype=torch.float16, device=self._device)

    def reserve(self, rows: int) -> None:
        """See Device."""
        held = self._rows
        if rows > len(held):
            grown = self._torch.zeros((rows, held.shape[1]), dtype=held.dtype, device=self._device)
            grown[: len(held)] = held
            self._rows = grown

    def write(self, start: int, half: Half) -> None:
        """See Device."""
        block = self._torch.from_numpy(np.ascontiguousarray(half)).to(self._device)
        self._rows[start : start + len(half), : self._dim] = block
        self._rows[start : start + len(half), self._dim] = 0

    def bar(self, may: Mask) -> None:
        """See Device."""
        allowed = self._torch.from_numpy(np.ascontiguousarray(may)).to(self._device)
        self._rows[: len(may), self._dim] = self._torch.where(allowed, 0.0, BARRED).to(self._rows.dtype)

    def nearest(self, queries: Vectors, k: int, rows: int) -> tuple[Vectors, Positions]:
        """See Device."""
        torch = self._torch
        asked = torch.zeros((len(queries), self._rows.shape[1]), dtype=self._rows.dtype, device=self._device)
        asked[:, : self._dim] = torch.from_numpy(queries).to(self._device)
        asked[:, self._dim] = 1
        scores = torch.empty((len(queries), k), dtype=torch.float32, device=self._device)
        positions = torch.empty((len(queries), k), dtype=torch.int64, device=self._device)
        torch.cuda.synchronize(self._device)  # FAISS works in a stream of its own
        self._faiss.bfKnn(self._resources, self._arguments(asked, k, rows, scores, positions))
        torch.cuda.synchronize(self._device)
        return scores.cpu().numpy(), positions.cpu().numpy()

    def keep(self, places: Positions) -> None:
        """See Device."""
        kept = self._rows[self._torch.from_numpy(places).to(self._device)]
        kept[:, self._dim] = 0
        self._rows[: len(places)] = kept
        self._rows[len(places) :] = 0

    def abandon(self) -> None:
        """See Device. FAISS ends the process when a lost GPU refuses to free its memory, so it is never asked to."""
        self._resources.this.disown()

    def _arguments(self, asked: Any, k: int, rows: int, scores: Any, positions: Any) -> Any:
        """What faiss.knn_gpu would pass on.

        Taking tensors through knn_gpu needs faiss.contrib.torch_utils, which replaces every index's search by one that
        knows no selector; the index on the CPU beside this needs it.
        """
        faiss = self._faiss
        pointer = faiss.cast_integer_to_void_ptr
        arguments = faiss.GpuDistanceParams()
        arguments.metric = faiss.METRIC_INNER_PRODUCT
        arguments.k, arguments.dims = k, self._rows.shape[1]
        arguments.vectors, arguments.numVectors = pointer(self._rows.data_ptr()), rows
        arguments.vectorType, arguments.vectorsRowMajor = faiss.DistanceDataType_F16, True
        arguments.queries, arguments.numQueries = pointer(asked.data_ptr()), len(asked)
        arguments.queryType, arguments.queriesRowMajor = faiss.DistanceDataType_F16, True
        arguments.outDistances = faiss.cast_integer_to_float_ptr(scores.data_ptr())
        arguments.outIndices = pointer(positions.data_ptr())
        arguments.outIndicesType = faiss.IndicesDataType_I64
        arguments.device = self._number
        return arguments


class DeviceClosed(Exception):  # noqa: N818 - no error: whoever asks goes on without the device
    """What is asked of was given up in good order."""


class OwnerThread:
    """Runs everything that touches a device, one thing after another: not even reads of it may overlap."""

    def __init__(self, name: str = "index-gpu") -> None:
        """Starts the thread."""
        self._todo: queue.Queue[tuple[Callable[[], Any], Future[Any]] | None] = queue.Queue(_QUEUED)
        self._entering = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], T], timeout_s: float) -> T:
        """What ``work`` returns.

        Raises:
            TimeoutError: It was not done in time; it may still run.
            DeviceClosed: The thread was ended.
            Exception: Whatever ``work`` raised.
        """
        done: Future[T] = Future()
        deadline = time.monotonic() + timeout_s
        while not self._enters((work, done)):
            if time.monotonic() > deadline:
                raise TimeoutError("the GPU's queue stays full")
            time.sleep(_FULL_PAUSE_S)
        return done.result(timeout_s)

    def _enters(self, asked: tuple[Callable[[], Any], Future[Any]]) -> bool:
        """Puts work into the queue unless that is full; nothing comes behind the end."""
        with self._entering:
            if self._closed:
                raise DeviceClosed
            try:
                self._todo.put_nowait(asked)
            except queue.Full:
                return False
        return True

    def close(self) -> None:
        """Ends the thread after what is queued; a thread stuck in the driver is left behind."""
        with self._entering:
            self._closed = True
        with contextlib.suppress(queue.Full):
            self._todo.put(None, timeout=_END_S)
            self._thread.join(_END_S)

    def _run(self) -> None:
        while (item := self._todo.get()) is not None:
            work, done = item
            try:
                done.set_result(work())
            except Exception as exc:  # handed to the caller, who decides whether the GPU is still good
                done.set_exception(exc)


def positions_within(scores: Vectors, positions: Positions) -> NDArray[np.bool_]:
    """Which answers of a device are rows that may answer."""
    fit: NDArray[np.bool_] = (scores > BARRED_BELOW) & (positions >= 0)
    return fit

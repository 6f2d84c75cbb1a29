"""What the GPU's index does without a GPU, with a broken or a slow one; and what it needs of FAISS's GPU build."""

from __future__ import annotations

import logging
import threading

import faiss
import numpy as np
import pytest

from services.matcher.index.device import CudaDevice
from services.matcher.index.faiss_gpu import FaissGpuIndex

AXES = np.eye(4, dtype=np.float32)


def answers(index: FaissGpuIndex) -> None:
    index.add(np.array([7, 8]), AXES[:2])
    assert index.search(AXES[:1], 1).ids.tolist() == [[7]]
    assert index.remove(np.array([7])) == 1
    assert index.search(AXES[:1], 2).ids.tolist() == [[8, -1]]
    index.close()


class Broken:
    """A device that fails from the second search on."""

    def __init__(self, dim: int) -> None:
        self.searches = 0

    def reserve(self, rows: int) -> None: ...

    def write(self, start: int, half: np.ndarray) -> None: ...

    def bar(self, may: np.ndarray) -> None: ...

    def nearest(self, queries: np.ndarray, k: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        self.searches += 1
        if self.searches > 1:
            raise RuntimeError("an illegal memory access was encountered")
        return np.ones((1, 1), np.float32), np.ones((1, 1), np.int64)


class Liar(Broken):
    def nearest(self, queries: np.ndarray, k: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((1, 1), np.float32), np.zeros((1, 1), np.int64)


@pytest.mark.skipif(hasattr(faiss, "StandardGpuResources"), reason="this environment has the GPU build")
def test_without_a_gpu_the_cpu_serves_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        index = FaissGpuIndex(4)
    assert index.backend == "faiss-cpu"
    assert len(caplog.records) == 1
    assert "the CPU does" in caplog.text
    answers(index)


def test_a_device_that_answers_wrongly_is_not_used() -> None:
    index = FaissGpuIndex(4, open_device=Liar)
    assert index.backend == "faiss-cpu"
    answers(index)


def test_a_device_that_fails_later_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    index = FaissGpuIndex(4, open_device=Broken)
    assert index.backend == "faiss-gpu"
    answers(index)
    assert index.backend == "faiss-cpu"
    assert caplog.text.count("illegal memory access") == 1


def test_a_device_that_does_not_come_back_is_given_up() -> None:
    release = threading.Event()

    def slow(dim: int) -> Broken:
        release.wait(30)
        return Broken(dim)

    index = FaissGpuIndex(4, open_device=slow, probe_timeout_s=0.05)
    assert index.backend == "faiss-cpu"
    release.set()
    answers(index)


@pytest.mark.skipif(not hasattr(faiss, "StandardGpuResources"), reason="needs faiss-gpu in place of faiss-cpu")
def test_the_gpu_build_has_what_the_device_calls() -> None:
    fields = "metric k dims vectors numVectors vectorType vectorsRowMajor queries numQueries queryType queriesRowMajor"
    wanted = {*fields.split(), "outDistances", "outIndices", "outIndicesType", "device"}
    assert wanted <= set(dir(faiss.GpuDistanceParams))
    names = ("bfKnn", "cast_integer_to_void_ptr", "cast_integer_to_float_ptr", "DistanceDataType_F16")
    assert not [name for name in (*names, "IndicesDataType_I64") if not hasattr(faiss, name)]
    assert callable(faiss.get_num_gpus)


@pytest.mark.gpu
@pytest.mark.skipif(
    not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus(), reason="needs a GPU and faiss-gpu"
)
def test_on_a_gpu() -> None:
    device = CudaDevice(4)
    device.reserve(4)
    device.write(0, AXES.astype(np.float16))
    device.bar(np.array([True, False, True, True]))
    scores, places = device.nearest(AXES[:2], 1, 4)
    assert places[0, 0] == 0
    assert places[1, 0] != 1
    assert scores[0, 0] == pytest.approx(1)

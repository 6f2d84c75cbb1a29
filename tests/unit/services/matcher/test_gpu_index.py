"""What the GPU's index does without a GPU, with a broken or a slow one."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest

from services.matcher.gallery import Gallery
from services.matcher.index.device import CudaDevice
from services.matcher.index.faiss_gpu import FaissGpuIndex
from services.matcher.index.segmented import faiss_index
from services.matcher.snapshot import load_snapshot, write_snapshot

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
        self.abandoned = False

    def reserve(self, rows: int) -> None: ...

    def write(self, start: int, half: np.ndarray) -> None: ...

    def bar(self, may: np.ndarray) -> None: ...

    def keep(self, places: np.ndarray) -> None: ...

    def abandon(self) -> None:
        self.abandoned = True

    def nearest(self, queries: np.ndarray, k: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        self.searches += 1
        if self.searches > 1:
            raise RuntimeError("an illegal memory access was encountered")
        return np.ones((1, 1), np.float32), np.ones((1, 1), np.int64)


class Liar(Broken):
    def nearest(self, queries: np.ndarray, k: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((1, 1), np.float32), np.zeros((1, 1), np.int64)


def missing(dim: int) -> Broken:
    raise RuntimeError("no CUDA device 0 is usable")


def test_without_a_gpu_the_cpu_serves_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        index = FaissGpuIndex(4, open_device=missing)
    assert index.backend == "faiss-cpu"
    assert len(caplog.records) == 1
    assert "the CPU does" in caplog.text
    answers(index)


def test_the_cpu_build_of_faiss_is_told_from_a_missing_gpu() -> None:
    with pytest.raises(RuntimeError, match=r"faiss is the CPU build|no CUDA device 99"):
        CudaDevice(4, number=99)


def test_a_device_that_answers_wrongly_is_not_used() -> None:
    index = FaissGpuIndex(4, open_device=Liar)
    assert index.backend == "faiss-cpu"
    answers(index)


def test_a_device_that_fails_later_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    opened: list[Broken] = []

    def broken(dim: int) -> Broken:
        opened.append(Broken(dim))
        return opened[0]

    index = FaissGpuIndex(4, open_device=broken)
    assert index.backend == "faiss-gpu"
    answers(index)
    assert index.backend == "faiss-cpu"
    assert opened[0].abandoned
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


@pytest.mark.parametrize("device", [missing, Liar], ids=["no GPU", "a GPU that is not used"])
def test_what_is_written_down_without_a_gpu_fills_one_that_has_none(tmp_path, device, spec, seen) -> None:
    """The snapshot is the CPU's, whatever searches."""
    gallery = Gallery(spec, lambda dim: FaissGpuIndex(dim, open_device=device))
    gallery.rebuild([(seen("s1", 0), "a"), (seen("s2", 1), "b")], [], "7-0")
    assert write_snapshot(gallery, tmp_path).vectors == 2
    for new_index in (faiss_index, lambda dim: FaissGpuIndex(dim, open_device=device)):
        fresh = Gallery(spec, new_index)
        assert load_snapshot(fresh, tmp_path).sightings == 2
        assert fresh.log_position == "7-0"
        assert [m.sighting_id for m in fresh.search(AXES[1:2], 1).matches] == ["s2"]
        fresh.expire(10**18)
        assert fresh.search(AXES[1:2], 1).matches == ()


def test_a_batch_that_outlives_its_gallery_is_answered_at_once() -> None:
    device = Broken(4)
    index = FaissGpuIndex(4, open_device=lambda _dim: device)
    index.add(np.array([7, 8]), AXES[:2])
    assert index.backend == "faiss-gpu"
    view = index.view()
    index.close()
    assert view.search(AXES[:1], 1).ids.tolist() == [[7]]
    assert not device.abandoned
    assert index.backend == "faiss-gpu", "a gallery that was closed is no broken GPU"

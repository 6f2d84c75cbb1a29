"""What the GPU's index does on a GPU: exact, whatever is filtered or removed, by many callers, and when it is lost."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest

from services.matcher.index.brute_force import BruteForceIndex
from services.matcher.index.contract import IdFilter, Neighbours, VectorIndex
from services.matcher.index.device import MAX_K, CudaDevice
from services.matcher.index.faiss_gpu import FaissGpuIndex
from services.matcher.index.segment import SegmentRules

pytestmark = pytest.mark.gpu
DIM, ROWS = 256, 20_000

LOSE_IT = """
import numpy as np, torch
from services.matcher.index.faiss_gpu import FaissGpuIndex

index = FaissGpuIndex(8)
assert index.backend == "faiss-gpu", index.backend
rows = np.eye(8, dtype=np.float32)
index.add(np.arange(8), rows)
assert index.search(rows, 1).ids.ravel().tolist() == list(range(8))
try:  # an assertion fails in a kernel: from here on every call of this process's CUDA context fails
    torch.zeros(2, device="cuda")[torch.tensor([9], device="cuda")].cpu()
except RuntimeError as exc:
    print("lost:", str(exc).splitlines()[0])
assert index.search(rows, 1).ids.ravel().tolist() == list(range(8))
assert index.backend == "faiss-cpu", index.backend
index.add(np.array([8]), rows[:1] * 0.5)
assert index.remove(np.array([0])) == 1
assert index.search(rows[:1], 1).ids.tolist() == [[8]]
index.close()
print("the CPU answered")
"""


@pytest.fixture(scope="module", autouse=True)
def _a_gpu() -> None:
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() < 1:
        pytest.skip("needs a CUDA device and faiss-gpu in place of faiss-cpu")


def unit(rng: np.random.Generator, n: int) -> np.ndarray:
    rows = rng.standard_normal((n, DIM), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def pair() -> tuple[VectorIndex, VectorIndex]:
    """The GPU's index and brute force over the same rows, a third of them removed, some added again."""
    rng = np.random.default_rng(1)
    rows, ids = unit(rng, ROWS), rng.permutation(ROWS * 3)[:ROWS].astype(np.int64)
    made: list[VectorIndex] = []
    for index in (FaissGpuIndex(DIM, SegmentRules(tier="exact")), BruteForceIndex(DIM)):
        for start in range(0, ROWS, 3000):
            index.add(ids[start : start + 3000], rows[start : start + 3000])
        index.remove(ids[::3])
        index.add(ids[:300:3], rows[1:301:3])
        made.append(index)
    assert made[0].backend == "faiss-gpu"
    return made[0], made[1]


def agree(found: Neighbours, expected: Neighbours) -> None:
    """Equal but for places whose scores differ by less than 1e-3."""
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)
    for row in range(len(found.ids)):
        last = expected.scores[row].min()
        strange = ~np.isin(found.ids[row], expected.ids[row])
        assert (np.abs(found.scores[row][strange] - last) < 1e-3).all()
        real = found.ids[row][found.ids[row] >= 0]
        assert len(np.unique(real)) == len(real)


@pytest.mark.parametrize("k", [1, 10, 100, 1000, MAX_K, MAX_K + 1])
@pytest.mark.parametrize(
    "allowed",
    [None, lambda ids: ids % 2 == 0, lambda ids: ids % 997 == 0, lambda ids: np.zeros(len(ids), np.bool_)],
    ids=["all", "half", "few", "none"],
)
def test_as_brute_force(pair: tuple[VectorIndex, VectorIndex], k: int, allowed: IdFilter | None) -> None:
    queries = unit(np.random.default_rng(k), 7)
    agree(pair[0].search(queries, k, allowed), pair[1].search(queries, k, allowed))


def test_batches_of_every_size_agree(pair: tuple[VectorIndex, VectorIndex]) -> None:
    for count in (1, 2, 64, 257):
        queries = unit(np.random.default_rng(count), count)
        agree(pair[0].search(queries, 20), pair[1].search(queries, 20))


def test_the_gpu_really_searches(pair: tuple[VectorIndex, VectorIndex]) -> None:
    assert pair[0].backend == "faiss-gpu"
    assert pair[0].tier == "exact"


def test_compaction_keeps_what_lives() -> None:
    rng = np.random.default_rng(2)
    index, reference = FaissGpuIndex(DIM), BruteForceIndex(DIM)
    rows = unit(rng, 12_000)
    for one in (index, reference):
        one.add(np.arange(12_000), rows)
        one.remove(np.arange(0, 12_000, 2))
        one.purge()
        one.add(np.arange(20_000, 20_100), rows[:100])
    assert index._size == len(reference)
    agree(index.search(rows[:50], 30), reference.search(rows[:50], 30))
    held = index._device._rows[index._size :]  # what was removed is gone from the GPU's memory too
    assert float(held.abs().max()) == 0.0
    index.close()


def test_many_callers_while_it_changes() -> None:
    rng = np.random.default_rng(3)
    index = FaissGpuIndex(DIM)
    fixed = unit(rng, 2000)
    index.add(np.arange(2000), fixed)
    churned = unit(rng, 4000)

    def ask(number: int) -> None:
        own = np.random.default_rng(number)
        for _ in range(60):
            wanted = own.integers(0, 2000, 4)
            only = own.random() < 0.5
            found = index.search(fixed[wanted], 3, (lambda ids: ids < 2000) if only else None)
            assert found.ids[:, 0].tolist() == wanted.tolist()

    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ask, number) for number in range(16)]
        for turn in range(20):
            own = np.arange(10_000 + turn * 200, 10_200 + turn * 200)
            index.add(own, churned[turn * 200 : turn * 200 + 200])
            index.remove(own[:150])
        for one in asked:
            one.result(60)
    assert index.backend == "faiss-gpu"
    assert len(index) == 2000 + 20 * 50
    index.close()


def test_no_such_gpu() -> None:
    index = FaissGpuIndex(4, open_device=lambda dim: CudaDevice(dim, number=99))
    assert index.backend == "faiss-cpu"
    index.close()


def test_a_lost_gpu_costs_no_answer() -> None:
    done = subprocess.run([sys.executable, "-c", LOSE_IT], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines()[-1:] == ["the CPU answered"], done.stderr[-2000:]
    assert done.stderr.count("the CPU does") <= 1


def test_the_gpu_build_has_what_the_device_calls() -> None:
    fields = "metric k dims vectors numVectors vectorType vectorsRowMajor queries numQueries queryType queriesRowMajor"
    wanted = {*fields.split(), "outDistances", "outIndices", "outIndicesType", "device"}
    assert wanted <= set(dir(faiss.GpuDistanceParams))
    names = ("bfKnn", "cast_integer_to_void_ptr", "cast_integer_to_float_ptr", "DistanceDataType_F16")
    assert not [name for name in (*names, "IndicesDataType_I64") if not hasattr(faiss, name)]

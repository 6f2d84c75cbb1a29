"""What every VectorIndex promises. Brute force is the oracle of the others, and is checked against a plain sort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matcher.index.brute_force import BruteForceIndex
from services.matcher.index.codes import FaissCodes, NumpyCodes
from services.matcher.index.contract import VectorIndex
from services.matcher.index.faiss_gpu import FaissGpuIndex
from services.matcher.index.segment import SegmentRules, Snapshottable
from services.matcher.index.segmented import SegmentedIndex
from services.matcher.index.view import ScanPool
from tests.contract.vector_index.judging import DIM, SMALL, ids_of, unit

#: "gpu" searches a stand-in for a GPU's memory, "cuda" a real one.
NAMES = ("brute_force", "numpy", "faiss", "fast", "gpu", "milvus", pytest.param("cuda", marks=pytest.mark.gpu))


class KnnOnCpu:
    """A Device in this machine's memory, so that everything around a GPU but the GPU is tested."""

    def __init__(self, dim: int) -> None:
        self.rows = np.zeros((0, dim + 1), np.float16)

    def reserve(self, rows: int) -> None:
        grown = np.zeros((max(rows, len(self.rows)), self.rows.shape[1]), np.float16)
        grown[: len(self.rows)] = self.rows
        self.rows = grown

    def write(self, start: int, half: np.ndarray) -> None:
        self.rows[start : start + len(half), :-1] = half
        self.rows[start : start + len(half), -1] = 0

    def bar(self, may: np.ndarray) -> None:
        self.rows[: len(may), -1] = np.where(may, 0, -8)

    def keep(self, places: np.ndarray) -> None:
        kept = self.rows[places]
        kept[:, -1] = 0
        self.rows[: len(places)] = kept
        self.rows[len(places) :] = 0

    def abandon(self) -> None: ...

    def nearest(self, queries: np.ndarray, k: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        asked = np.pad(queries, ((0, 0), (0, 1)), constant_values=1)
        return faiss.knn(asked, self.rows[:rows].astype(np.float32), k, metric=faiss.METRIC_INNER_PRODUCT)


@pytest.fixture(scope="module")
def pool() -> Iterator[ScanPool]:
    with_two = ScanPool(2)
    yield with_two
    with_two.close()


@pytest.fixture
def make(request: pytest.FixtureRequest, pool: ScanPool, tmp_path: Path) -> Iterator[Callable[[str, int], VectorIndex]]:
    """Makes an index by name and dimension."""
    made: list[VectorIndex] = []

    def milvus(dim: int) -> VectorIndex:
        pytest.importorskip("milvus_lite", reason="needs the milvus extra")
        from services.matcher.index.milvus import MilvusIndex

        return MilvusIndex(dim, str(tmp_path / "milvus.db"))

    def cuda(dim: int) -> VectorIndex:
        if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() < 1:
            pytest.skip("needs a CUDA device and faiss-gpu in place of faiss-cpu")
        index = FaissGpuIndex(dim, SMALL)
        assert dim == 0 or index.backend == "faiss-gpu", "the GPU does not search"
        return index

    makers: dict[str, Callable[[int], VectorIndex]] = {
        "brute_force": BruteForceIndex,
        "numpy": lambda dim: SegmentedIndex(dim, NumpyCodes, SMALL, pool),
        "faiss": lambda dim: SegmentedIndex(dim, FaissCodes, SMALL, pool),
        "fast": lambda dim: SegmentedIndex(dim, FaissCodes, SegmentRules(8, 32, tier="fast"), pool),
        "gpu": lambda dim: FaissGpuIndex(dim, SMALL, KnnOnCpu),
        "milvus": milvus,
        "cuda": cuda,
    }

    def one(name: str, dim: int = DIM) -> VectorIndex:
        made.append(makers[name](dim))
        return made[-1]

    yield one
    for index in made:
        index.close()


@pytest.fixture(params=NAMES)
def index(request: pytest.FixtureRequest, make: Callable[[str], VectorIndex]) -> VectorIndex:
    return make(request.param)


@pytest.mark.parametrize(
    "name", ["numpy", "faiss", "fast", "gpu", pytest.param("cuda", marks=pytest.mark.gpu)], ids=str
)
def test_what_is_written_down_fills_another(name, make) -> None:
    rng = np.random.default_rng(11)
    index, vectors, queries = make(name), unit(rng, 90), unit(rng, 5)
    index.add(np.arange(90) * 7, vectors)
    index.remove(np.arange(20) * 14)
    assert isinstance(index, Snapshottable)
    again = make(name)
    again.load([part.living() for part in index.parts()])
    assert (len(again), again.backend) == (70, index.backend)
    assert again.search(queries, 6).ids.tolist() == index.search(queries, 6).ids.tolist()
    assert again.remove(np.array([7, 21, 14])) == 2
    again.add(np.array([7]), queries[:1])
    assert again.search(queries, 1).ids[0].tolist() == [7]
    with pytest.raises(ValueError, match="only an empty index"):
        again.load([])


def test_an_empty_index_answers_with_padding(index: VectorIndex) -> None:
    found = index.search(unit(np.random.default_rng(0), 2), 3)
    assert len(index) == 0
    assert found.scores.shape == found.ids.shape == (2, 3)
    assert found.scores.dtype == np.float32
    assert found.ids.dtype == np.int64
    assert (found.ids == -1).all()
    assert np.isneginf(found.scores).all()


def test_no_queries_give_no_rows(index: VectorIndex) -> None:
    index.add(ids_of(1), unit(np.random.default_rng(0), 1))
    assert index.search(np.zeros((0, DIM), np.float32), 4).ids.shape == (0, 4)


def test_best_first_and_equal_scores_by_id(index: VectorIndex) -> None:
    axes = np.eye(DIM, dtype=np.float32)
    index.add(ids_of(9, 2, 2**62), axes[[0, 0, 1]])
    found = index.search(axes[[0]], 4)
    assert found.ids.tolist() == [[2, 9, 2**62, -1]]
    np.testing.assert_allclose(found.scores, [[1, 1, 0, -np.inf]])


def test_input_is_copied(index: VectorIndex) -> None:
    axes = np.eye(DIM, dtype=np.float32)
    vectors = axes[[0]].copy()
    index.add(ids_of(1), vectors)
    vectors[:] = axes[[1]]
    assert index.search(axes[[0]], 1).scores[0, 0] == pytest.approx(1)


def test_removed_is_not_found_and_may_return(index: VectorIndex) -> None:
    vectors = unit(np.random.default_rng(0), 3)
    index.add(ids_of(5, 6, 7), vectors)
    assert index.remove(ids_of(6, 6, 99)) == 1
    assert len(index) == 2
    assert 6 not in index.search(vectors, 3).ids
    axis = np.eye(DIM, dtype=np.float32)[[0]]
    index.add(ids_of(6), axis)
    assert index.search(axis, 1).ids.tolist() == [[6]]


def test_remove_nothing(index: VectorIndex) -> None:
    assert index.remove(np.zeros(0, np.int64)) == 0


def test_vectors_come_back_as_added(index: VectorIndex) -> None:
    vectors = unit(np.random.default_rng(0), 3)
    index.add(ids_of(5, 6, 7), vectors)
    index.remove(ids_of(5))
    np.testing.assert_allclose(index.get(ids_of(7, 6, 7)), vectors[[2, 1, 2]], atol=2**-11)
    assert index.get(ids_of()).shape == (0, DIM)
    with pytest.raises(KeyError):
        index.get(ids_of(6, 5))


def test_a_filter_is_pushed_down(index: VectorIndex) -> None:
    rng = np.random.default_rng(1)
    vectors = unit(rng, 400)
    index.add(np.arange(400), vectors)
    query = unit(rng, 1)
    worst = np.argsort(vectors @ query[0])[:7]  # what an unfiltered search would find last
    found = index.search(query, 7, lambda ids: np.isin(ids, worst))
    assert set(found.ids[0].tolist()) == set(worst.tolist())
    assert index.search(query, 3, lambda ids: np.zeros(len(ids), np.bool_)).ids.tolist() == [[-1, -1, -1]]


def test_many_removals_give_memory_back(index: VectorIndex) -> None:
    rng = np.random.default_rng(2)
    n = 256
    vectors = unit(rng, n)
    index.add(np.arange(n), vectors)
    before = index.nbytes
    assert index.remove(np.arange(0, n, 2)) == n // 2
    index.settle()
    assert index.nbytes < before
    found = index.search(vectors[[1, 3]], 1)
    assert found.ids.tolist() == [[1], [3]]
    index.add(ids_of(0), vectors[[0]])
    assert index.search(vectors[[0]], 1).ids.tolist() == [[0]]


def test_a_purge_leaves_what_is_held(index: VectorIndex) -> None:
    vectors = unit(np.random.default_rng(3), 40)
    index.add(np.arange(40), vectors)
    index.remove(np.arange(0, 40, 3))
    index.purge()
    assert len(index) == 26
    assert index.search(vectors[[4, 7]], 1).ids.tolist() == [[4], [7]]


def test_a_view_outlives_its_index() -> None:
    index = SegmentedIndex(DIM, FaissCodes, SMALL)
    vectors = unit(np.random.default_rng(5), 40)
    index.add(np.arange(40), vectors)
    view = index.view()
    index.close()
    assert view.search(vectors[[9]], 1).ids.tolist() == [[9]]


@pytest.mark.parametrize("name", ["brute_force", "numpy", "faiss", "fast"])
def test_a_view_does_not_see_what_comes_after_it(make: Callable[[str], VectorIndex], name: str) -> None:
    index = make(name)
    vectors = unit(np.random.default_rng(4), 60)
    index.add(np.arange(30), vectors[:30])
    view = index.view()
    index.remove(np.arange(0, 30, 2))
    index.add(np.arange(30, 60), vectors[30:])
    index.settle()
    assert sorted(view.search(vectors[[5]], 100).ids[0, :30].tolist()) == list(range(30))
    assert (view.search(vectors[[5]], 100).ids[0, 30:] == -1).all()


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (ids_of(1), np.zeros((1, DIM + 1), np.float32), "vectors must be"),
        (ids_of(1, 2), np.zeros((1, DIM), np.float32), "ids must be"),
        (ids_of(1, 1), np.zeros((2, DIM), np.float32), "differ"),
        (ids_of(-1), np.zeros((1, DIM), np.float32), ">= 0"),
        (ids_of(3, 1), np.zeros((2, DIM), np.float32), "held already"),
        (ids_of(1), np.full((1, DIM), np.nan, np.float32), "finite"),
    ],
    ids=["dimension", "count", "repeated", "negative", "held", "nan"],
)
def test_refused_additions_change_nothing(
    index: VectorIndex, ids: np.ndarray, vectors: np.ndarray, message: str
) -> None:
    index.add(ids_of(3), np.eye(DIM, dtype=np.float32)[[0]])
    with pytest.raises(ValueError, match=message):
        index.add(ids, vectors)
    assert len(index) == 1
    assert index.search(np.eye(DIM, dtype=np.float32)[[0]], 2).ids.tolist() == [[3, -1]]


@pytest.mark.parametrize(
    ("query", "k"),
    [
        (np.zeros((1, DIM - 1), np.float32), 1),
        (np.zeros(DIM, np.float32), 1),
        (np.zeros((1, DIM), np.float32), 0),
        (np.full((1, DIM), np.inf, np.float32), 1),
    ],
    ids=["dimension", "one_vector", "k", "infinite"],
)
def test_refused_searches(index: VectorIndex, query: np.ndarray, k: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        index.search(query, k)


@pytest.mark.parametrize("name", NAMES)
def test_dimension_of_at_least_one(make: Callable[[str, int], VectorIndex], name: str) -> None:
    with pytest.raises(ValueError, match="dim"):
        make(name, 0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 60), k=st.integers(1, 70), share=st.floats(0, 1))
def test_brute_force_is_a_plain_sort(seed: int, n: int, k: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    vectors, query = unit(rng, n), unit(rng, 1)
    may = rng.random(n) < share
    index = BruteForceIndex(DIM)
    index.add(np.arange(n), vectors)
    found = index.search(query, k, lambda ids: may[ids])
    order = [i for i in np.argsort(-(vectors.astype(np.float64) @ query[0])).tolist() if may[i]][:k]
    assert found.ids[0, : len(order)].tolist() == order
    assert (found.ids[0, len(order) :] == -1).all()

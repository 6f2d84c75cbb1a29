"""What segments leave behind in the heap is given back: a gallery that comes and goes must not grow."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from services.matcher.index import codes, segmented
from services.matcher.index.bounds import Asked, Leading
from services.matcher.index.coarse import CoarseQuantiser
from services.matcher.index.codes import PIECE_ROWS, NumpyCodes, in_pieces
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex
from services.memory import give_back, share_arenas

DIM = 8


@pytest.fixture
def given(monkeypatch):
    """An index of small segments, settled, and the list that grows when memory is given back."""
    times: list[int] = []
    monkeypatch.setattr(segmented, "give_back", lambda: times.append(1))
    index = SegmentedIndex(DIM, NumpyCodes, SegmentRules(head_rows=16, segment_rows=64, tier="exact"))
    index.add(np.arange(320), np.random.default_rng(1).standard_normal((320, DIM)).astype(np.float32))
    index.settle()
    times.clear()
    yield index, times
    index.close()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_the_allocator_is_asked() -> None:
    assert give_back()


def test_an_index_that_rests_gives_nothing_back(given) -> None:
    index, times = given
    index.settle()
    index.remove(np.array([3]))
    index.add(np.array([1000]), np.ones((1, DIM), np.float32))
    index.settle()
    assert times == []


@pytest.mark.parametrize("gone", [np.arange(30), np.arange(64)], ids=["rewritten", "dropped"])
def test_what_a_segment_held_is_given_back(given, gone) -> None:
    index, times = given
    index.remove(gone)
    index.settle()
    assert times
    assert len(index) == 320 - len(gone)


def test_so_is_what_a_full_head_held(given) -> None:
    index, times = given
    index.add(np.arange(1000, 1016), np.ones((16, DIM), np.float32))
    index.settle()
    assert times


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_threads_can_be_made_to_share_heaps() -> None:
    assert share_arenas()


@pytest.mark.parametrize("rows", [0, 1, PIECE_ROWS, 2 * PIECE_ROWS + 3])
def test_a_segment_is_never_in_full_precision_as_a_whole(rows) -> None:
    half = np.random.default_rng(2).standard_normal((rows, DIM)).astype(np.float16)
    pieces = list(in_pieces(half))
    assert all(1 <= len(piece) <= PIECE_ROWS and piece.dtype == np.float32 for piece in pieces)
    assert sum(map(len, pieces)) == rows
    if rows:
        assert np.array_equal(np.concatenate(pieces).astype(np.float16), half)


def test_what_is_made_of_pieces_is_what_is_made_of_all(monkeypatch) -> None:
    wide = np.random.default_rng(3).standard_normal((700, 128)).astype(np.float16)
    quantiser, leading = CoarseQuantiser(wide.astype(np.float32)), Leading(wide.astype(np.float32))
    queries = wide[:9].astype(np.float32)
    found = []
    for piece_rows in (PIECE_ROWS, 64):
        monkeypatch.setattr(codes, "PIECE_ROWS", piece_rows)
        coarse, bounds = quantiser.encode(wide), leading.bounds(wide)
        scanned = bounds.scan(wide, Asked(leading, queries), 1, None)
        found.append((coarse.candidates(coarse.project(queries), 20)[1], bounds.nbytes, scanned and scanned[1]))
    assert np.array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    assert (found[0][2] is None) == (found[1][2] is None)
    assert found[0][2] is None or np.array_equal(found[0][2], found[1][2])

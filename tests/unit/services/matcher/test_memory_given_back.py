"""What segments leave behind in the heap is given back: a gallery that comes and goes must not grow."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from services.matcher.index import segmented
from services.matcher.index.codes import NumpyCodes
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex
from services.memory import give_back

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

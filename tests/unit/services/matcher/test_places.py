"""Places of ids in sorted blocks are those of a plain dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matcher.index.places import PlaceBook


@given(st.lists(st.sets(st.integers(0, 40), max_size=9), max_size=30))
def test_the_newest_place_counts(added: list[set[int]]) -> None:
    book, known, start = PlaceBook(), dict[int, int](), 0
    for ids in added:
        book.add(np.array(list(ids), np.int64), start)
        known |= {each: start + n for n, each in enumerate(ids)}
        start += len(ids)
    asked = np.arange(-1, 42)
    assert book.find(asked).tolist() == [known.get(each, -1) for each in asked.tolist()]
    assert book.find(asked[:0]).tolist() == []
    book.clear()
    assert book.find(np.array([1])).tolist() == [-1]


def test_blocks_stay_few() -> None:
    book = PlaceBook()
    for start in range(0, 10_000, 10):
        book.add(np.arange(start, start + 10), start)
    assert len(book._blocks) <= 14

"""What tests of vector indexes share: small vectors, small segments, and when two answers are the same."""

from __future__ import annotations

import numpy as np
import pytest

from services.matcher.index.contract import Neighbours
from services.matcher.index.segment import SegmentRules

DIM = 8
#: Small parts, so that a test sees the head sealed, segments joined and rewritten.
SMALL = SegmentRules(head_rows=8, segment_rows=32, tier="exact")


def unit(rng: np.random.Generator, n: int, dim: int = DIM) -> np.ndarray:
    vectors = rng.standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ids_of(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def assert_same_answer(found: Neighbours, expected: Neighbours) -> None:
    """Equal but for the order of scores within 1e-3."""
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)
    for row in range(len(found.ids)):
        wanted = dict(zip(expected.ids[row].tolist(), expected.scores[row].tolist(), strict=True))
        last = expected.scores[row][expected.ids[row] >= 0].min(initial=np.inf)
        for identifier, score in zip(found.ids[row].tolist(), found.scores[row].tolist(), strict=True):
            if identifier in wanted:
                assert score == pytest.approx(wanted[identifier], abs=1e-3)
            else:  # a tie with the last place
                assert score == pytest.approx(last, abs=1e-3)
        real = [i for i in found.ids[row].tolist() if i >= 0]
        assert len(set(real)) == len(real)
        assert len(real) == int((expected.ids[row] >= 0).sum())

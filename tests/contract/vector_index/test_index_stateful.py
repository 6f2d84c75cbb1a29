"""An index against brute force through any series of what may happen to it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.matcher.index import quickening
from services.matcher.index.brute_force import BruteForceIndex
from services.matcher.index.coarse import CoarseQuantiser
from services.matcher.index.codes import FaissCodes, MakeCodes, NumpyCodes
from services.matcher.index.contract import NO_ID, Neighbours
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex
from services.matcher.index.view import ScanPool
from tests.contract.vector_index.judging import DIM, SMALL, assert_same_answer, ids_of


class AgainstBruteForce(RuleBasedStateMachine):
    """Any series of additions, removals, expiries, housekeeping, snapshots, crashes and searches is as brute force."""

    make_codes: MakeCodes = FaissCodes
    cut = SMALL

    def __init__(self) -> None:
        super().__init__()
        self.pool = ScanPool(2)
        self.reference = BruteForceIndex(DIM)
        self.index = self.fresh()
        self.held: dict[int, int] = {}
        self.clock = 0
        self.saved: tuple[list, dict[int, int], BruteForceIndex] = ([], {}, BruteForceIndex(DIM))

    def fresh(self) -> SegmentedIndex:
        return SegmentedIndex(DIM, type(self).make_codes, type(self).cut, self.pool)

    def teardown(self) -> None:
        self.pool.close()

    @rule(seed=st.integers(0, 2**16), ids=st.sets(st.integers(0, 2**63 - 1) | st.integers(0, 30), max_size=12))
    def add(self, seed: int, ids: set[int]) -> None:
        fresh = ids_of(*sorted(ids - self.held.keys()))
        # A coarse grid, so that equal scores happen.
        vectors = np.random.default_rng(seed).integers(-2, 3, (len(fresh), DIM)).astype(np.float32)
        self.reference.add(fresh, vectors)
        self.index.add(fresh, vectors)
        self.clock += 1
        self.held |= dict.fromkeys(fresh.tolist(), self.clock)

    @rule(seed=st.integers(0, 2**16), share=st.floats(0, 1))
    def delete(self, seed: int, share: float) -> None:
        rng = np.random.default_rng(seed)
        self._remove([i for i in sorted(self.held) if rng.random() < share] + [31])

    @rule(age=st.integers(0, 6))
    def expire(self, age: int) -> None:
        self._remove([i for i, added in self.held.items() if added < self.clock - age])

    def _remove(self, ids: list[int]) -> None:
        gone = ids_of(*ids)
        assert self.reference.remove(gone) == self.index.remove(gone)
        for identifier in ids:
            self.held.pop(identifier, None)

    @rule()
    def compact(self) -> None:
        self.index.settle()
        dead = sum(self.index.segments[:-1]) - (len(self.index) - len(self.index._head))
        assert dead <= 0.2 * max(1, sum(self.index.segments[:-1]))

    @rule()
    def purge(self) -> None:
        self.index.purge()
        assert sum(self.index.segments) == len(self.index)

    @rule()
    def snapshot(self) -> None:
        self.saved = (self.index.export(), dict(self.held), self.reference.view())

    @rule()
    def crash(self) -> None:
        parts, self.held, reference = self.saved
        self.held = dict(self.held)
        self.index = self.fresh()
        self.index.load(parts)
        self.reference = reference.view()

    @rule(seed=st.integers(0, 2**16), k=st.integers(1, 20), modulus=st.none() | st.integers(1, 4))
    def search(self, seed: int, k: int, modulus: int | None) -> None:
        queries = np.random.default_rng(seed).integers(-2, 3, (2, DIM)).astype(np.float32)
        allowed = None if modulus is None else lambda ids: ids % modulus == 0
        self.judge(self.index.search(queries, k, allowed), self.reference.search(queries, k, allowed), queries)
        held = ids_of(*sorted(self.held))
        np.testing.assert_array_equal(self.index.get(held), self.reference.get(held))

    def judge(self, found: Neighbours, expected: Neighbours, queries: np.ndarray) -> None:
        assert_same_answer(found, expected)

    @invariant()
    def same_size(self) -> None:
        assert len(self.index) == len(self.reference) == len(self.held)


class NumpyAgainstBruteForce(AgainstBruteForce):
    make_codes = NumpyCodes


class Gate:
    """A quantiser's learner that waits while the gate is closed."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, sample: np.ndarray) -> CoarseQuantiser:
        assert self.open.wait(60)
        return CoarseQuantiser(sample)


class LearningAgainstBruteForce(AgainstBruteForce):
    """The same while the index becomes fast, with learning held up for any time: exact until it has learned.

    Of the fast tier is asked what it promises: as many as there are, only what may be found, at exact scores.
    """

    cut = SegmentRules(head_rows=64, segment_rows=512, fast_from=300, learn_from=256)

    def __init__(self) -> None:
        self.gate = Gate()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(quickening, "CoarseQuantiser", self.gate)
        super().__init__()

    def teardown(self) -> None:
        self.gate.open.set()
        self.index.close()
        self.index._quickener.wait()
        self.patch.undo()
        super().teardown()

    @rule(seed=st.integers(0, 2**16), count=st.integers(100, 400))
    def add_many(self, seed: int, count: int) -> None:
        self.add(seed, set(np.random.default_rng(seed).integers(100, 2**40, count).tolist()))

    @rule()
    def keep_house(self) -> None:
        while self.index.maintain():
            pass

    @rule()
    def hold_learning(self) -> None:
        self.gate.open.clear()

    @rule()
    def let_it_learn(self) -> None:
        self.gate.open.set()
        self.index.settle()
        assert self.index._quickener._quantiser is not None or len(self.index) < 300 + self.cut.head_rows

    @rule()
    def compact(self) -> None:
        self.gate.open.set()
        super().compact()

    @rule()
    def crash(self) -> None:
        self.index.close()
        super().crash()

    def judge(self, found: Neighbours, expected: Neighbours, queries: np.ndarray) -> None:
        if all(part.coarse is None for part in self.index.parts()):
            super().judge(found, expected, queries)
            return
        np.testing.assert_array_equal(found.ids == NO_ID, expected.ids == NO_ID)
        for ids, scores, query in zip(found.ids, found.scores, queries, strict=True):
            real = ids[ids != NO_ID]
            assert len(np.unique(real)) == len(real)
            exact = self.reference.get(real) @ query
            np.testing.assert_allclose(scores[: len(real)], exact, atol=1e-3)
            assert (np.diff(scores[: len(real)]) <= 0).all()


for machine in (AgainstBruteForce, NumpyAgainstBruteForce, LearningAgainstBruteForce):
    machine.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestFaissAgainstBruteForce = AgainstBruteForce.TestCase
TestNumpyAgainstBruteForce = NumpyAgainstBruteForce.TestCase
TestLearningAgainstBruteForce = LearningAgainstBruteForce.TestCase

"""Lessons as they are read: by themselves or together, and counted in one piece or in several."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.links.lessons import Lesson, Lessons, Origin
from tracker.multi_camera.links.reading import Read
from tracker.multi_camera.links.tables import CELLS, LEAVING, OVERLAP, CameraCells, Tally, compile_tables, compile_times
from tracker.multi_camera.links.travel import log_sum
from tracker.multi_camera.settings import AssociationSettings

CAMERAS, COUNT = 5, 12


@pytest.fixture
def lessons():
    rng = np.random.default_rng(3)
    ring = Lessons()
    for _ in range(COUNT):
        keys = rng.choice(6, rng.integers(0, 4), replace=False).tolist()
        origins = tuple(
            Origin(int(rng.integers(CAMERAS)), int(rng.integers(2)), float(rng.normal(2, 1)), 3.0, int(k), k, until)
            for k, until in zip(keys, rng.choice([1.5, np.nan], len(keys)).tolist(), strict=True)
        )
        ring.put(Lesson(int(rng.integers(CAMERAS)), int(rng.integers(CELLS + 1)), -3.0, origins))
    return ring


@pytest.fixture
def tables():
    tally = Tally.empty(CAMERAS)
    tally.moments[..., 0], tally.moments[..., 1], tally.moments[..., 2] = 3.0, 6.0, 13.0
    return compile_times(tally, AssociationSettings())


def test_lessons_alone_are_read_as_each_by_itself(lessons, tables):
    rows = np.arange(COUNT)
    weight, typical, leaving = Read.rows(lessons, rows, alone=True).responsibilities(tables)
    one_by_one = [Read.rows(lessons, rows[n : n + 1]).responsibilities(tables) for n in range(COUNT)]
    for whole, parts in zip((weight, typical, leaving), zip(*one_by_one, strict=True), strict=True):
        assert whole == pytest.approx(np.concatenate(parts), abs=1e-12)
    together, _, _ = Read.rows(lessons, rows).responsibilities(tables)
    assert not np.allclose(together, weight), "origins are shared, so lessons together say something else"


def test_lessons_count_the_same_in_one_piece_and_in_several(lessons, tables):
    read = Read.rows(lessons, np.arange(COUNT))
    found = read.responsibilities(tables)
    whole, parts = Tally.empty(CAMERAS), Tally.empty(CAMERAS)
    read.count(whole, *found)
    for begin in range(0, COUNT, 5):
        read.count(parts, *found, slice(begin, begin + 5))
    for name in ("moments", "entry", "exit", "shares", "returns"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name
    assert whole.shares[:, 1].sum() == COUNT
    assert whole.returns.sum() == pytest.approx(found[0].sum())
    told, until_left = found[2] > 0.0, ~np.isnan(read.until) & (read.mode == OVERLAP)
    assert told.any()
    assert np.array_equal(told, until_left), "leaving tells of those alone who were there and are known to have left"
    by_leaving = (found[0][read.of, read.place] * found[2])[told].sum()
    assert whole.moments[..., LEAVING, :].sum(axis=(0, 1)) == pytest.approx(by_leaving * 1.5 ** np.arange(3))
    without = Tally.empty(CAMERAS)
    read.count(without, *found, cells=False)
    assert whole.entry.any()
    assert not without.entry.any()


def test_lessons_are_read_by_what_scoring_reads_but_pins_and_zones():
    tally = Tally.empty(CAMERAS)
    cells = CameraCells(np.zeros((CAMERAS, CELLS)), np.zeros((CAMERAS, CELLS)))
    times, whole = (compile_times(tally, AssociationSettings()), compile_tables(tally, cells, AssociationSettings()))
    for name in ("log_share", "log_overlap", "log_apart", "log_return", "log_last", "log_new", "travelled"):
        assert np.array_equal(getattr(times, name), getattr(whole, name)), name


def test_sums_of_exponentials_are_as_numpy_has_them():
    one = np.array([0.0, -1.0, -np.inf, 3.0, -np.inf, -800.0])
    other = np.array([0.0, 700.0, 2.0, -np.inf, -np.inf, -801.0])
    assert log_sum(one, other) == pytest.approx(np.logaddexp(one, other), rel=1e-12)

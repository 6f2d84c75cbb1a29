"""Links as scoring reads them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from tracker.multi_camera.links.tables import CELLS, GAP, LEAVING, OVERLAP, CameraCells, Tally, compile_tables
from tracker.multi_camera.links.travel import log_duration, travel_times
from tracker.multi_camera.settings import AssociationSettings


def test_a_link_is_read_by_mode_as_its_two_parts_are():
    rng = np.random.default_rng(4)
    tally = Tally.empty(3)
    tally.moments[..., 0] = rng.integers(0, 20, (3, 3, 3))
    tally.moments[..., 1] = 2.5 * tally.moments[..., 0]
    tally.moments[..., 2] = 7.0 * tally.moments[..., 0]
    tables = compile_tables(tally, CameraCells(np.zeros((3, CELLS)), np.zeros((3, CELLS))), AssociationSettings())
    index, mode = (rng.integers(0, 3, 50), rng.integers(0, 3, 50)), rng.integers(0, 2, 50)
    x = rng.normal(2.0, 2.0, 50)
    y = np.where(rng.random(50) < 0.3, np.nan, rng.normal(1.0, 1.0, 50))
    rate, typical, leaving = tables.log_rate_and_typical(mode, index, x, y)
    assert np.array_equal(rate, np.where(mode == GAP, tables.log_gone(index, x), tables.log_there(index, x, y)))
    narrow, broad = tables.gap.log_parts(index, x)
    share = np.exp(narrow) / (np.exp(narrow) + np.exp(broad))
    gone = mode == GAP
    assert typical[gone] == pytest.approx(share[gone])
    assert not leaving[gone].any()
    assert not leaving[np.isnan(y)].any()
    by_coming = tables.overlap.log_parts(index, x)[0] - x + tables.log_by_coming[index] + tables.log_overlap[index]
    assert typical[~gone] == pytest.approx(np.exp(by_coming - rate)[~gone])
    assert (typical + leaving < 1.0).all()


def test_those_who_stand_in_both_views_come_at_some_moment_of_their_stay():
    tally, x = Tally.empty(2), float(log_duration(4.0))
    tally.moments[0, 1, OVERLAP] = tally.moments[0, 1, LEAVING] = 200, 200 * x, 200 * (x * x + 0.02)
    cells = np.zeros((2, CELLS))
    tables = compile_tables(tally, CameraCells(cells, cells), AssociationSettings())
    stay_s = 20.0
    came_s = np.linspace(0.0, stay_s, 4001)
    index = np.zeros(len(came_s), np.intp), np.ones(len(came_s), np.intp)
    rate = tables.log_there(index, log_duration(came_s), log_duration(stay_s - came_s)) - tables.log_overlap[0, 1]
    assert integrate.trapezoid(np.exp(rate), came_s) == pytest.approx(1.0, abs=0.03)


def test_whether_coming_or_leaving_tells_is_counted_by_link():
    tally = Tally.empty(3)
    tally.moments[0, 1, OVERLAP, 0], tally.moments[0, 1, LEAVING, 0] = 2, 18
    tally.moments[1, 2, OVERLAP, 0] = 20
    cells = np.zeros((3, CELLS))
    tables = compile_tables(tally, CameraCells(cells, cells), AssociationSettings())
    share = np.exp(tables.log_by_leaving)
    assert share[1, 2] < 0.1 < share[2, 0] < 0.8 < share[0, 1]
    np.testing.assert_allclose(np.exp(tables.log_by_coming) + share, 1.0)
    assert np.exp(tables.log_overlap[0, 1]) > 0.9


@pytest.mark.parametrize("count", [0, 1, 30])
def test_travel_densities_integrate_to_one(count):
    x = float(log_duration(20.0))
    model = travel_times(np.array([[count, count * x, count * (x * x + 0.01)]], float), 12.0, 1.2, 0.3)
    u = np.linspace(-12.0, 20.0, 20_001)
    area = integrate.trapezoid(np.exp(model.log_density((np.zeros(len(u), np.intp),), u) + u), u)
    assert area == pytest.approx(1.0, abs=0.01)


def nothing_known(cameras):
    cells = np.zeros((cameras, CELLS))
    return compile_tables(Tally.empty(cameras), CameraCells(cells, cells), AssociationSettings())


def test_a_vehicle_is_not_expected_back_where_it_left_until_some_come_back():
    tables = nothing_known(3)
    np.testing.assert_allclose(tables.log_share[0, 1] - tables.log_share[0, 0], 4.0)
    np.testing.assert_allclose(np.exp(tables.log_share).sum(axis=1), 1.0)
    np.testing.assert_allclose(tables.log_prior, -1.0 - 4.0 * np.eye(3), atol=1e-12)
    tally = Tally.empty(3)
    tally.moments[0, 0, GAP] = 20, 60, 190
    cells = np.zeros((3, CELLS))
    learned = compile_tables(tally, CameraCells(cells, cells), AssociationSettings())
    assert learned.log_share[0, 0] > learned.log_share[0, 1]


def test_a_single_camera_expects_whoever_comes_again_in_itself():
    tables = nothing_known(1)
    assert tables.log_share[0, 0] == tables.log_prior[0, 0] == 0.0


def test_a_young_link_knows_soon_whether_its_views_overlap():
    links = (np.array([0, 0, 1]), np.array([1, 2, 2]))
    still, gone = np.ones(3, bool), np.zeros(3, bool)
    new = nothing_known(3)
    np.testing.assert_allclose(new.log_expected(links, still), -1.0)
    np.testing.assert_allclose(new.log_expected(links, gone), -1.0)
    tally = Tally.empty(3)
    tally.moments[0, 1, GAP, 0], tally.moments[0, 2, OVERLAP, 0] = 6, 6
    cells = np.zeros((3, CELLS))
    tables = compile_tables(tally, CameraCells(cells, cells), AssociationSettings())
    while_there, after = tables.log_expected(links, still), tables.log_expected(links, gone)
    assert while_there[0] < -1.2 < after[0] == -1.0
    assert after[1] < -1.5 < while_there[1] == -1.0
    assert (while_there <= -1.0).all()
    assert (after <= -1.0).all()

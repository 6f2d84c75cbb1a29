"""Links as scoring reads them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from tracker.multi_camera.links.tables import CELLS, GAP, OVERLAP, CameraCells, Tally, compile_tables
from tracker.multi_camera.links.travel import log_duration, travel_times
from tracker.multi_camera.settings import AssociationSettings


def test_a_link_is_read_by_mode_as_its_two_parts_are():
    rng = np.random.default_rng(4)
    tally = Tally.empty(3)
    tally.moments[..., 0] = rng.integers(0, 20, (3, 3, 2))
    tally.moments[..., 1] = 2.5 * tally.moments[..., 0]
    tally.moments[..., 2] = 7.0 * tally.moments[..., 0]
    tables = compile_tables(tally, CameraCells(np.zeros((3, CELLS)), np.zeros((3, CELLS))), AssociationSettings())
    index, mode = (rng.integers(0, 3, 50), rng.integers(0, 3, 50)), rng.integers(0, 2, 50)
    x = rng.normal(2.0, 2.0, 50)
    rate, typical = tables.log_rate_and_typical(mode, index, x)
    assert np.array_equal(rate, np.where(mode == GAP, tables.log_gone(index, x), tables.log_there(index, x)))
    for of_mode, times in ((GAP, tables.gap), (OVERLAP, tables.overlap)):
        narrow, broad = times.log_parts(index, x)
        share = np.exp(narrow) / (np.exp(narrow) + np.exp(broad))
        assert typical[mode == of_mode] == pytest.approx(share[mode == of_mode])


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

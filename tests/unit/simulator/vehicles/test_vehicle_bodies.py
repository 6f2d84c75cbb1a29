"""Bodies as built from their meshes: wheels capped, plates where they belong, loads on roofs."""

import shutil

import numpy as np
import pytest

from simulator.meshes import MeshLibrary
from simulator.renderer.loads import build_load
from simulator.renderer.rider import rider_rows
from simulator.renderer.surface import Slot
from simulator.renderer.vehicle_mesh import build_vehicle_mesh
from simulator.vehicles.catalogue import MODELS

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get"
)
NAMES = ("smart", "scenic", "van", "truck", "scooter")


@pytest.fixture(scope="module")
def meshes():
    library = MeshLibrary.open()
    return {name: build_vehicle_mesh(library, MODELS[name]) for name in NAMES}


def _vertices(mesh, slot):
    rows = np.concatenate([part.vertices for part in mesh.parts])
    return rows[rows[:, 13] == slot]


@pytest.mark.parametrize("name", NAMES)
def test_bodies_stand_on_the_road_at_their_true_length(meshes, name):
    width, height, length = meshes[name].size_m

    assert length == pytest.approx(MODELS[name].length_m, abs=0.01)
    assert 0.5 < width < 3.2
    assert 1.0 < height < 4.2
    assert min(part.vertices[:, 1].min() for part in meshes[name].parts) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("name", ["smart", "scenic", "van"])
def test_four_wheels_are_capped_at_axle_height(meshes, name):
    rows = _vertices(meshes[name], Slot.RIM)
    hubs = rows[(np.abs(rows[:, 6:8]).max(axis=1) < 1e-6) & (np.abs(rows[:, 3]) == 1)]
    edges = rows[np.abs(np.hypot(rows[:, 6], rows[:, 7]) - 1) < 1e-3]
    near = {(int(np.sign(x)), int(np.sign(z))) for x, z in edges[:, [0, 2]]}

    assert near == {(-1, -1), (-1, 1), (1, -1), (1, 1)}
    assert ((edges[:, 1] > 0.05) & (edges[:, 1] < 0.75)).all()
    assert len(hubs) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_plates_sit_at_the_ends_at_the_height_the_catalogue_names(meshes, name):
    plates = _vertices(meshes[name], Slot.PLATE)
    front, rear = MODELS[name].plates_m
    half = meshes[name].size_m[2] / 2

    for height, rows in ((front, plates[plates[:, 2] > 0]), (rear, plates[plates[:, 2] < 0])):
        if height is None:
            assert not len(rows)
            continue
        assert rows[:, 1].mean() == pytest.approx(height, abs=0.01)
        assert np.ptp(rows[:, 2]) == pytest.approx(0.0, abs=1e-4)
        assert 0.7 * half < abs(float(rows[0, 2])) < half + 0.05


@pytest.mark.parametrize("name", ["smart", "scenic", "van", "scooter"])
def test_every_load_touches_what_carries_it_and_stays_on_it(meshes, name):
    body = MODELS[name]
    half_width, _, length = meshes[name].size_m
    rider = {Slot.PANEL, Slot.HELMET, Slot.GLASS} if body.seat else set()
    rows = np.concatenate([part.vertices for part in meshes[name].parts])
    carrier = rows[~np.isin(rows[:, 13], list(rider))]

    for kind in body.loads:
        load = np.concatenate([part.vertices for part in build_load(kind, body, meshes[name]).parts])
        assert load[:, 1].min() < carrier[:, 1].max(), kind
        assert np.abs(load[:, 0]).max() < half_width / 2 + 0.15, kind
        assert np.abs(load[:, 2]).max() < length / 2 + 0.1, kind


def test_unknown_loads_and_bare_roofs_are_refused(meshes):
    with pytest.raises(ValueError, match="piano"):
        build_load("piano", MODELS["van"], meshes["van"])
    with pytest.raises(ValueError, match="no roof anchor"):
        build_load("rack", MODELS["truck"], meshes["truck"])


def test_riders_have_helmet_and_jacket_above_their_seat():
    seat = MODELS["scooter"].seat
    rows = rider_rows(seat)
    helmet = rows[rows[:, 13] == Slot.HELMET]

    assert helmet[:, 1].min() > seat.hip[0] + 0.3
    assert (rows[:, 13] == Slot.PANEL).any()
    assert np.allclose(np.linalg.norm(rows[:, 3:6], axis=1), 1.0, atol=1e-3)


def test_every_mesh_is_credited():
    library = MeshLibrary.open()

    for model in MODELS.values():
        credit = library.credit(model.archive, model.member)
        assert credit.creator != "unknown", model.name
        assert "Creative Commons" in credit.licence or "Public domain" in credit.licence

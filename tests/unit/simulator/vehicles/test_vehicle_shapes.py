"""Bodies in other shapes: what is bent, what stays, and who may show them."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.dataset.plan import TEST_PART, TRAIN_PART, ReidPlan
from simulator.renderer.reshape import reshaped
from simulator.renderer.surface import VERTEX_WIDTH
from simulator.renderer.wheels import Wheel
from simulator.splits import SHAPED, TRAIN, UNTRAINED_BODIES
from simulator.vehicles.catalogue import MODELS, Shape
from simulator.vehicles.identity import draw_fleet
from simulator.vehicles.shapes import SHAPES, body_of, made_name, shaped

SAME = Shape(1, 1, 1, 1, 1, 1, 0, 0, (0, 0))
WHEELS = tuple(Wheel(side, 0.9, 0.32, z) for side in (-1, 1) for z in (-1.3, 1.35))


def _box(count: int = 4000) -> np.ndarray:
    """Points on a car-sized box, with its normals."""
    rng = np.random.default_rng(0)
    half = np.array([0.9, 0.75, 2.2])
    axis, sign = rng.integers(0, 3, count), rng.choice([-1.0, 1.0], count)
    unit = rng.uniform(-1, 1, (count, 3))
    unit[np.arange(count), axis] = sign
    rows = np.zeros((count, VERTEX_WIDTH), np.float32)
    rows[:, :3] = unit * half + [0, 0.75, 0]
    rows[np.arange(count), 3 + axis] = sign
    return rows


def test_a_body_that_is_bent_by_nothing_stays():
    rows = _box()
    assert np.allclose(reshaped({"": rows}, SAME, WHEELS)[""], rows, atol=1e-4)


@pytest.mark.parametrize("wheels", [WHEELS, ()])
@pytest.mark.parametrize("name", ["focus~1", "van~5", "bus~8"])
def test_a_bent_body_stands_on_the_road_and_is_one_of_its_kind(name, wheels):
    shape = body_of(name).shape
    rows = _box()
    bent = reshaped({"a": rows[:1000], "b": rows[1000:]}, shape, wheels)
    assert [len(part) for part in bent.values()] == [1000, 3000]
    points, normals = (np.concatenate([*bent.values()])[:, slice(first, first + 3)] for first in (0, 3))

    assert points[:, 1].min() == pytest.approx(0, abs=0.02)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)
    assert np.abs(points - rows[:, :3]).max() > 0.05
    assert np.all(np.sign(points[:, 0]) == np.sign(rows[:, 0]))
    if wheels:  # Neither longer nor higher where a wheel is: it stays round.
        wheel = (np.abs(rows[:, 2] - WHEELS[-1].z_m) < 0.32) & (rows[:, 1] < 0.6)
        assert np.ptp(points[wheel, 2]) == pytest.approx(np.ptp(rows[wheel, 2]), rel=1e-3)
        assert np.allclose(points[wheel, 1], rows[wheel, 1], atol=1e-4)


def test_normals_follow_the_surface():
    """Of a slanted plane that is stretched, known from its two edges."""
    corners = np.array([[-1, 0.2, 0], [1, 0.2, 0], [0, 1.0, 1]], float)
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    rows = np.zeros((3, VERTEX_WIDTH), np.float32)
    rows[:, :3], rows[:, 3:6] = corners, normal / np.linalg.norm(normal)
    bent = reshaped({"": rows}, replace(SAME, width=1.2, wheelbase=1.5, front=1.5, rear=1.5), ())[""]
    moved = np.cross(bent[1, :3] - bent[0, :3], bent[2, :3] - bent[0, :3])
    assert np.allclose(bent[:, 3:6], moved / np.linalg.norm(moved), atol=1e-3)


def test_names_tell_shapes():
    assert body_of("suv") is MODELS["suv"]
    assert body_of("suv").shape is None
    assert body_of("suv~3") == body_of("suv~3") != body_of("suv~4")
    assert body_of("suv~3").kind == "car"
    assert made_name("suv~3") == "suv"
    rng = np.random.default_rng(1)
    names = {shaped("suv", rng) for _ in range(300)}
    assert names == {"suv", *(f"suv~{number}" for number in range(1, SHAPES + 1))}
    assert {shaped("scooter", rng) for _ in range(50)} == {"scooter"}
    with pytest.raises(KeyError):
        body_of("tractor~1")


def test_shapes_change_nothing_else_of_a_fleet():
    made, varied = (draw_fleet(TRAIN.seeds[0], 300, split=split, twins_share=0.4) for split in (TRAIN, SHAPED))
    assert [made_name(look.model) for look in varied] == [look.model for look in made]
    assert [(look.colour, look.paint, look.decals) for look in varied] == [
        (look.colour, look.paint, look.decals) for look in made
    ]
    by_id = {look.vehicle_id: look for look in varied}
    assert all(look.model == by_id[look.twin_of].model for look in varied if look.twin_of is not None)
    assert len({look.model for look in varied}) > 2 * len({look.model for look in made})
    assert not {made_name(look.model) for look in varied} & UNTRAINED_BODIES


def test_what_is_judged_shows_bodies_as_they_were_made():
    plan = ReidPlan(60, 60, shapes=True)
    assert any(look.model not in MODELS for look in plan.fleet(TRAIN_PART))
    assert plan.fleet(TEST_PART) == ReidPlan(60, 60).fleet(TEST_PART)
    assert ReidPlan(60, 60).fleet(TRAIN_PART) != plan.fleet(TRAIN_PART)


def test_twins_that_look_alike_from_one_side_can_be_left_out():
    assert any(look.alike_from for look in ReidPlan(200, 0, twins_share=0.4).fleet(TRAIN_PART))
    told = ReidPlan(200, 0, twins_share=0.4, alike_share=0.0).fleet(TRAIN_PART)
    assert not any(look.alike_from or look.alike_side for look in told)
    assert sum(look.twin_of is not None for look in told) == 80

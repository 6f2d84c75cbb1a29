"""Pixels of decals and plates."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.vehicles.appearance import Decal
from simulator.vehicles.catalogue import MODELS
from simulator.vehicles.cues import draw_decals
from simulator.vehicles.identity import draw_appearance, with_plate, without_plate
from simulator.vehicles.livery import LAYERS, paint_layers, plate_text

FIRM = "TOVENTA\nBOOKS"


def test_lettering_reads_the_same_way_on_both_flanks():
    layers = paint_layers(_with(Decal("lettering", "flanks", (0.9, 0.1, 0.1), 5, FIRM)))

    left, right = (_tight(layers[LAYERS.index(side)][..., 3]) for side in ("left", "right"))

    np.testing.assert_array_equal(left, right)
    assert (left != left[:, ::-1]).any()


def test_nothing_stuck_on_leaves_all_but_the_plate_clear():
    layers = paint_layers(_with())

    assert not layers[: LAYERS.index("plate")].any()
    assert (layers[LAYERS.index("plate")][..., 3] == 255).all()


def test_bodies_without_shut_lines_get_them():
    layers = paint_layers(replace(draw_appearance(1, 1, model="leon"), decals=()))

    assert layers[LAYERS.index("left")].any()
    np.testing.assert_array_equal(layers[LAYERS.index("left")][..., 3] > 0, _mirrored(layers, "right"))


@pytest.mark.parametrize("name", ["focus", "van"])
def test_every_decal_ever_drawn_paints_something_on_its_side_only(name):
    body = MODELS[name]
    rng = np.random.default_rng(0)
    drawn = {d.kind + d.side: d for _ in range(300) for d in draw_decals(body, (0.5, 0.5, 0.5), "unseen", rng)}

    assert len(drawn) > 20
    for decal in drawn.values():
        layers = paint_layers(_with(decal))
        sides = ("left", "right") if decal.side == "flanks" else (decal.side,)
        painted = {side for side in LAYERS[:-1] if layers[LAYERS.index(side)].any()}
        assert painted == set(sides), decal


@pytest.mark.parametrize("reach", [(0.5, 0.66), (0.12, 0.4), (0.6, 0.88)])
@pytest.mark.parametrize("kind", ["dent", "scratch", "sticker", "splashes"])
def test_small_decals_keep_to_their_reach(kind, reach):
    for seed in range(20):
        shape = "star" if kind == "sticker" else ""
        layers = paint_layers(_with(Decal(kind, "rear", (0.9, 0.1, 0.1), seed, shape=shape, reach=reach)))
        columns = np.flatnonzero(layers[LAYERS.index("rear")][..., 3].any(axis=0))
        assert columns.min() >= reach[0] * 256 - 8
        assert columns.max() <= reach[1] * 256 + 8


def test_plates_follow_their_seed_and_blank_ones_read_nothing():
    vehicle = _with()

    plate, same, other, blank = (
        paint_layers(look)[LAYERS.index("plate")]
        for look in (with_plate(vehicle, 1), with_plate(vehicle, 1), with_plate(vehicle, 2), without_plate(vehicle))
    )

    np.testing.assert_array_equal(plate, same)
    assert (plate != other).any()
    assert len(np.unique(blank[16:112, 16:240].reshape(-1, 4), axis=0)) == 1
    assert plate_text(1) != plate_text(2)


def _with(*decals):
    return replace(draw_appearance(1, 1, model="focus"), decals=decals)


def _mirrored(layers, side):
    return layers[LAYERS.index(side)][..., 3][:, ::-1] > 0


def _tight(alpha):
    rows, columns = np.nonzero(alpha)
    return alpha[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]

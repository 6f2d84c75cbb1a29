"""Vehicles drawn from seeds, and the pixels of their decals."""

from collections import Counter

import numpy as np

from simulator.catalogue import MODELS
from simulator.identity import COLOURS, Decal, draw_appearance, draw_fleet
from simulator.livery import LAYERS, paint_layers


def test_same_seed_same_vehicle():
    assert draw_appearance(1, 42) == draw_appearance(1, 42)
    assert draw_appearance(1, 42) != draw_appearance(1, 43)


def test_a_fleet_has_twins_that_differ_in_cues():
    fleet = draw_fleet(7, 200, twins_share=0.3)
    groups = Counter((v.model, v.colour) for v in fleet)

    assert len({v.vehicle_id for v in fleet}) == 200
    assert sum(n for n in groups.values() if n > 1) > 60
    assert len(set(fleet)) == 200


def test_colours_follow_their_frequencies():
    drawn = Counter(v.colour for v in draw_fleet(1, 2000, twins_share=0.0))

    for name in ("white", "black", "silver", "red"):
        assert abs(drawn[name] / 2000 - COLOURS[name][1]) < 0.04


def test_loads_only_on_roofs_that_carry_them():
    assert all(MODELS[v.model].roof for v in draw_fleet(3, 500) if v.load)


def test_lettering_reads_the_same_way_on_both_flanks():
    look = draw_appearance(1, 1)
    decal = Decal("lettering", "flanks", (0.9, 0.1, 0.1), 5)
    layers = paint_layers(_with(look, (decal,)))

    left, right = (_tight(layers[LAYERS.index(side)][..., 3]) for side in ("left", "right"))

    np.testing.assert_array_equal(left, right)
    assert (left != left[:, ::-1]).any()


def test_nothing_to_lay_over_is_none():
    assert paint_layers(_with(draw_appearance(1, 1), ())) is None


def _with(look, decals):
    return type(look)(**{name: getattr(look, name) for name in look.__slots__} | {"decals": decals})


def _tight(alpha):
    rows, columns = np.nonzero(alpha)
    return alpha[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]

"""Fleets: twins by number, by construction and by split."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simulator.splits import TEST, TRAIN, UNTRAINED_BODIES
from simulator.vehicles.catalogue import MODELS
from simulator.vehicles.identity import (
    ALIKE_SHARE,
    COLOURS,
    SIDES,
    draw_appearance,
    draw_fleet,
    visible_cues,
    with_plate,
    without_plate,
)
from simulator.vehicles.twins import alike_pair, told_apart
from simulator.vehicles.wording import shapes_of, words_of


def test_same_seed_same_fleet():
    assert draw_fleet(42, 60) == draw_fleet(42, 60)
    assert draw_fleet(42, 60) != draw_fleet(43, 60)


def test_a_vehicle_is_drawn_from_its_own_seed_and_number():
    fleet = draw_fleet(500, 30, first_id=7)

    assert [vehicle.vehicle_id for vehicle in fleet] == list(range(7, 37))
    assert [vehicle.seed for vehicle in fleet] == list(range(500, 530))


@pytest.mark.parametrize("share", [0.2, 0.25, 0.3, 0.5])
def test_as_many_twins_as_wished_and_three_in_ten_alike(share):
    fleet = draw_fleet(7, 400, twins_share=share)
    twins = [vehicle for vehicle in fleet if vehicle.twin_of is not None]
    able = [vehicle for vehicle in twins if vehicle.kind != "motorcycle"]

    assert len(twins) == pytest.approx(400 * share, abs=2)
    assert sum(bool(v.alike_from) for v in twins) == pytest.approx(ALIKE_SHARE * len(twins), abs=3)
    assert len(able) > 0.85 * len(twins)


def test_no_vehicle_has_two_twins():
    twins = [vehicle.twin_of for vehicle in draw_fleet(7, 300, twins_share=0.5) if vehicle.twin_of is not None]

    assert len(set(twins)) == len(twins)


def test_shares_without_room_for_pairs_are_refused():
    with pytest.raises(ValueError, match="twins_share"):
        draw_fleet(1, 10, twins_share=0.6)
    assert all(vehicle.twin_of is None for vehicle in draw_fleet(1, 60, twins_share=0.0))


def test_twins_share_model_and_colour_and_are_alike_from_exactly_the_sides_they_name():
    fleet = {vehicle.vehicle_id: vehicle for vehicle in draw_fleet(11, 600)}
    named = Counter()
    for twin in fleet.values():
        if twin.twin_of is None:
            continue
        other = fleet[twin.twin_of]
        assert (twin.model, twin.colour) == (other.model, other.colour)
        alike = tuple(side for side in SIDES if visible_cues(twin, side) == visible_cues(other, side))
        assert alike == twin.alike_from
        named.update(alike)
        if alike:
            assert (twin.paint, twin.dirt, twin.dirt_seed, twin.glass) == (
                other.paint,
                other.dirt,
                other.dirt_seed,
                other.glass,
            )
            assert twin.alike_side == other.alike_side == alike[0]
            assert {d for d in twin.decals if d.side == "top"} == {d for d in other.decals if d.side == "top"}
    assert set(named) == set(SIDES)


def test_a_twin_that_shows_the_same_gets_a_cue_on_that_side():
    first = replace(draw_appearance(1, 5, model="leon"), decals=())
    twin = told_apart(first, replace(first, vehicle_id=2, seed=6), "trained")

    assert sorted(decal.side for decal in twin.decals) == sorted(SIDES)


def test_marks_of_an_alike_pair_keep_out_of_sight_of_the_shared_side():
    first, twin = draw_appearance(1, 5, model="suv"), draw_appearance(2, 6, model="suv")
    _, later = alike_pair(first, twin, "unseen")
    shared = later.alike_from[0]
    own = [decal for decal in later.decals if decal.side in SIDES and decal.side != shared]

    assert {decal.side for decal in own} == set(SIDES) - {shared}
    assert all(decal.reach != (0.0, 1.0) or {decal.side, shared} == {"left", "right"} for decal in own)


def test_training_shows_its_own_bodies_words_and_sticker_outlines():
    train = draw_fleet(TRAIN.seeds[0], 1500, split=TRAIN)
    test = draw_fleet(TEST.seeds[0], 1500, split=TEST)

    assert {vehicle.model for vehicle in train} == set(MODELS) - UNTRAINED_BODIES
    assert {vehicle.model for vehicle in test} == set(MODELS)
    assert _first_words(train) <= set(words_of("trained"))
    assert _first_words(test) <= set(words_of("unseen"))
    assert len(_first_words(train)) > 15
    assert _shapes(train) == set(shapes_of("trained"))
    assert _shapes(test) == set(shapes_of("unseen"))
    assert not set(words_of("trained")) & set(words_of("unseen"))
    assert not set(shapes_of("trained")) & set(shapes_of("unseen"))


def test_unknown_word_lists_are_refused():
    with pytest.raises(ValueError, match="trained"):
        words_of("all")


def test_at_least_four_bodies_are_kept_from_training_and_name_real_models():
    assert set(MODELS) >= UNTRAINED_BODIES
    assert len(UNTRAINED_BODIES) >= 4


def test_colours_follow_their_frequencies_and_vary_within_their_name():
    fleet = draw_fleet(1, 2000, twins_share=0.0)
    drawn = Counter(vehicle.colour for vehicle in fleet)
    silver = np.array([vehicle.paint for vehicle in fleet if vehicle.colour == "silver"])

    for name in ("white", "black", "silver", "red"):
        assert abs(drawn[name] / 2000 - COLOURS[name][1]) < 0.04
    assert 0.01 < silver.std() < 0.1
    assert all(vehicle.metallic > 0 for vehicle in fleet if vehicle.colour == "silver")


def test_loads_are_among_those_a_model_carries():
    fleet = draw_fleet(3, 800)

    assert all(vehicle.load in MODELS[vehicle.model].loads for vehicle in fleet if vehicle.load)
    assert len({vehicle.load for vehicle in fleet}) > 10


def test_cues_are_named_and_plates_are_none():
    fleet = draw_fleet(3, 300)

    assert len({cue for vehicle in fleet for cue in vehicle.cues}) > 40
    assert all(with_plate(vehicle, 5).cues == vehicle.cues for vehicle in fleet)


def test_plates_change_and_vanish_and_leave_the_rest():
    vehicle = draw_appearance(1, 9)

    assert with_plate(vehicle, 12).plate_seed == 12
    assert without_plate(vehicle).plate_seed is None
    assert with_plate(without_plate(vehicle), vehicle.plate_seed) == vehicle


def _first_words(fleet):
    texts = {decal.text for vehicle in fleet for decal in vehicle.decals if decal.kind in ("lettering", "signwriting")}
    return {text.split("\n")[0] for text in texts}


def _shapes(fleet):
    return {decal.shape for vehicle in fleet for decal in vehicle.decals if decal.kind == "sticker"}

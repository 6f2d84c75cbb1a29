"""Nothing that the demo shows was ever trained on: its place, its seed and each of its vehicles."""

import json
from pathlib import Path

import pytest

from simulator.city import DEMO as DEMO_NAME
from simulator.city import load_city
from simulator.splits import DEMO, TRAIN
from simulator.vehicles.identity import draw_fleet

WEIGHTS = Path(__file__).resolve().parents[2] / "reid" / "weights"


@pytest.fixture(scope="module")
def trained_on():
    """What the default weights' own record says they were trained on."""
    return json.loads((WEIGHTS / "training-city.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def city():
    return load_city(DEMO_NAME)


def test_the_record_keeps_to_the_training_split(trained_on):
    assert set(trained_on["places"]) <= set(TRAIN.places)
    first, last = trained_on["seeds"]
    assert first in TRAIN.seeds
    assert last in TRAIN.seeds


def test_the_place_is_another(trained_on, city):
    assert city.place in DEMO.places
    assert city.place not in trained_on["places"]


def test_the_seed_is_another(trained_on, city):
    first, last = trained_on["seeds"]
    assert city.seed in DEMO.seeds
    assert not first <= city.seed <= last


def test_every_vehicle_is_another(trained_on, city):
    """The vehicles are drawn again from their seeds: each is found, and none of these seeds was trained on."""
    first, last = trained_on["seeds"]
    drawn = draw_fleet(city.seed, 4 * len(city.vehicles))
    looks = {(look.model, look.colour, tuple(look.cues)): look.seed for look in drawn}
    seeds = [looks.get((vehicle.model, vehicle.colour, vehicle.cues)) for vehicle in city.vehicles]
    assert None not in seeds
    assert all(seed in DEMO.seeds and not first <= seed <= last for seed in seeds)

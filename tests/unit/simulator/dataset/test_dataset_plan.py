"""A plan covers every vehicle and picture once, within VeRi-776's limits, and keeps training and test apart."""

import pytest

from simulator.dataset.plan import PARTS, TEST_PART, TRAIN_PART, DetectionPlan, ReidPlan
from simulator.dataset.standpoints import TRAINING_CAMERAS, all_standpoints
from simulator.errors import DatasetError
from simulator.splits import TEST, TRAIN


@pytest.mark.parametrize(("train", "test"), [(576, 200), (48, 0), (49, 1), (0, 3)])
def test_blocks_cover_every_vehicle_once(train, test):
    blocks = list(ReidPlan(train, test).blocks())

    for part, total in (("train", train), ("test", test)):
        own = [block for block in blocks if block.part == part]
        assert [number for block in own for number in range(block.first, block.first + block.count)] == list(
            range(total)
        )
    assert len({block.name for block in blocks}) == len(blocks)
    assert sum(block.expected for block in blocks) == (train + test) * 24


def test_default_set_has_the_size_of_veri():
    plan = ReidPlan()

    assert (plan.train_vehicles, plan.test_vehicles) == (576, 200)
    assert plan.cameras_each >= 6
    assert plan.crops_each >= 4


def test_numbers_and_seeds_of_the_parts_are_disjoint():
    plan = ReidPlan(30, 20, seed=3)
    train, test = plan.fleet(TRAIN_PART), plan.fleet(TEST_PART)

    assert [look.vehicle_id for look in train + test] == list(range(1, 51))
    assert all(look.seed in TRAIN.seeds for look in train)
    assert all(look.seed in TEST.seeds for look in test)


def test_other_seeds_give_other_vehicles():
    first, second = (ReidPlan(30, 0, seed=seed).fleet(TRAIN_PART) for seed in (0, 1))

    assert not {look.seed for look in first} & {look.seed for look in second}


def test_detection_vehicles_are_not_those_of_re_identification():
    for seed in (0, 89):
        plan = DetectionPlan(2000, 500, seed)
        for part in PARTS.values():
            own = [block for block in plan.blocks() if block.part == part.name]
            seeds = {look.seed for block in own for look in plan.fleet(part, block)}
            assert seeds <= set(part.split.seeds)
            assert not seeds & {look.seed for look in ReidPlan(576, 200, seed=seed).fleet(part)}


def test_cameras_fit_readers_of_veri():
    points = all_standpoints()

    assert [point.number for point in points] == list(range(1, len(points) + 1))
    assert len(points) <= 20
    by_part = {
        name: {p.place.name for p in points if p.place.name in part.split.places} for name, part in PARTS.items()
    }
    assert by_part == {"train": set(TRAIN.places), "test": set(TEST.places)}
    assert sum(len(names) for names in TRAINING_CAMERAS.values()) == sum(p.place.name in TRAIN.places for p in points)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ReidPlan(700, 77), "numbers 1 to 776 vehicles, the plan asks for 777"),
        (lambda: ReidPlan(0, 0), "the plan asks for 0"),
        (lambda: ReidPlan(5, -1), "the plan asks for 4"),
        (lambda: ReidPlan(cameras_each=9), "2 to 8 cameras"),
        (lambda: ReidPlan(seed=90), "between 0 and 89, got 90"),
        (lambda: DetectionPlan(0, 0), r"no set of 0 \+ 0 pictures"),
    ],
)
def test_impossible_plans_are_refused(make, says):
    with pytest.raises(DatasetError, match=says):
        make()

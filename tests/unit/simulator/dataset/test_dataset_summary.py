"""Counts of a set, and who fell short of the plan."""

from dataclasses import replace

from simulator.dataset.plan import ReidPlan
from simulator.dataset.summary import summarise_crops, summarise_pictures


def test_counts_and_shortfalls(painted):
    _, plan, records = painted
    whole = summarise_crops(plan, records, 9)

    assert whole.images == {"train": 30, "test": sum(record.part == "test" for record in records)}
    assert whole.vehicles == {"train": 5, "test": 4}
    assert whole.one_faced_share == 1.0
    assert whole.short == {}

    fewer = summarise_crops(plan, records[1:], 9)
    assert fewer.short == {"0001": 1}
    none = summarise_crops(ReidPlan(6, 4, cameras_each=2, crops_each=3), [], 0)
    assert len(none.short) == 10


def test_tracklets_with_a_side_or_two_faces_are_not_one_faced(painted):
    _, plan, records = painted
    first = records[: plan.crops_each]
    mixed = [replace(first[0], face="front"), *first[1:]]
    sides = [replace(record, face="side") for record in first]

    assert summarise_crops(plan, first, 0).one_faced_share == 1.0
    assert summarise_crops(plan, mixed, 0).one_faced_share == 0.0
    assert summarise_crops(plan, sides, 0).one_faced_share == 0.0


def test_pictures_are_counted_by_part():
    vehicle = {"labelled": True}
    records = [
        {"part": "train", "light": "fog", "vehicles": [vehicle, {"labelled": False}]},
        {"part": "test", "light": "fog", "vehicles": []},
    ]

    summary = summarise_pictures(records)

    assert summary.images == {"train": 1, "test": 1}
    assert summary.vehicles == {"train": 1, "test": 0}
    assert summary.lights == {"fog": 2}

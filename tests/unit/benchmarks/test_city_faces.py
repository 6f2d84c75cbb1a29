"""Passages and the faces they show."""

import math
from pathlib import Path

import pytest

from benchmarks.city.faces import face_shares, passages
from simulator.city import City, CityCamera
from simulator.truth import TruthBox, write_truth


def box(vehicle, frame, visible=1.0, width=50):
    return TruthBox(1, vehicle, frame, 10, 10, width, 30, visible)


def test_a_gap_of_more_than_a_second_begins_another_passage():
    tracks = passages([box(1, frame) for frame in (1, 2, 12, 23, 24)], fps=10)
    assert [[b.frame for b in track] for track in tracks] == [[1, 2, 12], [23, 24]]


def test_hidden_and_narrow_boxes_are_left_out():
    assert passages([box(1, 1, visible=0.39), box(1, 2, width=31)], fps=10) == []


@pytest.mark.parametrize(
    ("yaws", "expected"),
    [
        ([0.0, 0.3], {"front_only": 1.0, "rear_only": 0.0}),
        ([math.pi, math.pi - 0.3], {"front_only": 0.0, "rear_only": 1.0}),
        ([0.0, math.pi / 2], {"front_only": 0.0, "rear_only": 0.0}),
        ([math.pi / 2, math.pi / 2], {"front_only": 0.0, "rear_only": 0.0}),
    ],
    ids=["front", "rear", "turns", "side"],
)
def test_faces_of_a_passage(tmp_path, yaws, expected):
    write_truth(tmp_path / "truth.txt", [box(7, frame) for frame in (1, 2)])
    camera = CityCamera("c", 1, Path("c.mp4"), 640, 360, 2, {"eye_m": [0.0, 6.0, 50.0]})
    city = City("t", 1, "p", 10.0, 0.0, (camera,), (), tmp_path / "truth.txt", tmp_path)

    shares = face_shares(city, {(frame, 7): (0.0, 0.0, yaw) for frame, yaw in enumerate(yaws, 1)})

    assert shares["passages"] == 1
    assert {name: shares[name] for name in expected} == expected

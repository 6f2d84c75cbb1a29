"""Vehicles are put where the camera sees them well, without running into each other and never twice in one spot."""

import numpy as np
import pytest

from simulator.dataset.arranging import Passage, arrange
from simulator.dataset.plan import PICTURE_PX, TRAIN_PART, ReidPlan
from simulator.dataset.standpoints import LARGE, project_bodies, standpoints

SIZE = (1.8, 1.5, 4.4)
POINTS = standpoints(TRAIN_PART)
FLEET = ReidPlan(14, 0).fleet(TRAIN_PART)


def _passages(rng):
    return [Passage(look, bool(rng.random() < 0.5), int(rng.integers(3)), 4) for look in FLEET]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.spec.name)
def test_vehicles_keep_apart_and_in_sight(point):
    rng = np.random.default_rng(point.number)
    stood = 0
    for _ in range(10):
        stands = arrange(point, _passages(rng), lambda model: SIZE, rng)
        stood += len(stands)
        lanes = {}
        for stand in stands:
            lane = (stand.passage.forward, stand.passage.lane % (len(point.lanes) // 2))
            lanes.setdefault(lane, []).append(stand.along_m)
        for along in lanes.values():
            assert np.all(np.diff(sorted(along)) > SIZE[2])
        ground = np.array([(s.placed.x_m, s.placed.z_m, s.placed.yaw_rad) for s in stands])
        boxes, before = project_bodies(point.projection, ground, SIZE)
        assert before.all()
        assert np.all((boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= LARGE[0] * 0.6)
        assert np.all((boxes[:, 2] > 0) & (boxes[:, 0] < PICTURE_PX[0]) & (boxes[:, 3] > 0))
    assert stood >= 30


def test_nobody_stands_where_it_was_photographed():
    rng = np.random.default_rng(1)
    passage = Passage(FLEET[0], True, 0, 4)
    for _ in range(6):
        for stand in arrange(POINTS[0], [passage], lambda model: SIZE, rng):
            passage.stood_m.append(stand.along_m)

    assert len(passage.stood_m) >= 4
    assert np.diff(sorted(passage.stood_m)).min() >= 1.5


def test_what_cannot_be_seen_whole_is_left_out():
    rng = np.random.default_rng(1)

    assert arrange(POINTS[0], _passages(rng), lambda model: (30.0, 30.0, 5.0), rng) == []


def test_projection_agrees_with_a_point_by_point_one():
    point = POINTS[0]
    ground = np.array([[point.points[1][0], point.points[1][2], 0.7]])
    (box,), _ = project_bodies(point.projection, ground, SIZE)

    pixels = []
    for x in (-0.9, 0.9):
        for y in (0.0, 1.5):
            for z in (-2.2, 2.2):
                turned = (np.cos(0.7) * x + np.sin(0.7) * z, -np.sin(0.7) * x + np.cos(0.7) * z)
                clip = point.projection @ (ground[0, 0] + turned[0], y, ground[0, 1] + turned[1], 1.0)
                pixels.append(((clip[0] / clip[3] + 1) * 320, (1 - clip[1] / clip[3]) * 180))
    low, high = np.min(pixels, axis=0), np.max(pixels, axis=0)
    np.testing.assert_allclose(box, [*low, *high], atol=1e-6)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.spec.name)
def test_narrow_and_long_bodies_find_places_before_every_camera(point):
    for size, inside in (((0.8, 1.7, 2.1), 0.97), ((2.5, 3.1, 12.2), 0.6)):
        assert any(len(point.good_places(lane, size, inside)[0]) >= 10 for lane in point.lanes)

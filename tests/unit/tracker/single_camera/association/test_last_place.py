"""A track that is not where its motion model foretells it is found where it was last seen."""

import numpy as np
import pytest

from tracker.single_camera.association.bytetrack import ByteTrack
from tracker.single_camera.settings import AssociationSettings

STEP_NS = 100_000_000


def entering(frames=14):
    """A vehicle of 110 x 105 px that comes in over the lower border: at first wide and low, then cut no more."""
    for k in range(frames):
        left, top = 49.0 + 14.0 * k, 333.0 - 13.0 * k
        yield np.array([[left, top, left + 110.0 + max(0.0, 50.0 - 6.0 * k), min(top + 105.0, 360.0)]])


def ids_of(tracker, boxes):
    found = []
    for k, box in enumerate(boxes):
        step = tracker.update(STEP_NS * (k + 1), box, np.full(len(box), 0.6))
        found += [set(step.track_ids.tolist())]
    return found


@pytest.mark.parametrize(("cost", "tracks"), [(0.0, 2), (0.4, 1)])
def test_a_vehicle_that_comes_in_over_the_border_stays_one_track(cost, tracks):
    found = ids_of(ByteTrack(AssociationSettings(last_place_cost=cost)), entering())
    assert all(len(ids) == 1 for ids in found)
    assert len(set.union(*found)) == tracks


def test_one_that_is_found_so_is_followed_on_its_new_path():
    boxes = list(entering())
    way = np.tile((boxes[-1] - boxes[-2])[:, :2], 2)
    onwards = [boxes[-1] + n * way for n in (1, 2, 5)]
    nothing = np.zeros((0, 4))
    found = ids_of(ByteTrack(AssociationSettings()), [*boxes, *onwards[:2], nothing, nothing, onwards[2]])
    assert found[-1] == found[0]


def test_another_vehicle_near_the_last_place_is_not_taken():
    stands = np.array([[100.0, 100.0, 160.0, 140.0]])
    found = ids_of(ByteTrack(AssociationSettings()), [stands] * 5 + [stands + np.array([30.0, 20.0, 30.0, 20.0])])
    assert len(set.union(*found)) == 2

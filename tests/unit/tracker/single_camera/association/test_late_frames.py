"""How far a vehicle may be from where it is looked for when a frame is late."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.single_camera.association.choice import associator
from tracker.single_camera.settings import AssociationSettings, TrackerSettings

_MS = 1_000_000
_SCORES = np.array([0.9])


def _box(x: float) -> np.ndarray:
    return np.array([[x, 100.0, x + 40, 130.0]])


def _none() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((0, 4)), np.zeros(0)


@pytest.mark.parametrize("algorithm", ["bytetrack", "ocsort"])
@pytest.mark.parametrize(("margin", "confirmed"), [(0.3, True), (0.1, False)])
def test_a_new_track_is_confirmed_farther_away(algorithm: str, margin: float, confirmed: bool) -> None:
    """28 px in 0.2 s: after one box nobody knows how fast the vehicle is."""
    association = AssociationSettings(new_late_margin=margin)
    tracker = associator(TrackerSettings(algorithm=algorithm, association=association))
    tracker.update(200 * _MS, *_none())
    tracker.update(400 * _MS, _box(100.0), _SCORES)
    step = tracker.update(600 * _MS, _box(128.0), _SCORES)
    assert step.confirmed.tolist() == [confirmed]


@pytest.mark.parametrize("algorithm", ["bytetrack", "ocsort"])
def test_a_known_track_does_not_take_its_neighbour(algorithm: str) -> None:
    """A vehicle that stood goes out of sight; what is seen beside its place in a late frame is another one."""
    tracker = associator(TrackerSettings(algorithm=algorithm))
    for k in range(1, 8):
        (known,) = tracker.update(200 * k * _MS, _box(100.0), _SCORES).track_ids.tolist()
    (other,) = tracker.update(1600 * _MS, _box(134.0), _SCORES).track_ids.tolist()
    assert other != known


def test_margins_mean_nothing_while_no_frame_is_late() -> None:
    boxes = [_box(100.0 + 25 * k) for k in range(6)]
    tracks = []
    for margin in (0.0, 2.0):
        association = AssociationSettings(late_margin=margin, new_late_margin=margin)
        tracker = associator(TrackerSettings(association=association))
        tracks.append(
            [tracker.update(100 * (k + 1) * _MS, box, _SCORES).track_ids.tolist() for k, box in enumerate(boxes)]
        )
    assert tracks[0] == tracks[1]

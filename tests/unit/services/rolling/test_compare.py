"""Two models over the same sightings, where it is known what must come out."""

from __future__ import annotations

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.rolling.compare import compare
from services.types import ModelVectors, Sighting
from tracker.multi_camera.settings import AssociationSettings
from tracker.types import TrackKey

SECOND = 1_000_000_000
SPECS = tuple(EmbedderSpec(m, 16, (8, 8), Calibration(slope=20.0, offset=-10.0)) for m in ("old", "new"))


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def site(rng: np.random.Generator, second) -> list[tuple[Sighting, str]]:
    """Six vehicles seen by three cameras; ``second`` makes the new model's vectors of the old one's."""
    centres = unit(rng.normal(size=(6, 16)))
    found = []
    for vehicle, camera in np.ndindex(6, 3):
        old = unit(centres[vehicle] + rng.normal(0, 0.04, 16))
        start = int((camera * 60 + vehicle * 7) * SECOND)
        name = f"s{vehicle}-{camera}"
        none = np.zeros((0, 16), np.float32)
        new = ModelVectors("new", unit(second(old, vehicle)), none)
        found.append(
            (
                Sighting(
                    sighting_id=name,
                    revision=1,
                    final=True,
                    track_keys=(TrackKey(f"c{camera}", "s", vehicle),),
                    camera_id=f"c{camera}",
                    start_ns=start,
                    end_ns=start + 2 * SECOND,
                    times_ns=np.array([start], np.int64),
                    frames=np.array([1], np.int64),
                    boxes_xyxy=np.zeros((1, 4), np.float32),
                    class_probs=np.array([0.85, 0.05, 0.05, 0.05], np.float32),
                    colour={},
                    embedding=old,
                    exemplars=none,
                    quality=0.5,
                    model_id="old",
                    beside=new,
                ),
                f"id{vehicle}",
            )
        )
    return found


def test_a_model_that_is_the_other_turned_agrees_in_everything():
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(16, 16)))
    found = compare(site(rng, lambda v, _: v @ turn), SPECS, AssociationSettings(), {})
    assert (found.sightings, found.identities) == (18, 6)
    assert found.nearest_agreement == 1.0
    assert found.nearest_overlap == 1.0
    assert found.changed == 0.0
    assert found.active.auc == pytest.approx(found.other.auc, abs=1e-6)
    assert found.active.auc > 0.99
    assert found.active.same > 0.9 > found.active.different


def test_a_model_that_takes_two_vehicles_for_one_is_found_out():
    rng = np.random.default_rng(2)
    one = unit(rng.normal(size=16))
    found = compare(
        site(rng, lambda v, vehicle: one + 0.02 * v if vehicle < 2 else v), SPECS, AssociationSettings(), {}
    )
    assert found.other.auc < found.active.auc
    assert found.changed >= 6 / 18


def test_a_model_that_knows_nothing_is_found_out():
    rng = np.random.default_rng(3)
    found = compare(site(rng, lambda v, _: rng.normal(size=16)), SPECS, AssociationSettings(), {})
    assert found.other.auc == pytest.approx(0.5, abs=0.2)
    assert found.nearest_agreement < 0.5
    assert found.changed > 0.5


def test_nothing_to_compare_is_said():
    found = compare([], SPECS, AssociationSettings(), {})
    assert (found.nearest_agreement, found.changed, found.active.auc) == (None, None, None)

"""The demo's scoring on a small run whose answers are known."""

import math

import numpy as np
import pytest

from services.cli.demo.pictures import largest_boxes
from services.cli.demo.scoring import Run, summary
from services.identity.history import label_history
from services.identity.store import Event
from tracker.metrics.cityflow import parse_cityflow
from tracker.metrics.tracklets import TrackletBoxes

SECOND = 10**9
#: Two vehicles, each in cameras 1 and 2 for ten frames, boxes far apart.
TRUTH = parse_cityflow(
    "\n".join(
        f"{camera} {vehicle} {frame} {100 * vehicle} {10 + frame} 60 50 1 -1"
        for camera in (1, 2)
        for vehicle in (1, 2)
        for frame in range(1, 11)
    )
)


def tracklet(camera, vehicle):
    rows = (TRUTH.camera == camera) & (TRUTH.identity == vehicle)
    return TrackletBoxes(f"c{camera}v{vehicle}", camera, TRUTH.frame[rows], TRUTH.xywh[rows])


TRACKLETS = [tracklet(camera, vehicle) for camera in (1, 2) for vehicle in (1, 2)]


def decided(at_s, sighting, identity):
    return Event(f"{at_s}-0", "sighting.decided", at_s * SECOND, {"sighting_id": sighting, "identity_id": identity})


def run(events):
    return Run(TRUTH, TRACKLETS, {t.key: 0 for t in TRACKLETS}, label_history(events))


RIGHT = [decided(1, f"c{camera}v{vehicle}", f"id{vehicle}") for camera in (1, 2) for vehicle in (1, 2)]


def test_right_labels_score_one():
    document = summary(run(RIGHT))
    assert document["idf1"] == document["idf1_all"] == document["oracle_idf1"] == 1.0
    assert document["idf1_at"] == {"0s": 0.0, "2s": 1.0, "10s": 1.0, "end": 1.0}


def test_one_label_for_all_does_not():
    document = summary(run([decided(1, t.key, "same") for t in TRACKLETS]))
    assert document["idf1"] == pytest.approx(0.5)
    assert document["oracle_idf1"] == 1.0


def test_a_merge_counts_from_when_it_was_published():
    apart = [decided(1, t.key, t.key) for t in TRACKLETS]
    merges = [
        Event(f"{5 + v}-0", "identity.merged", (5 + v) * SECOND, {"survivor_id": f"c1v{v}", "absorbed_id": f"c2v{v}"})
        for v in (1, 2)
    ]
    document = summary(run(apart + merges))
    assert document["idf1_at"] == {"0s": 0.0, "2s": 0.0, "10s": 1.0, "end": 1.0}


def test_a_split_gives_its_sightings_another_label():
    wrong = [decided(1, t.key, "same") for t in TRACKLETS]
    split = Event("20-0", "identity.split", 20 * SECOND, {"sighting_ids": ["c1v2", "c2v2"], "new_identity_id": "other"})
    scored = run([*wrong, split])
    assert scored.score(scored.published(math.inf)).idf1 == 1.0
    assert scored.score(scored.published(10)).idf1 == pytest.approx(0.5)


def test_the_largest_box_of_each_camera_is_asked_with():
    more = parse_cityflow(
        "1 7 1 0 0 40 40 1\n1 7 2 0 0 50 50 1\n2 7 1 0 0 40 40 1\n1 8 1 0 0 90 90 1\n2 7 2 0 0 99 99 0.1"
    )
    assert {key: int(more.frame[row]) for key, row in largest_boxes(more).items()} == {(7, 1): 2, (7, 2): 1}
    assert np.all(more.visible[list(largest_boxes(more).values())] >= 0.4)

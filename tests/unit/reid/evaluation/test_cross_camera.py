"""The cross-camera protocol as training calls it: vectors and labels in, figures out."""

import json

import numpy as np
import pytest
from ranking_oracles import unit

from reid.evaluation import cross_camera


def test_constant_embedding_scores_no_better_than_chance():
    vehicles = [f"v{i // 2}" for i in range(40)]
    cameras = [f"c{i % 2}" for i in range(40)]
    found = cross_camera(unit(np.ones((40, 64))), vehicles, cameras)
    assert found.rank1 == 0.0
    assert found.mean_average_precision <= 1 / 20 + 1e-9


def test_perfect_embedding_scores_one_and_classes_are_told_apart():
    vehicles = [f"v{i // 2}" for i in range(8)]
    kinds = ["car"] * 4 + ["bus"] * 4
    one_hot = unit(np.repeat(np.eye(4), 2, axis=0))
    found = cross_camera(one_hot, vehicles, ["a", "b"] * 4, kinds)
    assert (found.rank1, found.mean_average_precision, found.rank1_macro_class) == (1.0, 1.0, 1.0)
    one_hot[4:] = one_hot[0]
    worse = cross_camera(one_hot, vehicles, ["a", "b"] * 4, kinds)
    assert worse.per_class == {"bus": 0.0, "car": 0.5}
    assert worse.rank1_macro_class == 0.25


def test_every_class_weighs_alike_in_macro_averages():
    one_hot = unit(np.repeat(np.eye(4), 2, axis=0))
    one_hot[4:] = one_hot[0]  # Three of four vehicles look the same: their right answers come third.
    kinds = ["car"] * 6 + ["bus"] * 2
    found = cross_camera(one_hot, [f"v{i // 2}" for i in range(8)], ["a", "b"] * 4, kinds)
    assert found.mean_average_precision == pytest.approx((1 / 3 + 1 + 1 / 3 + 1 / 3) / 4)
    assert found.mean_average_precision_macro_class == pytest.approx(((1 / 3 + 1 + 1 / 3) / 3 + 1 / 3) / 2)
    assert found.document()["mAP_macro_class"] == 0.4444


def test_own_camera_is_no_answer():
    embeddings = unit(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]))
    found = cross_camera(embeddings, ["a", "a", "a", "b"], ["1", "1", "2", "2"])
    assert found.queries == 3
    assert found.rank1 == pytest.approx(1 / 3)


def test_label_counts_must_agree_and_an_answer_must_exist():
    with pytest.raises(ValueError, match="labels"):
        cross_camera(np.ones((2, 2), np.float32), ["a"], ["1", "2"])
    with pytest.raises(ValueError, match="no query"):
        cross_camera(np.ones((2, 2), np.float32), ["a", "b"], ["1", "2"])


def test_document_is_json():
    found = cross_camera(unit(np.ones((2, 2))), ["a", "a"], ["1", "2"])
    assert json.loads(json.dumps(found.document()))["protocol"] == "cross-camera"

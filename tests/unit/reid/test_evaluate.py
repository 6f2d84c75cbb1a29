import json

import numpy as np
import pytest

from reid.evaluate import cross_camera, main, pessimistic_places


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def naive(embeddings, vehicles, cameras):
    """By sorting each gallery in Python, wrong before right among equals."""
    rank1, rank5, average_precision = [], [], []
    for q in range(len(vehicles)):
        gallery = []
        for g in range(len(vehicles)):
            if cameras[g] != cameras[q]:
                similarity = sum(float(a) * float(b) for a, b in zip(embeddings[q], embeddings[g], strict=True))
                gallery.append((-round(similarity, 6), vehicles[g] == vehicles[q]))
        gallery.sort()
        hits = [place for place, (_, right) in enumerate(gallery, start=1) if right]
        if hits:
            rank1.append(hits[0] == 1)
            rank5.append(hits[0] <= 5)
            average_precision.append(np.mean([n / place for n, place in enumerate(hits, start=1)]))
    return np.mean(rank1), np.mean(rank5), np.mean(average_precision), len(rank1)


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_naive_oracle(seed):
    rng = np.random.default_rng(seed)
    vehicles = [f"v{i}" for i in rng.integers(0, 9, 40)]
    cameras = [f"c{i}" for i in rng.integers(0, 3, 40)]
    embeddings = unit(np.round(rng.normal(size=(40, 4))) + 0.01)  # Rounded, so that ties occur.
    found = cross_camera(embeddings, vehicles, cameras)
    rank1, rank5, mean_ap, queries = naive(embeddings, vehicles, cameras)
    assert found.queries == queries
    assert found.skipped == 40 - queries
    assert (found.rank1, found.rank5, found.mean_average_precision) == pytest.approx((rank1, rank5, mean_ap))


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


def test_places_are_pessimistic():
    places = pessimistic_places(np.array([0.5, 0.5 + 1e-9, 0.2]), np.array([True, False, False]))
    assert places.tolist() == [2]


def test_command_fails_in_one_line(tmp_path, capsys):
    assert main(["--weights", str(tmp_path / "absent.safetensors"), "--data", str(tmp_path)]) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.count("\n") == 1
    assert "absent.json" in streams.err


def test_document_is_json():
    found = cross_camera(unit(np.ones((2, 2))), ["a", "a"], ["1", "2"])
    assert json.loads(json.dumps(found.document()))["protocol"] == "cross-camera"

"""Methods judged on a folder of painted vehicles."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from reid.baselines.colour import HsvHistogram, MeanPixel, hsv_histogram, mean_lab
from reid.baselines.compare import NetworkBaseline, Task, compare, draw_vehicles
from reid.data import Sample
from reid.errors import DataError


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    root = tmp_path_factory.mktemp("painted")
    found = []
    for vehicle in range(10):
        own = np.random.default_rng(vehicle).integers(20, 236, (4, 4, 3)).astype(np.uint8)
        for camera in ("1", "2", "3"):
            noise = np.random.default_rng((vehicle, int(camera))).normal(0, 5, (32, 40, 3))
            picture = cv2.resize(own, (40, 32), interpolation=cv2.INTER_NEAREST) + noise
            path = root / f"{vehicle}_{camera}.png"
            cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))
            found.append(Sample(path, "own", str(vehicle), camera, "car" if vehicle % 2 else "bus"))
    return tuple(found)


def test_a_method_is_judged_as_a_network_is(samples):
    task = Task("cross-camera", samples, samples, samples)
    found = compare(HsvHistogram(), task)
    assert found.retrieval.queries == 30
    assert found.retrieval.rank1 > 0.8 > found.retrieval.chance_rank1
    assert found.retrieval.ci95["rank1"][0] <= found.retrieval.rank1
    assert found.learned_on == 30
    document = found.document()
    assert {"rank1", "mAP", "ms_per_image", "ms_per_query", "learned_on"} <= document.keys()
    queries = tuple(s for s in samples if s.camera == "1")
    junk = compare(MeanPixel(), Task("image-to-image", queries, samples, samples))
    assert junk.retrieval.queries == 10
    assert junk.retrieval.gallery == 30


def test_a_constant_description_scores_no_better_than_chance(samples):
    class Constant:
        def embed(self, pictures):
            return np.tile(np.array([[1.0, 0.0]], np.float32), (len(pictures), 1))

    found = compare(NetworkBaseline(Constant()), Task("recall", samples, samples, samples)).retrieval
    assert found.rank1 <= found.chance_rank1


def test_colours_are_means_and_shares():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:] = 255
    assert mean_lab(picture).tolist() == pytest.approx([50, 0, 0], abs=0.1)
    histogram = hsv_histogram(picture)
    assert np.flatnonzero(histogram).tolist() == [0, 3]
    assert (histogram**2).sum() == pytest.approx(1)


def test_vehicles_are_drawn_by_seed_and_what_cannot_be_judged_is_told(samples, tmp_path):
    assert len(draw_vehicles(samples, 4, 0)) == 4
    assert draw_vehicles(samples, 4, 0) == draw_vehicles(samples[::-1], 4, 0) != draw_vehicles(samples, 4, 1)
    assert len(draw_vehicles(samples, 99, 0)) == 10
    with pytest.raises(ValueError, match="cross-camera, image-to-image, recall"):
        compare(MeanPixel(), Task("vehicleid", samples, samples, samples))
    with pytest.raises(DataError, match="no query"):
        compare(MeanPixel(), Task("recall", samples[:1], samples[3:4], samples))
    gone = replace(samples[0], path=tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"gone\.png"):
        compare(MeanPixel(), Task("recall", (gone,), samples, ()))

"""Pictures of both sides become vectors once each; what cannot be read is left out of queries, gallery and tracks."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.data import Sample
from reid.errors import DataError
from reid.evaluation.embed import embed_sides


class MeanColour:
    """Mean colours at length 1; remembers how many crops it was given."""

    def __init__(self):
        self.crops = 0

    def embed(self, crops):
        self.crops += len(crops)
        means = np.array([crop.reshape(-1, 3).mean(axis=0) + 1 for crop in crops], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


@pytest.fixture
def samples(tmp_path) -> list[Sample]:
    found = []
    for n in range(6):
        path = tmp_path / f"{n}.png"
        cv2.imwrite(str(path), np.full((8, 8, 3), (40 * n, 10, 200 - 30 * n), np.uint8))
        found.append(Sample(path, "own", str(n // 2), str(n % 2)))
    return found


def test_shared_pictures_are_embedded_once_and_rows_keep_their_order(samples):
    network = MeanColour()
    told = []
    found = embed_sides(network, (samples[:2], samples), progress=lambda done, total: told.append((done, total)))
    assert network.crops == 6 + 6, "once to set up, once to measure"
    assert told == [(6, 6)]
    assert found.query.samples == tuple(samples[:2])
    assert np.array_equal(found.query.vectors, found.gallery.vectors[:2])
    assert found.ms_per_crop > 0
    pool = embed_sides(network, (samples, samples))
    assert pool.query is pool.gallery


def test_unreadable_pictures_leave_queries_gallery_and_tracks(samples):
    samples[1].path.write_bytes(b"no picture")
    found = embed_sides(MeanColour(), (samples[:2], samples), [(0, 1), (1,), (2, 3), (4,)])
    assert found.unreadable == (samples[1].path,)
    assert (len(found.query.samples), len(found.gallery.samples)) == (1, 5)
    assert found.tracks == ((0,), (1, 2), (3,))


def test_nothing_readable_is_refused(tmp_path):
    with pytest.raises(DataError, match="no picture can be read"):
        embed_sides(MeanColour(), ([], [Sample(Path(tmp_path / "absent.jpg"), "own", "1", "1")]))

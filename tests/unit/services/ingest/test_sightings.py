import itertools

import numpy as np
import pytest
from ingest_fakes import HueEmbedder, crop, tracklet

from services.ingest.settings import IngestSettings
from services.ingest.sightings import SightingBuilder, weighted_mean
from services.ingest.track_memory import pick_diverse, thin

SIZE = (640, 360)


@pytest.fixture
def embedder():
    return HueEmbedder()


@pytest.fixture
def builder(embedder):
    ids = itertools.count()
    return SightingBuilder(embedder, lambda: f"sighting-{next(ids)}", IngestSettings())


def build(builder, *tracklets):
    return builder.build([(t, SIZE) for t in tracklets])


def test_a_sighting_keeps_its_id_and_counts_revisions(builder):
    first = build(builder, tracklet())[0].sighting
    second = build(builder, tracklet(revision=2, final=True))[0].sighting
    assert (first.sighting_id, first.revision, first.final) == ("sighting-0", 1, False)
    assert (second.sighting_id, second.revision, second.final) == ("sighting-0", 2, True)
    assert second.frame_size == SIZE


def test_each_crop_is_embedded_once_and_cameras_share_a_call(builder, embedder):
    build(builder, tracklet([crop(0), crop(1)]), tracklet([crop(0)], camera="cam2"))
    build(builder, tracklet([crop(0), crop(1), crop(2)], revision=2))
    build(builder, tracklet([crop(1), crop(2)], revision=3))
    assert embedder.batches == [3, 1]


def test_the_embedding_leans_to_the_better_crops(builder):
    good, poor = crop(0, bgr=(250, 0, 0), quality=0.9), crop(1, bgr=(0, 0, 250), quality=0.1)
    sighting = build(builder, tracklet([good, poor]))[0].sighting
    assert np.linalg.norm(sighting.embedding) == pytest.approx(1.0, abs=1e-5)
    assert sighting.embedding @ sighting.exemplars[0] > 0.98 > sighting.embedding @ sighting.exemplars[1]


def test_every_exemplar_has_a_crop_and_keys_follow_the_exemplars(builder):
    first = build(builder, tracklet([crop(0), crop(1)]))[0]
    assert len(first.sighting.exemplars) == len(first.sighting.crop_keys) == len(first.new_crops) == 2
    assert [key for key, _ in first.new_crops] == list(first.sighting.crop_keys)
    second = build(builder, tracklet([crop(0), crop(7)], revision=2))[0]
    kept, gone = first.sighting.crop_keys
    assert second.obsolete_crop_keys == (gone,)
    assert kept in second.sighting.crop_keys
    assert [key for key, _ in second.new_crops] == [key for key in second.sighting.crop_keys if key != kept]


def test_at_most_four_exemplars_that_differ(builder):
    near = [crop(i, bgr=(200 + i, 30, 30)) for i in range(5)]
    far = [crop(9, bgr=(10, 10, 220)), crop(10, bgr=(10, 220, 10))]
    exemplars = build(builder, tracklet(near + far))[0].sighting.exemplars
    assert exemplars.shape[0] == 4
    similarity = exemplars @ exemplars.T
    assert (similarity < 0.9).sum() >= 6


def test_without_a_usable_crop_there_is_no_sighting_until_there_is_one(builder):
    assert build(builder, tracklet([crop(0, side=8)])) == []
    assert build(builder, tracklet([], revision=2)) == []
    assert build(builder, tracklet([crop(3)], revision=3))[0].sighting.revision == 1


def test_finished_tracklets_without_a_crop_are_counted(builder):
    build(builder, tracklet([], final=True))
    assert builder.skipped == {"no_usable_crop": 1}


def test_a_finished_track_is_forgotten(builder):
    build(builder, tracklet(final=True))
    assert builder._tracks == {}


def test_long_tracks_are_thinned_evenly(builder):
    sighting = build(builder, tracklet(boxes=5000))[0].sighting
    assert len(sighting.times_ns) == len(sighting.frames) == len(sighting.boxes_xyxy) == 600
    assert (sighting.frames[0], sighting.frames[-1]) == (0, 4999)
    assert set(np.diff(sighting.frames)) <= {8, 9}
    assert (sighting.start_ns, sighting.end_ns) == (0, 4999 * 100_000_000)


def test_the_colour_is_told(builder):
    colour = build(builder, tracklet([crop(0, bgr=(30, 30, 200))]))[0].sighting.colour
    assert max(colour, key=colour.get) == "red"


def test_opposite_vectors_have_a_mean_all_the_same():
    vectors = np.array([[1, 0], [-1, 0]], np.float32)
    assert weighted_mean(vectors, np.array([0.5, 0.5], np.float32)).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("count", "most"), [(1, 2), (2, 2), (3, 2), (601, 600), (1199, 600)])
def test_thinning_keeps_order_and_ends(count, most):
    kept = thin(count, most)
    assert len(kept) == min(count, most)
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, count - 1)


def test_diverse_picks_never_repeat():
    same = np.tile(np.array([[1.0, 0.0]], np.float32), (6, 1))
    assert sorted(pick_diverse(same, 4)) == sorted(set(pick_diverse(same, 4)))

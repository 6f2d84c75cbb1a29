import itertools
from dataclasses import replace

import numpy as np
import pytest
from ingest_fakes import HueEmbedder, crop, tracklet

from reid.types import Calibration, Detail, EmbedderSpec
from services.ingest.settings import IngestSettings
from services.ingest.sightings import SightingBuilder
from services.ingest.track_memory import MOST_TRACK_KEYS, pick_diverse, thin
from tracker.single_camera.parts import divide
from tracker.types import Contact

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


def test_what_was_deleted_is_forgotten(builder, embedder):
    build(builder, tracklet([crop(0)]), tracklet([crop(0)], camera="cam2"))
    assert builder.forget(set()) == builder.forget({"another"}) == []
    assert builder.forget({"sighting-0"}) == [tracklet().key]
    kept = build(builder, tracklet([crop(0)], camera="cam2", revision=2))[0].sighting
    assert (kept.sighting_id, kept.revision) == ("sighting-1", 2)
    fresh = build(builder, tracklet([crop(7)]))[0].sighting
    assert (fresh.sighting_id, fresh.revision) == ("sighting-2", 1)


def test_each_crop_is_embedded_once_and_cameras_share_a_call(builder, embedder):
    build(builder, tracklet([crop(0), crop(1)]), tracklet([crop(0)], camera="cam2"))
    build(builder, tracklet([crop(0), crop(1), crop(2)], revision=2))
    build(builder, tracklet([crop(1), crop(2)], revision=3))
    assert embedder.batches == [3, 1]


def test_a_first_look_takes_the_best_two_crops_and_the_next_the_rest(builder, embedder):
    crops = [crop(i, quality=0.9 - 0.1 * i) for i in range(4)]
    first = build(builder, tracklet(crops))[0]
    second = build(builder, tracklet(crops, revision=2))[0]
    assert embedder.batches == [2, 2]
    assert len(first.sighting.exemplars) == 2
    assert len(second.sighting.exemplars) == 4


def test_a_first_look_at_what_may_be_two_vehicles_or_is_the_last_takes_all_crops(builder, embedder):
    crops = [crop(i) for i in range(4)]
    build(
        builder,
        replace(tracklet(crops), contacts=(Contact(crops[1].t_ns, np.ones(4, np.float32), np.ones(4, np.float32)),)),
    )
    build(builder, tracklet(crops, camera="cam2", final=True))
    assert embedder.batches == [4, 4]


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
    exemplars = build(builder, tracklet(near + far, final=True))[0].sighting.exemplars
    assert exemplars.shape[0] == 4
    similarity = exemplars @ exemplars.T
    assert (similarity < 0.9).sum() >= 6


def test_without_a_usable_crop_there_is_no_sighting_until_there_is_one(builder):
    assert build(builder, tracklet([crop(0, side=8)])) == []
    assert build(builder, tracklet([], revision=2)) == []
    assert build(builder, tracklet([crop(3)], revision=3))[0].sighting.revision == 1


@pytest.mark.parametrize("crops", [[], [crop(3, side=14)]], ids=["none", "too small"])
def test_a_last_revision_without_a_usable_crop_ends_the_sighting_with_the_pictures_it_has(builder, embedder, crops):
    early = build(builder, tracklet([crop(0), crop(1)]))[0].sighting
    (last,) = build(builder, tracklet(crops, boxes=9, revision=2, final=True))
    assert (last.sighting.sighting_id, last.sighting.revision, last.sighting.final) == (early.sighting_id, 2, True)
    assert last.sighting.end_ns == 800_000_000
    assert set(last.sighting.crop_keys) == set(early.crop_keys)
    assert (last.new_crops, last.obsolete_crop_keys) == ((), ())
    assert embedder.batches == [2]
    assert sum(builder.skipped.values()) == 0


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


@pytest.mark.parametrize(("count", "most"), [(1, 2), (2, 2), (3, 2), (601, 600), (1199, 600)])
def test_thinning_keeps_order_and_ends(count, most):
    kept = thin(count, most)
    assert len(kept) == min(count, most)
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, count - 1)


def test_diverse_picks_never_repeat():
    same = np.tile(np.array([[1.0, 0.0]], np.float32), (6, 1))
    assert sorted(pick_diverse(same, 4)) == sorted(set(pick_diverse(same, 4)))


class SharpEmbedder(HueEmbedder):
    """As HueEmbedder, with a calibration under which red and blue are two vehicles."""

    spec = EmbedderSpec("hue", 8, (32, 32), Calibration(20.0, -14.0))


RED, BLUE, GREEN = (20, 20, 230), (230, 20, 20), (20, 230, 20)


@pytest.fixture
def sharp():
    ids = itertools.count()
    return SightingBuilder(SharpEmbedder(), lambda: f"sighting-{next(ids)}", IngestSettings())


def _with_contact(crops, frame, **options):
    votes = np.array([2, 0, 0, 0], np.float32)
    return replace(tracklet(crops, **options), contacts=(Contact(frame * 100_000_000, votes, votes),))


class Splits:
    """Splits as a session does; new track ids from 100."""

    def __init__(self):
        self.asked = []

    def __call__(self, whole, contact):
        self.asked.append(whole.key.track_id)
        return divide(whole, contact, replace(whole.key, track_id=99 + len(self.asked)))


def test_a_track_that_changed_over_becomes_two_sightings(sharp):
    splits = Splits()
    whole = _with_contact([crop(0, bgr=RED), crop(1, bgr=RED), crop(3, bgr=BLUE)], 2)
    first, second = (out.sighting for out in sharp.build([(whole, SIZE)], splits))
    assert (first.final, second.final, sharp.split_tracks) == (True, False, 1)
    assert first.sighting_id != second.sighting_id
    assert (first.frames.tolist(), second.frames.tolist()) == ([0, 1], [2, 3, 4])
    assert [key.track_id for key in first.track_keys + second.track_keys] == [1, 100]
    assert max(first.colour, key=first.colour.get) == "red"
    assert max(second.colour, key=second.colour.get) == "blue"
    assert set(sharp._tracks) == {second.track_keys[0]}


def test_pictures_of_a_thinned_track_go_with_the_vehicle_that_they_show(sharp):
    whole = _with_contact([crop(0, bgr=RED), crop(2, bgr=RED), crop(5, bgr=BLUE)], 4, boxes=9, final=True)
    kept = [0, 1, 8]  # of the boxes; pictures lie between
    whole = replace(whole, times_ns=whole.times_ns[kept], frames=whole.frames[kept], boxes_xyxy=whole.boxes_xyxy[kept])
    first, second = (out.sighting for out in sharp.build([(whole, SIZE)], Splits()))
    assert (len(first.exemplars), len(second.exemplars)) == (2, 1)
    assert max(first.colour, key=first.colour.get) == "red"
    assert max(second.colour, key=second.colour.get) == "blue"
    assert first.embedding @ second.embedding < 0.5
    assert sum(sharp.skipped.values()) == 0


def test_what_was_told_of_the_wrong_track_is_corrected_and_pictures_are_embedded_once(sharp):
    red, blue = crop(0, bgr=RED), crop(3, bgr=BLUE)
    early = sharp.build([(_with_contact([red], 2, boxes=2), SIZE)], Splits())[0]
    whole = _with_contact([red, blue], 2, revision=2, final=True)
    first, second = sharp.build([(whole, SIZE)], Splits())
    assert (first.sighting.sighting_id, first.sighting.revision) == (early.sighting.sighting_id, 2)
    assert (second.sighting.revision, second.sighting.final) == (1, True)
    assert first.sighting.crop_keys == early.sighting.crop_keys
    assert sharp._open.active.batches == [1, 1]
    assert sharp._tracks == {}


def test_a_vehicle_in_the_place_of_another_is_a_sighting_of_its_own(sharp):
    red, blue = (replace(crop(k, bgr=bgr), box_xyxy=crop(0).box_xyxy) for k, bgr in ((0, RED), (3, BLUE)))
    sharp.build([(tracklet([red], boxes=2), SIZE)], Splits())
    outs = sharp.build([(_with_contact([red, blue], 2, revision=2, final=True), SIZE)], Splits())
    assert [out.sighting.frames.tolist() for out in outs] == [[0, 1], [2, 3, 4]]


@pytest.mark.parametrize(
    ("bgr", "frame"), [(RED, 2), (BLUE, None)], ids=["alike on both sides", "no contact, so it only turned"]
)
def test_no_split(sharp, bgr, frame):
    crops = [crop(0, bgr=RED), crop(3, bgr=bgr)]
    whole = tracklet(crops) if frame is None else _with_contact(crops, frame)
    assert len(sharp.build([(whole, SIZE)], Splits())) == 1


@pytest.mark.parametrize(("share", "sightings"), [(1.0, 2), (0.4, 1)])
def test_no_split_where_pictures_are_too_small_to_be_alike(share, sightings):
    class FromAfar(SharpEmbedder):
        spec = replace(SharpEmbedder.spec, calibration=Calibration(20.0, -14.0, detail=Detail((500.0,), (share,))))

    builder = SightingBuilder(FromAfar(), iter("ab").__next__, IngestSettings())
    whole = _with_contact([crop(0, bgr=RED), crop(3, bgr=BLUE)], 2)
    assert len(builder.build([(whole, SIZE)], Splits())) == sightings


def test_a_track_may_be_split_more_than_once(sharp):
    votes = np.array([2, 0, 0, 0], np.float32)
    contacts = tuple(Contact(frame * 100_000_000, votes * k, votes * (3 - k)) for k, frame in ((1, 2), (2, 4)))
    whole = replace(tracklet([crop(0, bgr=RED), crop(2, bgr=BLUE), crop(4, bgr=GREEN)]), contacts=contacts)
    outs = sharp.build([(whole, SIZE)], Splits())
    assert sorted(out.sighting.frames.tolist() for out in outs) == [[0, 1], [2, 3], [4]]
    assert len({out.sighting.sighting_id for out in outs}) == 3


def _broken(bgr_later, *, told_before=False):
    """The end of one track and the beginning of another that may continue it."""
    ended = tracklet([crop(0, bgr=RED), crop(1, bgr=RED)], boxes=3, final=True, revision=2 if told_before else 1)
    later = _later([crop(7, bgr=bgr_later)])
    return [(ended, SIZE), (replace(later, continues=ended.key), SIZE)]


def _later(crops, **options):
    later = tracklet(crops, track_id=2, **options)
    return replace(later, times_ns=later.times_ns + 600_000_000, frames=later.frames + 6)


def test_a_broken_track_is_one_sighting_if_its_pictures_agree(sharp):
    early = sharp.build([(tracklet([crop(0, bgr=RED)], boxes=2), SIZE)])[0].sighting
    (out,) = sharp.build(_broken(RED, told_before=True))
    sighting = out.sighting
    assert (sighting.sighting_id, sighting.revision, sighting.final) == (early.sighting_id, 2, False)
    assert [key.track_id for key in sighting.track_keys] == [1, 2]
    assert sighting.frames.tolist() == [0, 1, 2, 6, 7, 8, 9, 10]
    assert len(sighting.exemplars) == 3
    assert sharp.joined_tracks == 1
    last = sharp.build([(_later([crop(7, bgr=RED), crop(9, bgr=RED)], final=True, revision=2), SIZE)])[0].sighting
    assert (last.sighting_id, last.revision, last.final) == (early.sighting_id, 3, True)
    assert (last.start_ns, len(last.exemplars)) == (0, 4)
    assert sharp._tracks == {}
    assert sum(sharp._open.active.batches) == 4, "each crop once"


def test_a_broken_track_is_two_sightings_if_they_do_not(sharp):
    ended, later = (out.sighting for out in sharp.build(_broken(BLUE)))
    assert (ended.final, later.final) == (True, False)
    assert ended.sighting_id != later.sighting_id
    assert sharp.joined_tracks == 0


@pytest.mark.parametrize(
    ("bgr", "frames", "track_ids"),
    [
        (BLUE, [[0, 1], [2, 3, 4, 6, 7, 8, 9, 10]], [[1], [100, 2]]),
        (GREEN, [[0, 1], [2, 3, 4], [6, 7, 8, 9, 10]], None),
    ],
    ids=["the second goes on", "neither goes on"],
)
def test_a_track_that_changed_over_before_it_broke_is_split_first(sharp, bgr, frames, track_ids):
    sharp.build([(tracklet([crop(0, bgr=RED)], boxes=2), SIZE)], Splits())
    ended = _with_contact([crop(0, bgr=RED), crop(3, bgr=BLUE)], 2, revision=2, final=True)
    later = replace(_later([crop(7, bgr=bgr)]), continues=ended.key)
    outs = sharp.build([(ended, SIZE), (later, SIZE)], Splits())
    assert [out.sighting.frames.tolist() for out in outs] == frames
    assert [out.sighting.final for out in outs] == [True] * (len(outs) - 1) + [False]
    if track_ids is not None:
        assert [[key.track_id for key in out.sighting.track_keys] for out in outs] == track_ids


def test_pictures_that_stand_for_others_go_with_their_side_of_a_split(sharp):
    red, blue = crop(0, bgr=RED), crop(3, bgr=BLUE)
    sharp.build([(_with_contact([red, blue], 2), SIZE)])
    newer = replace(crop(4, bgr=BLUE), box_xyxy=blue.box_xyxy)
    outs = sharp.build([(_with_contact([red, newer], 2, revision=2, final=True), SIZE)], Splits())
    assert [out.sighting.frames.tolist() for out in outs] == [[0, 1], [2, 3, 4]]


def test_a_chain_of_parts_stays_bounded(sharp):
    previous = tracklet([crop(0, bgr=RED)], boxes=5)
    due = [previous]
    for k in range(1, 12):
        part = tracklet([crop(10 * k + i, bgr=RED) for i in range(4)], track_id=k + 1, boxes=500)
        shift = 1000 * k
        part = replace(part, times_ns=part.times_ns + shift * 100_000_000, frames=part.frames + shift)
        ended = replace(due[-1], final=True)
        (out,) = sharp.build([(ended, SIZE), (replace(part, continues=ended.key), SIZE)])
        due = [part]
    track = sharp._tracks[part.key]
    assert len(track.embedded) <= 8
    assert len(track.earlier.times_ns) <= 600
    assert len(out.sighting.track_keys) == 12
    assert len(out.sighting.exemplars) == 4


def test_a_long_chain_names_its_first_and_its_newest_tracks(sharp):
    part = tracklet([crop(0, bgr=RED)], boxes=3)
    for k in range(1, 100):
        ended = replace(part, final=True)
        part = replace(tracklet([crop(10 * k, bgr=RED)], track_id=k + 1, boxes=3), continues=ended.key)
        part = replace(part, times_ns=part.times_ns + k * 1_000_000_000, frames=part.frames + 10 * k)
        (out,) = sharp.build([(ended, SIZE), (part, SIZE)])
        assert len(out.sighting.track_keys) == min(k + 1, MOST_TRACK_KEYS)
    assert [key.track_id for key in out.sighting.track_keys] == [1, *range(102 - MOST_TRACK_KEYS, 101)]


def test_a_chain_of_parts_keeps_its_beginning(sharp):
    part = tracklet([crop(0, bgr=RED)], boxes=3)
    for k in range(1, 4):
        ended = replace(part, final=True)
        part = tracklet([crop(1000 * k, bgr=RED)], track_id=k + 1, boxes=500)
        part = replace(part, times_ns=part.times_ns + k * 100_000_000_000, frames=part.frames + 1000 * k)
        (out,) = sharp.build([(ended, SIZE), (replace(part, continues=ended.key), SIZE)])
    assert [key.track_id for key in out.sighting.track_keys] == [1, 2, 3, 4]
    assert (out.sighting.start_ns, out.sighting.frames[0], out.sighting.frames[-1]) == (0, 0, 3499)
    assert len(out.sighting.frames) == 600
    assert len(sharp._tracks[part.key].earlier.times_ns) <= 600


def test_the_colour_is_that_of_all_crops_ever_seen(sharp):
    sharp.build([(tracklet([crop(0, bgr=RED), crop(1, bgr=RED), crop(2, bgr=RED)]), SIZE)])
    colour = sharp.build([(tracklet([crop(5, bgr=BLUE)], revision=2), SIZE)])[0].sighting.colour
    assert colour["red"] > colour["blue"] > 0.1
    assert sum(colour.values()) == pytest.approx(1.0)

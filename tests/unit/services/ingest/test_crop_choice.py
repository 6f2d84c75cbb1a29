import itertools
from dataclasses import replace

import numpy as np
from ingest_fakes import HueEmbedder, crop, tracklet

from services.ingest.crop_choice import NEWS, worth_embedding
from services.ingest.settings import IngestSettings
from services.ingest.sightings import SightingBuilder
from tracker.types import Contact


def at(frame, left, quality=0.5):
    return replace(crop(frame, quality=quality), box_xyxy=np.array([left, 0, left + 40, 40], np.float32))


def frames(crops):
    return [each.frame for each in crops]


def test_a_first_revision_embeds_all():
    assert frames(worth_embedding([at(0, 0), at(5, 100)], [])) == [0, 5]


def test_a_little_better_picture_of_the_same_side_is_no_news():
    old = [at(0, 0, 0.5), at(5, 100, 0.5)]
    assert frames(worth_embedding([at(9, 2, 0.6), at(5, 100, 0.5)], old)) == [0, 5]


def test_a_much_better_picture_is_news_and_so_is_another_side():
    old = [at(0, 0, 0.3)]
    assert frames(worth_embedding([at(9, 2, 0.3 * NEWS + 0.01)], old)) == [9]
    assert frames(worth_embedding([at(9, 60, 0.2)], old)) == [9]


def test_two_that_are_replaced_by_one_are_one():
    assert frames(worth_embedding([at(8, 1), at(9, 2)], [at(0, 0, 0.5)])) == [0]


def test_past_a_contact_the_same_place_is_news_once():
    votes = np.ones(4, np.float32)
    contacts = (Contact(500_000_000, votes, votes),)
    assert frames(worth_embedding([at(9, 2), at(0, 0)], [at(0, 0)], contacts)) == [9, 0]
    assert frames(worth_embedding([at(12, 2), at(0, 0)], [at(0, 0), at(9, 2)], contacts)) == [9, 0]


def test_a_waiting_vehicle_costs_one_embedding_and_keeps_its_vector():
    ids = itertools.count()
    embedder = HueEmbedder()
    builder = SightingBuilder(embedder, lambda: f"s{next(ids)}", IngestSettings())
    sightings = []
    for k in range(5):
        due = tracklet(crops=[at(k, 0, 0.4 + 0.02 * k)], revision=k + 1, final=k == 4)
        sightings += [out.sighting for out in builder.build([(due, (640, 360))])]
    assert embedder.batches == [1]
    assert len(sightings) == 5
    assert len({s.embedding.tobytes() for s in sightings}) == 1

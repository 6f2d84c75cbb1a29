"""While a site changes its model, ingest describes every picture with both."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from ingest_fakes import HueEmbedder, crop, tracklet

from services.ingest.settings import IngestSettings
from services.ingest.sightings import SightingBuilder
from services.rolling.roster import OpenModels

SIZE = (640, 360)


class Turned(HueEmbedder):
    """Another model: the same hues, their numbers in another order."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = replace(self.spec, model_id="turned")

    def embed(self, crops):
        return super().embed(crops)[:, ::-1]


@pytest.fixture
def site():
    """A builder, its two embedders, and which of them are open."""
    old, new, ids = HueEmbedder(), Turned(), itertools.count()
    now = [OpenModels(old)]
    builder = SightingBuilder(old, lambda: f"s{next(ids)}", IngestSettings(), models=lambda: now[0])
    return builder, old, new, now


def build(builder, *tracklets):
    return builder.build([(t, SIZE) for t in tracklets])[0].sighting


CROPS = [crop(0, bgr=(250, 0, 0)), crop(1, bgr=(0, 0, 250))]


def test_a_sighting_travels_with_both_and_one_model_alone_with_its_own(site):
    builder, old, new, now = site
    assert build(builder, tracklet(CROPS)).beside is None
    now[0] = OpenModels(old, new)
    sighting = build(builder, tracklet(CROPS, revision=2))
    assert (sighting.model_id, sighting.beside.model_id) == (old.spec.model_id, "turned")
    assert np.allclose(sighting.beside.embedding, sighting.embedding[::-1], atol=1e-6)
    assert np.allclose(sighting.beside.exemplars, sighting.exemplars[:, ::-1])
    assert len(sighting.beside.exemplars) == len(sighting.crop_keys)


def test_a_switch_in_the_middle_of_a_track_changes_who_is_in_front_and_embeds_nothing_again(site):
    builder, old, new, now = site
    now[0] = OpenModels(old, new)
    first = build(builder, tracklet(CROPS))
    now[0] = OpenModels(new, old)
    second = build(builder, tracklet(CROPS, revision=2))
    assert (second.sighting_id, second.revision) == (first.sighting_id, 2)
    assert (second.model_id, second.beside.model_id) == ("turned", old.spec.model_id)
    assert np.allclose(second.embedding, first.beside.embedding)
    assert second.crop_keys == first.crop_keys
    assert (old.batches, new.batches) == ([2], [2])


def test_a_switch_that_comes_without_a_shadow_embeds_what_is_remembered(site):
    builder, old, new, now = site
    build(builder, tracklet(CROPS))
    now[0] = OpenModels(new)
    sighting = build(builder, tracklet(CROPS, revision=2))
    assert (sighting.model_id, sighting.beside) == ("turned", None)
    assert old.batches == new.batches == [2]

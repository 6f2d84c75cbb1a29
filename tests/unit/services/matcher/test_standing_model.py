"""Standing queries when the site changes its model: vectors of the former one never meet the gallery of the new."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.errors import Unavailable
from services.identity.records import Event
from services.identity.standing.contract import StandingProbe, StandingRecord
from services.matcher.gallery import model_changed
from services.matcher.probes import Reading
from services.matcher.standing import StandingLoop, look_of
from services.matcher.standing_servicer import StandingServicer
from services.rpc import vreid_pb2 as pb


class RollingGallery:
    """Holds one sighting, described by a model that can be changed; refuses vectors of another."""

    def __init__(self) -> None:
        self.model_id, self.dim, self.asked = "old", 2, []

    def roll(self) -> None:
        self.model_id, self.dim = "new", 3

    def wait_for(self, position, timeout_s) -> None:
        pass

    def vector_of_sighting(self, sighting_id):
        return np.ones((1, self.dim), np.float32)

    def match_of_sighting(self, sighting_id, queries, wanted, model_id=""):
        if model_id != self.model_id:
            raise model_changed()
        self.asked.append((model_id, queries.shape[1]))


class Store:
    """One query, and one event a round."""

    def __init__(self) -> None:
        self.read = 0

    def standing(self):
        return [StandingRecord("q", "van", (StandingProbe("sighting", "s"),), 0.5, 0, "ann", since_ns=0)]

    def standing_position(self):
        return "0-0"

    def read_events(self, after, count, block_ms):
        self.read += 1
        return [Event(f"{self.read}-0", "sighting.put", 1, {"sighting_id": f"s{self.read}"})]


def test_looks_are_read_anew_as_soon_as_the_model_is_another():
    gallery = RollingGallery()
    loop = StandingLoop(Store(), gallery)
    loop._said_s = float("inf")
    loop._round()
    gallery.roll()
    loop._round()
    assert gallery.asked == [("old", 2), ("new", 3)]


def test_a_change_in_the_midst_of_a_reading_is_no_mixture():
    gallery = RollingGallery()
    (record,) = Store().standing()
    gallery.vector_of_sighting = lambda _: gallery.roll() or np.ones((1, 3), np.float32)
    with pytest.raises(Unavailable):
        look_of(record, gallery)


def test_a_picture_read_before_a_change_is_kept_as_the_former_models():
    gallery = RollingGallery()
    spec = EmbedderSpec("old", 2, (8, 8), Calibration(1.0, 0.0))

    def picture(asked, timeout_s):
        gallery.roll()  # as soon as it is read
        return Reading(np.array([[0.6, 0.8]], np.float32), spec)

    servicer = StandingServicer(SimpleNamespace(gallery=gallery, reader=SimpleNamespace(picture=picture)))
    request = pb.CreateStandingRequest(probes=[pb.Probe(image=pb.ImageProbe(data=b"x"))])
    (probe,), _ = servicer._probes(request)
    assert (probe.kind, probe.model_id) == ("vector", "old")

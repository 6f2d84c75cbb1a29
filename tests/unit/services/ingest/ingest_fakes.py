"""Parts for tests of ingest: an embedder with foretold vectors, tracklets made by hand, a store that goes away."""

from collections import Counter

import numpy as np

from reid.types import Calibration, EmbedderSpec
from services.errors import StoreUnavailable
from services.identity.memory_store import MemoryStore
from tracker.types import Crop, TrackKey, Tracklet

DIM = 8


class HueEmbedder:
    """The unit vector of a crop is made of its mean colour alone."""

    spec = EmbedderSpec("hue", DIM, (32, 32), Calibration(10.0, -5.0))

    def __init__(self):
        self.batches = []

    def embed(self, crops):
        self.batches.append(len(crops))
        vectors = np.stack([np.resize(crop.reshape(-1, 3).mean(axis=0) + 1.0, DIM) for crop in crops])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def crop(frame, *, bgr=(200, 30, 30), quality=0.5, side=40):
    image = np.full((side, side, 3), bgr, np.uint8)
    box = np.array([100 * frame, 0, 100 * frame + side, side], np.float32)  # it drives
    return Crop(image, frame * 100_000_000, frame, box, quality)


def tracklet(crops=None, *, track_id=1, boxes=5, revision=1, final=False, camera="cam1", session="s1"):
    crops = (crop(0),) if crops is None else tuple(crops)
    frames = np.arange(boxes, dtype=np.int64)
    return Tracklet(
        key=TrackKey(camera, session, track_id),
        revision=revision,
        final=final,
        times_ns=frames * 100_000_000,
        frames=frames,
        boxes_xyxy=np.tile(np.array([0, 0, 40, 40], np.float32), (boxes, 1)),
        class_probs=np.array([1, 0, 0, 0], np.float32),
        crops=crops,
        quality=max((c.quality for c in crops), default=0.0),
    )


class FlakyStore(MemoryStore):
    """A memory store that can go away; counts what reached it."""

    def __init__(self, *args):
        super().__init__(*args)
        self.away = False
        self.lost_replies = 0
        self.puts = Counter()

    def _answer(self):
        if self.away:
            raise StoreUnavailable("away")

    def put_sighting(self, sighting, lease):
        self._answer()
        result = super().put_sighting(sighting, lease)
        self.puts[(sighting.sighting_id, sighting.revision)] += 1
        if self.lost_replies:
            self.lost_replies -= 1
            raise StoreUnavailable("the reply was lost")
        return result

    def acquire_lease(self, *args):
        self._answer()
        return super().acquire_lease(*args)

    def renew_lease(self, *args):
        self._answer()
        return super().renew_lease(*args)

    def release_lease(self, *args):
        self._answer()
        super().release_lease(*args)

    def put_camera(self, *args):
        self._answer()
        super().put_camera(*args)

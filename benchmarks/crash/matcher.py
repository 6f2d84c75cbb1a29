"""A matcher to be killed: the real one with gRPC, gallery and associator, but without networks."""

from __future__ import annotations

import argparse
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections
from reid.types import Calibration, EmbedderSpec
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.ids import uuid7
from services.matcher.associator import AssociatorLoop
from services.matcher.build import Places, build_matcher
from services.matcher.settings import MatcherSettings
from tracker.multi_camera.settings import AssociationSettings

MODEL_ID = "crash"
DIM = 64


class NoDetector:
    """Finds nothing: nobody asks with a picture."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """No vehicle in any picture."""
        return [Detections.empty() for _ in images]


class NoEmbedder:
    """Says what kind of vectors the gallery holds."""

    spec = EmbedderSpec(MODEL_ID, DIM, (8, 8), Calibration(slope=20.0, offset=-10.0))

    def embed(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """A vector of each crop's own, drawn by its pixels."""
        digests = [hashlib.blake2b(np.ascontiguousarray(crop).tobytes(), digest_size=8).digest() for crop in crops]
        draws = [np.random.default_rng(int.from_bytes(digest)).standard_normal(DIM) for digest in digests]
        vectors = np.array(draws, np.float32).reshape(-1, DIM)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def main() -> None:
    """Serves until killed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--snapshots", type=Path)
    args = parser.parse_args()
    embedder = NoEmbedder()
    store = RedisStore(connect(args.url, RedisSettings()), "crash")
    associator = AssociatorLoop(
        store,
        AssociationSettings(bucket_s=0.05),
        embedder.spec.calibration,
        MODEL_ID,
        id_factory=uuid7,
        owner=args.listen,
    )
    settings = MatcherSettings(listen=args.listen, snapshot_every_s=1.0)
    places = Places(snapshot_folder=args.snapshots)
    matcher = build_matcher(store, NoDetector(), embedder, settings, associator, places)
    matcher.start()
    matcher.wait(threading.Event())


if __name__ == "__main__":
    main()

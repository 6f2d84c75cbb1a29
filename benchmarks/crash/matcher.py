"""A matcher to be killed: the real one with gRPC, gallery and associator, but without networks."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections
from reid.types import Calibration, EmbedderSpec
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.ids import uuid7
from services.matcher.associator import AssociatorLoop
from services.matcher.build import build_matcher
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
        """The same vector for every crop."""
        vectors = np.zeros((len(crops), DIM), np.float32)
        vectors[:, 0] = 1
        return vectors


def main() -> None:
    """Serves until killed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--listen", required=True)
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
    matcher = build_matcher(store, NoDetector(), embedder, MatcherSettings(listen=args.listen), associator)
    matcher.start()
    matcher.wait(threading.Event())


if __name__ == "__main__":
    main()

"""Every way on which a picture leaves goes through the guard: crops of ingest, enrolments, live pictures."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.types import Frame
from reid.types import Calibration, EmbedderSpec
from services.crops import CropStore
from services.identity.memory_store import MemoryStore
from services.ingest.settings import IngestSettings
from services.ingest.sightings import SightingBuilder
from services.live.board import LiveBoard
from services.live.server import LiveServer
from services.live.watcher import LiveWatcher
from services.matcher.enrolment import Enroller, Enrolment
from services.matcher.probes import Reading
from services.privacy.guard import PictureGuard
from tracker.types import Crop, TrackKey, Tracklet

SPEC = EmbedderSpec("m", 4, (48, 64), Calibration(20.0, -10.0))


class Flat:
    spec = SPEC

    def embed(self, crops):
        return np.tile(np.float32([0.5, 0.5, 0.5, 0.5]), (len(crops), 1))


class EveryThing:
    """Takes the middle of every picture for a plate."""

    def find(self, pictures):
        return [
            np.array([[p.shape[1] * 0.25, p.shape[0] * 0.25, p.shape[1] * 0.75, p.shape[0] * 0.75]], np.float32)
            for p in pictures
        ]


@pytest.fixture
def noisy() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def is_blurred(picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    middle = picture[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8].astype(float)
    edge = picture[: height // 8].astype(float)
    return bool(middle.std() < 0.5 * edge.std())


def ingested(guard: PictureGuard | None, noisy: np.ndarray) -> np.ndarray:
    ids = itertools.count()
    builder = SightingBuilder(Flat(), lambda: f"s{next(ids)}", IngestSettings(), guard=guard)
    crop = Crop(noisy, 0, 0, np.array([0, 0, 160, 120], np.float32), 0.9)
    tracklet = Tracklet(
        key=TrackKey("c", "s", 1),
        revision=1,
        final=True,
        times_ns=np.array([0, 10**9], np.int64),
        frames=np.array([0, 10], np.int64),
        boxes_xyxy=np.zeros((2, 4), np.float32),
        class_probs=np.array([1, 0, 0, 0], np.float32),
        crops=(crop,),
        quality=0.9,
    )
    return decoded(builder.build([(tracklet, (640, 360))])[0].new_crops[0][1])


def enrolled(guard: PictureGuard | None, noisy: np.ndarray, crops: CropStore) -> np.ndarray:
    store = MemoryStore()
    enroller = Enroller(store, lambda: "m", crops, guard=guard)
    reading = Reading(np.float32([[0.5, 0.5, 0.5, 0.5]]), SPEC, views=(noisy,))
    done = enroller.enroll(Enrolment([reading]), "t")
    return decoded(crops.get(store.get_sighting(done.sighting_id).crop_keys[0]))


@pytest.fixture
def stored(noisy, tmp_path) -> dict[str, Callable[..., np.ndarray]]:
    crops = CropStore(str(tmp_path / "crops"))
    return {"ingest": lambda guard: ingested(guard, noisy), "enrolment": lambda guard: enrolled(guard, noisy, crops)}


@pytest.mark.parametrize("way", ["ingest", "enrolment"])
def test_without_a_detector_nothing_larger_than_the_network_input_is_stored(way, stored):
    picture = stored[way](None)
    assert picture.shape[0] <= SPEC.input_hw[0]
    assert picture.shape[1] <= SPEC.input_hw[1]


@pytest.mark.parametrize("way", ["ingest", "enrolment"])
def test_with_a_detector_what_is_stored_is_blurred(way, stored):
    picture = stored[way](PictureGuard(EveryThing()))
    assert picture.shape[:2] == (120, 160)
    assert is_blurred(picture)


@pytest.mark.parametrize("blurs", [False, True])
def test_live_pictures_are_blurred_where_a_detector_is_configured(blurs, noisy, tmp_path):
    board = LiveBoard()
    board.show(Frame("north", "s", 0, 5, "host", noisy), ())
    server = LiveServer(board, tmp_path, PictureGuard(EveryThing()) if blurs else None)
    try:
        jpeg = asyncio.run(watched(tmp_path))
    finally:
        server.close()
    assert is_blurred(decoded(jpeg)) is blurs


async def watched(data_dir: Path) -> bytes:
    watcher = LiveWatcher(data_dir)
    try:
        return (await watcher.picture("north")).jpeg
    finally:
        watcher.close()

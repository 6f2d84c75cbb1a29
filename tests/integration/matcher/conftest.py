"""A whole matcher in this process: real gRPC on a free port, real FAISS, a store in memory, small exact networks."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from detector.types import Detections, VehicleClass
from reid.types import Calibration, EmbedderSpec
from services.cli.main import app
from services.client import MatcherClient
from services.crops import CropStore
from services.identity.memory_store import MemoryStore
from services.identity.store import IdentityStore
from services.matcher.build import Matcher, Places, build_matcher
from services.matcher.settings import MatcherSettings
from services.types import Commit, Merge, Sighting, Split
from tracker.types import Decision, DecisionStatus, TrackKey

MODEL_ID = "test-model"
SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND


class ColourEmbedder:
    """The mean colour of a crop, centred, as a unit vector of 3."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.spec = EmbedderSpec(MODEL_ID, 3, (144, 144), Calibration(slope=20.0, offset=-10.0))

    def embed(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        self.shapes += [crop.shape for crop in crops]
        vectors = np.array([crop.reshape(-1, 3).mean(axis=0) - 110.0 for crop in crops], np.float32).reshape(-1, 3)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class ColourDetector:
    """A vehicle is whatever is not grey; its score is the share of the picture's width that it takes."""

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        return [self._one(image) for image in images]

    @staticmethod
    def _one(image: np.ndarray) -> Detections:
        coloured = np.ptp(image.astype(int), axis=2) > 60
        rows, columns = np.nonzero(coloured)
        if len(rows) == 0:
            return Detections.empty()
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        score = (box[2] - box[0]) / image.shape[1]
        return Detections(
            np.array([box], np.float32), np.array([score], np.float32), np.array([VehicleClass.CAR], np.int64)
        )


def colour_vector(bgr: tuple[int, int, int]) -> np.ndarray:
    return ColourEmbedder().embed([np.full((2, 2, 3), bgr, np.uint8)])[0]


@dataclass
class City:
    """A matcher under test and the hands that feed its store."""

    store: IdentityStore
    matcher: Matcher
    client: MatcherClient
    embedder: ColourEmbedder
    calls: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lease = self.store.acquire_lease("test", "test", 3600)
        assert lease is not None
        self.lease = lease

    def see(
        self,
        sighting_id: str,
        bgr: tuple[int, int, int],
        *,
        camera: str = "north",
        at_s: float = 0.0,
        revision: int = 1,
        final: bool = True,
        vehicle_class: int = 0,
        exemplars: Sequence[tuple[int, int, int]] = (),
        model_id: str = MODEL_ID,
    ) -> str:
        """Stores a revision; returns the log position."""
        start = T0 + int(at_s * SECOND)
        probs = np.full(4, 0.1, np.float32)
        probs[vehicle_class] = 0.7
        views = [colour_vector(e) for e in exemplars]
        sighting = Sighting(
            sighting_id=sighting_id,
            revision=revision,
            final=final,
            track_keys=(TrackKey(camera, "session", 1),),
            camera_id=camera,
            start_ns=start,
            end_ns=start + 2 * SECOND,
            times_ns=np.array([start], np.int64),
            frames=np.array([1], np.int64),
            boxes_xyxy=np.array([[0, 0, 10, 10]], np.float32),
            class_probs=probs,
            colour={},
            embedding=colour_vector(bgr),
            exemplars=np.array(views, np.float32).reshape(-1, 3),
            quality=0.5,
            model_id=model_id,
        )
        return self.store.put_sighting(sighting, self.lease).log_position

    def decide(self, sighting_id: str, identity_id: str, revision: int = 1) -> str:
        """Assigns a sighting; returns the log position."""
        decision = Decision(sighting_id, revision, DecisionStatus.NEW, identity_id, 0.0, 1.0, 0.9)
        return self.store.commit(Commit(self.lease, decisions=(decision,))).log_position

    def merge(self, survivor_id: str, absorbed_id: str) -> str:
        return self.store.commit(Commit(self.lease, merges=(Merge(survivor_id, absorbed_id, "test"),))).log_position

    def split(self, identity_id: str, new_id: str, *sighting_ids: str) -> str:
        change = Commit(self.lease, splits=(Split(identity_id, new_id, sighting_ids, "test"),))
        return self.store.commit(change).log_position

    def settle(self) -> None:
        """Waits until the gallery has seen all that the store has."""
        self.matcher.gallery.wait_for(self.store.last_event_id(), 10)


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Returns once something is true, or fails after long."""

    def wait(true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline, "did not happen in 30 s"
            time.sleep(0.02)

    return wait


@pytest.fixture
def build(wait_until: Callable[..., None]) -> Iterator[Callable[..., City]]:
    """Starts matchers; settings by keyword, and a store to begin with."""
    cities: list[City] = []

    def start(
        store: IdentityStore | None = None, *, wait: bool = True, places: Places | None = None, **settings: object
    ) -> City:
        store = store or MemoryStore()
        embedder = ColourEmbedder()
        listening = MatcherSettings(listen="127.0.0.1:0", drain_s=1, **settings)
        matcher = build_matcher(store, ColourDetector(), embedder, listening, places=places)
        matcher.start()
        city = City(store, matcher, MatcherClient(matcher.address, timeout_s=20), embedder)
        cities.append(city)
        if wait:
            wait_until(city.client.serving)
        return city

    yield start
    for city in cities:
        city.client.close()
        city.matcher.stop()


@pytest.fixture
def city(build: Callable[..., City]) -> City:
    """A matcher over an empty store."""
    return build()


@pytest.fixture
def street(city: City) -> City:
    """Two red passages of one vehicle, one blue, one green that nobody has decided on yet."""
    city.see("red-1", (0, 0, 250), camera="north", at_s=0)
    city.see("red-2", (20, 10, 250), camera="south", at_s=30)
    city.see("blue-1", (250, 0, 0), camera="north", at_s=60, vehicle_class=3)
    city.see("green-1", (0, 250, 0), camera="east", at_s=90)
    city.decide("red-1", "id-red")
    city.decide("red-2", "id-red")
    city.decide("blue-1", "id-blue")
    city.settle()
    return city


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """A picture file: a coloured rectangle on grey, or with ``margin=0`` all of one colour."""

    def make(bgr: tuple[int, int, int], *, margin: int = 20, size: int = 64, fmt: str = "PNG") -> bytes:
        pixels = np.full((size, size, 3), 110, np.uint8)
        pixels[margin : size - margin, margin : size - margin] = bgr
        buffer = io.BytesIO()
        Image.fromarray(pixels[:, :, ::-1]).save(buffer, fmt)
        return buffer.getvalue()

    return make


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Where a matcher keeps pictures and its snapshot."""
    return Places(CropStore(str(tmp_path / "crops")), tmp_path / "gallery")


@pytest.fixture
def kept(build: Callable[..., City], places: Places) -> City:
    """A matcher over an empty store that keeps pictures and a snapshot."""
    return build(places=places)


@pytest.fixture
def keeper(kept: City, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command against it: the document with ``--json``, else the result."""
    monkeypatch.setenv("VREID_ADDRESS", kept.matcher.address)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object, code: int = 0) -> Any:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if "--json" in arguments and code == 0 else result

    return run

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from reid.types import Calibration
from services.garbage import Collector
from services.identity.memory_store import MemoryStore
from services.matcher.associator import AssociatorLoop
from services.types import Lease, Sighting
from tracker.multi_camera.settings import AssociationSettings
from tracker.types import TrackKey

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
DIM = 16


class Clock:
    """Monotonic nanoseconds that a test sets."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def pass_s(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND)


class Street:
    """Puts sightings of numbered vehicles into a store."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        lease = store.acquire_lease("ingest", "test", 600.0)
        assert lease is not None
        self.lease: Lease = lease
        self._rng = np.random.default_rng(3)

    def put(
        self,
        name: str,
        vehicle: int,
        camera: str,
        start_s: float,
        end_s: float,
        *,
        revision: int = 1,
        final: bool = True,
    ) -> None:
        vector = np.zeros(DIM)
        vector[vehicle] = 1.0
        vector += 0.03 * self._rng.standard_normal(DIM)
        n = 3
        self.store.put_sighting(
            Sighting(
                sighting_id=name,
                revision=revision,
                final=final,
                track_keys=(TrackKey(camera, f"session-{camera}", vehicle),),
                camera_id=camera,
                start_ns=START + int(start_s * SECOND),
                end_ns=START + int(end_s * SECOND),
                times_ns=np.linspace(START, START + SECOND, n).astype(np.int64),
                frames=np.arange(n),
                boxes_xyxy=np.array([[0, 0, 64, 36], [200, 100, 264, 136], [576, 324, 640, 360]], np.float32),
                class_probs=np.array([0.9, 0.0, 0.05, 0.05], np.float32),
                colour={"red": 1.0},
                embedding=(vector / np.linalg.norm(vector)).astype(np.float32),
                exemplars=np.zeros((0, DIM), np.float32),
                quality=0.8,
                model_id="m",
                frame_size=(640, 360),
            ),
            self.lease,
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def street(store: MemoryStore) -> Street:
    return Street(store)


@pytest.fixture
def new_loop(store: MemoryStore, clock: Clock) -> Callable[..., AssociatorLoop]:
    count: Iterator[int] = iter(range(10**6))

    def make(
        owner: str = "one", over: object = None, collector: Collector | None = None, **settings: object
    ) -> AssociatorLoop:
        return AssociatorLoop(
            over or store,  # type: ignore[arg-type]
            AssociationSettings(**settings),  # type: ignore[arg-type]
            Calibration(slope=20.0, offset=-10.0),
            "m",
            id_factory=lambda: f"i{next(count):05d}",
            owner=owner,
            clock=clock,
            collector=collector,
        )

    return make


@pytest.fixture
def settle(clock: Clock) -> Callable[[AssociatorLoop], int]:
    """Lets a loop read all work and close its bucket; returns the decisions committed."""

    def run(loop: AssociatorLoop) -> int:
        done = 0
        for _ in range(50):
            done += loop.step(1)
            if loop.caught_up:
                return done
            clock.pass_s(0.3)
        raise AssertionError("the loop does not catch up")

    return run

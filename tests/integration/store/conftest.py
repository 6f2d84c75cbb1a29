"""Real embedded servers that can be killed and started again, and sightings for them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.types import Sighting
from tracker.types import Decision, DecisionStatus, TrackKey


class RunningServer:
    """A server process under test."""

    def __init__(self, data_dir: Path) -> None:
        self.server = EmbeddedServer(data_dir)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.server.command(), stdout=subprocess.DEVNULL)
        self.server.wait_ready(30, lambda: self.process.poll() is None)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def store(self, site: str = "default", **settings) -> RedisStore:
        return RedisStore(connect(self.server.url, RedisSettings(**settings)), site)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    running: list[RunningServer] = []

    def start(data_dir: Path = tmp_path) -> RunningServer:
        running.append(RunningServer(data_dir))
        return running[-1]

    yield start
    for server in running:
        server.kill()


@pytest.fixture
def make_sighting() -> Callable[..., Sighting]:
    embedding = np.zeros(8, np.float32)
    embedding[0] = 1

    def make(sighting_id: str, revision: int = 1, *, end_ns: int = 2_000_000_000, final: bool = False) -> Sighting:
        return Sighting(
            sighting_id=sighting_id,
            revision=revision,
            final=final,
            track_keys=(TrackKey("north", "session", 1),),
            camera_id="north",
            start_ns=1_000_000_000,
            end_ns=end_ns,
            times_ns=np.array([1_000_000_000], np.int64),
            frames=np.array([1], np.int64),
            boxes_xyxy=np.zeros((1, 4), np.float32),
            class_probs=np.array([1, 0, 0, 0], np.float32),
            colour={},
            embedding=embedding,
            exemplars=np.zeros((0, 8), np.float32),
            quality=0.5,
            model_id="m",
        )

    return make


@pytest.fixture
def decide() -> Callable[..., Decision]:
    def make(sighting_id: str, identity_id: str, revision: int = 1) -> Decision:
        return Decision(sighting_id, revision, DecisionStatus.MATCHED, identity_id, 1.0, 0.5, 0.9)

    return make

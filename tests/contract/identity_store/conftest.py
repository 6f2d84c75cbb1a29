"""What the suite over all identity stores shares: the stores, and sightings to put into them."""

from __future__ import annotations

import itertools
import subprocess
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import redis

from services.identity.embedded import EmbeddedServer
from services.identity.memory_store import MemoryStore
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.identity.store import IdentityStore
from services.types import Commit, Lease, Merge, Sighting, Split
from tracker.types import Decision, DecisionStatus, TrackKey

SECOND = 1_000_000_000
START_NS = 1_763_000_000 * SECOND + 123_456_789

MakeSighting = Callable[..., Sighting]


@pytest.fixture
def make_sighting() -> MakeSighting:
    def make(sighting_id: str, revision: int = 1, *, at_s: float = 0.0, last_s: float = 2.0, **changes) -> Sighting:
        rng = np.random.default_rng(zlib.crc32(f"{sighting_id}/{revision}".encode()))
        vectors = rng.normal(size=(3, 16)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        start_ns = START_NS + int(at_s * SECOND)
        times = start_ns + np.arange(3, dtype=np.int64) * int(last_s * SECOND / 2)
        fields = {
            "sighting_id": sighting_id,
            "revision": revision,
            "final": False,
            "track_keys": (TrackKey("north", "session-1", 7),),
            "camera_id": "north",
            "start_ns": start_ns,
            "end_ns": int(times[-1]),
            "times_ns": times,
            "frames": np.arange(3, dtype=np.int64),
            "boxes_xyxy": rng.uniform(0, 640, size=(3, 4)).astype(np.float32),
            "class_probs": np.array([0.7, 0.1, 0.1, 0.1], np.float32),
            "colour": {"red": 0.75, "blue": 0.25},
            "embedding": vectors[0],
            "exemplars": vectors[1:],
            "quality": 0.625,
            "model_id": "m" * 64,
            "crop_keys": ("a.jpg", "b.jpg"),
            "frame_size": (640, 360),
        }
        return Sighting(**(fields | changes))

    return make


@pytest.fixture
def decide() -> Callable[..., Decision]:
    def make(sighting_id: str, identity_id: str, revision: int = 1, status: str = "matched", **changes) -> Decision:
        fields = {
            "sighting_id": sighting_id,
            "revision": revision,
            "status": DecisionStatus(status),
            "identity_id": identity_id,
            "log_likelihood_ratio": 3.141592653589793,
            "margin": 0.1,
            "probability": 0.9,
            "evidence": {"appearance": 2.0, "time": 1.141592653589793},
            "runner_up": None,
        }
        return Decision(**(fields | changes))

    return make


class Site:
    """A store with its two leases, spelled shortly."""

    def __init__(self, store: IdentityStore, make_sighting: MakeSighting, decide: Callable[..., Decision]) -> None:
        self.store = store
        self.ingest = self._lease("ingest:1")
        self.associator = self._lease("associator")
        self.make_sighting = make_sighting
        self.decide = decide

    def _lease(self, name: str) -> Lease:
        lease = self.store.acquire_lease(name, "tester", ttl_s=600)
        assert lease is not None
        return lease

    def put(self, sighting_id: str, revision: int = 1, **changes):
        return self.store.put_sighting(self.make_sighting(sighting_id, revision, **changes), self.ingest)

    def commit(self, *parts: Decision | Merge | Split, **changes):
        return self.store.commit(
            Commit(
                lease=self.associator,
                decisions=tuple(p for p in parts if isinstance(p, Decision)),
                merges=tuple(p for p in parts if isinstance(p, Merge)),
                splits=tuple(p for p in parts if isinstance(p, Split)),
                **changes,
            )
        )

    def assign(self, **identities: str) -> None:
        """Puts sightings one second apart and assigns them: ``assign(s1="a", s2="a")``."""
        for n, sighting_id in enumerate(identities):
            self.put(sighting_id, at_s=n)
        self.commit(*(self.decide(s, i) for s, i in identities.items()))

    def all_leave(self) -> None:
        """No vehicle is in view any more: what is open is closed."""
        self.store.finalise_orphans([], 0)

    def events(self) -> list[tuple[str, dict[str, object]]]:
        return [(e.kind, dict(e.payload)) for e in self.store.read_events("0-0", 10_000, 0)]

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events()]


_sites = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path_factory.mktemp("data"))
    with subprocess.Popen(server.command(), stdout=subprocess.DEVNULL) as process:
        server.wait_ready(30, lambda: process.poll() is None)
        # What is on disk is tested elsewhere; here it would only cost time.
        with redis.Redis(unix_socket_path=str(server.socket_path)) as client:
            client.config_set("appendfsync", "no")
        yield server
        process.kill()


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[IdentityStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    server: EmbeddedServer = request.getfixturevalue("server")
    store = RedisStore(connect(server.url, RedisSettings()), f"site-{next(_sites)}")
    yield store
    store.close()


@pytest.fixture
def site(store: IdentityStore, make_sighting: MakeSighting, decide: Callable[..., Decision]) -> Site:
    return Site(store, make_sighting, decide)

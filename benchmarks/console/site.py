"""A site to look at: an embedded server filled with sightings, a matcher, a console, live cameras. Measures nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.console.cameras import camera_id
from detector.types import COLOURS, Detections
from reid.types import Calibration, EmbedderSpec, Image
from services.crops import CropStore
from services.errors import Unavailable
from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.identity.store import CameraRecord, IdentityStore
from services.matcher.build import Places, build_matcher
from services.matcher.gallery import Gallery
from services.matcher.settings import MatcherSettings
from services.types import Commit, Sighting
from tracker.types import Decision, DecisionStatus, TrackKey

DIM = 128
MODEL_ID = "bench-console"
_PER_IDENTITY = 3
_AT_ONCE = 200
_READY_S = 180.0
_CAUGHT_UP_S = 900.0
_DAY_NS = 86_400 * 10**9


class Nothing:
    """Detector and embedder of a matcher that is asked with stored sightings only."""

    spec = EmbedderSpec(MODEL_ID, DIM, (8, 8), Calibration(slope=14.0, offset=-8.0))

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """Finds none."""
        return [Detections.empty() for _ in images]

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """The same vector for each."""
        vectors = np.zeros((len(crops), DIM), np.float32)
        vectors[:, 0] = 1.0
        return vectors


@dataclass(frozen=True, slots=True)
class OpenSite:
    """A site that runs: the console's address, and the processes whose cost is of interest."""

    url: str
    web_pid: int
    cameras_pid: int


def fill(store: IdentityStore, crops: CropStore, count: int, cameras: int, report: Callable[[int, int], None]) -> None:
    """Puts sightings of the last day, three to a vehicle, from cameras in turn, each with a picture."""
    ingest, decider = (store.acquire_lease(name, "bench", 3600.0) for name in ("ingest", "associator"))
    if ingest is None or decider is None:
        raise Unavailable("the bench's own store has leases of somebody else")
    store.index_events()  # as a matcher does when it starts with its site
    rng = np.random.default_rng(1)
    pictures = [crops.put(rng.integers(0, 255, (96, 160, 3), np.uint8)) for _ in range(32)]
    began = time.time_ns() - _DAY_NS
    for number in range(cameras):
        record = CameraRecord(camera_id(number), f"rtsp://{number}", "file", "up", "", time.time_ns(), {})
        store.put_camera(record)
    for start in range(0, count, _AT_ONCE):
        decisions = []
        for n in range(start, min(start + _AT_ONCE, count)):
            sighting = _sighting(n, began + n * (_DAY_NS // count), cameras, rng, pictures[n % len(pictures)])
            store.put_sighting(sighting, ingest)
            identity = f"vehicle-{n // _PER_IDENTITY:07d}"
            decisions.append(Decision(sighting.sighting_id, 1, DecisionStatus.NEW, identity, 0.0, 1.0, 0.9, {}))
        store.commit(Commit(decider, decisions=tuple(decisions)))
        report(min(start + _AT_ONCE, count), count)


def _sighting(n: int, start_ns: int, cameras: int, rng: np.random.Generator, crop: str) -> Sighting:
    vector = rng.standard_normal(DIM).astype(np.float32)
    vector /= np.linalg.norm(vector)
    camera = camera_id(n % cameras)
    return Sighting(
        sighting_id=f"sighting-{n:08d}",
        revision=1,
        final=True,
        track_keys=(TrackKey(camera, "s", n),),
        camera_id=camera,
        start_ns=start_ns,
        end_ns=start_ns + 3 * 10**9,
        times_ns=np.array([start_ns]),
        frames=np.array([1]),
        boxes_xyxy=np.array([[0, 0, 9, 9]], np.float32),
        class_probs=np.eye(4, dtype=np.float32)[n % 4],
        colour={COLOURS[n % len(COLOURS)]: 1.0},
        embedding=vector,
        exemplars=np.zeros((0, DIM), np.float32),
        quality=0.5,
        model_id=MODEL_ID,
        crop_keys=(crop,),
    )


@contextmanager
def opened(folder: Path, sightings: int, cameras: int, report: Callable[[int, int], None]) -> Iterator[OpenSite]:
    """A filled site while the block runs.

    Args:
        folder: For everything that it keeps.
        sightings: How many the store holds.
        cameras: How many show something live.
        report: Progress of filling: done, of how many.
    """
    with ExitStack() as stack:
        server = EmbeddedServer(folder)
        running = stack.enter_context(_process(server.command()))
        server.wait_ready(30, lambda: running.poll() is None)
        store, crops = RedisStore(connect(server.url, RedisSettings()), "bench"), CropStore(str(folder / "crops"))
        stack.callback(store.close)
        store.read(lambda client: client.config_set("appendfsync", "no"))  # only filling would be slower
        fill(store, crops, sightings, cameras, report)
        nothing = Nothing()
        settings = MatcherSettings(listen="127.0.0.1:0", drain_s=1)
        matcher = build_matcher(store, nothing, nothing, settings, places=Places(crops))
        matcher.start()
        stack.callback(matcher.stop)
        # Until then it answers nothing, and pages without vehicles would be timed.
        _catch_up(matcher.gallery, store.last_event_id())
        live = stack.enter_context(
            _process([sys.executable, "-m", "benchmarks.console.cameras", str(folder), str(cameras)])
        )
        listen = f"127.0.0.1:{_free_port()}"
        config = folder / "config.yaml"
        config.write_text(
            f"data_dir: {folder}\nmatcher: {{listen: '{matcher.address}'}}\nweb: {{listen: '{listen}'}}\n", "utf-8"
        )
        web = stack.enter_context(_process([sys.executable, "-m", "services.web", "--config", str(config)]))
        _wait(f"http://{listen}/login", web)
        yield OpenSite(f"http://{listen}", web.pid, live.pid)


def _catch_up(gallery: Gallery, position: str) -> None:
    """Waits until the gallery answers and has seen a position."""
    deadline = time.monotonic() + _CAUGHT_UP_S
    while True:
        try:
            gallery.wait_for(position, 5.0)
            return
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    # NiceGUI takes an environment in which pytest runs for its own test of itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise Unavailable("the console of the bench did not start")

"""The publisher against the real embedded server, which is killed and comes back."""

import subprocess
import time

import numpy as np
import pytest

from services.crops import CropStore
from services.identity.embedded import EmbeddedServer
from services.identity.ingest_board import RedisIngestBoard
from services.identity.redis_client import Connection, connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.ingest.cameras import CameraSettings
from services.ingest.publisher import SightingPublisher
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare
from services.ingest.sightings import Outgoing
from services.types import Sighting
from tracker.types import TrackKey


@pytest.fixture
def server(tmp_path):
    """Starts the server; gives a function that kills it, one that starts it again, and its address."""
    embedded = EmbeddedServer(tmp_path)
    running = []

    def start():
        process = subprocess.Popen(embedded.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.append(process)
        embedded.wait_ready(30, lambda: process.poll() is None)

    def kill():
        process = running.pop()
        process.kill()
        process.wait(30)

    start()
    yield kill, start, embedded.url
    while running:
        kill()


def outgoing(number, revision=1, *, final=False):
    vector = np.zeros(8, np.float32)
    vector[number % 8] = 1.0
    return Outgoing(
        Sighting(
            sighting_id=f"sighting-{number}",
            revision=revision,
            final=final,
            track_keys=(TrackKey("north", "session", number),),
            camera_id="north",
            start_ns=0,
            end_ns=10**9,
            times_ns=np.array([0, 10**9], np.int64),
            frames=np.array([0, 10], np.int64),
            boxes_xyxy=np.zeros((2, 4), np.float32),
            class_probs=np.array([1, 0, 0, 0], np.float32),
            colour={},
            embedding=vector,
            exemplars=vector[None],
            quality=0.5,
            model_id="model",
        )
    )


def test_a_killed_server_costs_and_doubles_nothing(server, tmp_path):
    kill, start, url = server
    store = RedisStore(connect(url, RedisSettings(command_timeout_s=1.0, reconnect_attempts=1)))
    settings = IngestSettings(lease_ttl_s=1.0)
    cameras = [CameraSettings(id="north", url="rtsp://h/north")]
    share = CameraShare(
        store, RedisIngestBoard(Connection(connect(url, RedisSettings())), "default"), settings, "me", cameras
    )
    publisher = SightingPublisher(store, CropStore(str(tmp_path / "crops")), settings, "me", share)
    publisher.start()
    for number in range(5):
        publisher.submit(outgoing(number))
    end = time.monotonic() + 30
    while publisher.counts().acknowledged < 5 and time.monotonic() < end:
        time.sleep(0.02)
    kill()
    for number in range(3, 10):
        publisher.submit(outgoing(number, 2 if number < 5 else 1, final=True))
    time.sleep(1.5)  # longer than the lease
    assert publisher.counts().acknowledged == 5
    start()
    assert publisher.close(30)
    work = [(item.sighting_id, item.revision) for item in store.read_work("0-0", 100, 0)]
    assert sorted(work) == sorted(
        [(f"sighting-{n}", 1) for n in range(5)]
        + [("sighting-3", 2), ("sighting-4", 2)]
        + [(f"sighting-{n}", 1) for n in range(5, 10)]
    )
    assert publisher.counts().dropped == {}
    store.close()

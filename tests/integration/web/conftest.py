"""A console process over a matcher in this process with two vehicles and a live camera, and a browser to look at it."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from detector.types import Detections, Frame, VehicleClass
from reid.types import Calibration, EmbedderSpec
from services.client import MatcherClient
from services.crops import CropStore
from services.identity.memory_store import MemoryStore
from services.identity.store import CameraRecord
from services.live.board import LiveBoard
from services.live.server import LiveServer
from services.matcher.build import Places, build_matcher
from services.matcher.settings import MatcherSettings
from services.types import Commit, Lease, Sighting
from tests.unit.tracker.multi_camera.conftest import Vehicles
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.single_camera.session import LiveBox
from tracker.types import Decision, DecisionStatus, TrackKey

SECOND = 1_000_000_000
RED, BLUE, GREY = (0, 0, 250), (250, 0, 0), (110, 110, 110)
NAMES = {RED: "red", BLUE: "blue"}


class Colours:
    """Detector and embedder in one: a vehicle is a coloured rectangle, described by its mean colour."""

    spec = EmbedderSpec("colours", 3, (8, 8), Calibration(slope=20.0, offset=-10.0))

    def embed(self, crops):
        vectors = np.array([crop.reshape(-1, 3).mean(axis=0) - 110.0 for crop in crops], np.float32).reshape(-1, 3)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def detect(self, images):
        return [self._found(image) for image in images]

    @staticmethod
    def _found(image):
        boxes = []
        for colour in (RED, BLUE):
            rows, columns = np.nonzero((np.abs(image.astype(int) - colour) < 30).all(axis=2))
            if len(rows):
                boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        if not boxes:
            return Detections.empty()
        count = len(boxes)
        kinds = np.full(count, VehicleClass.CAR, np.int64)
        return Detections(np.array(boxes, np.float32), np.full(count, 0.9, np.float32), kinds)


def picture(*rectangles: tuple[tuple[int, int, int], tuple[int, int, int, int]]) -> bytes:
    """A PNG of rectangles (BGR, x1 y1 x2 y2) on grey."""
    pixels = np.full((120, 200, 3), GREY, np.uint8)
    for colour, (x1, y1, x2, y2) in rectangles:
        pixels[y1:y2, x1:x2] = colour
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, ::-1]).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Console:
    """Where the console is, the client that it works with, and the hands that feed its store."""

    url: str
    client: MatcherClient | None
    store: MemoryStore
    crops: CropStore
    lease: Lease

    def see(self, name: str, colour: tuple[int, int, int], camera: str, identity: str = "", *, ago_s: float = 5.0):
        """A passage of a coloured vehicle, decided where an identity is given."""
        crop = np.full((30, 40, 3), colour, np.uint8)
        (vector,) = Colours().embed([crop])
        start = time.time_ns() - int(ago_s * SECOND)
        sighting = Sighting(
            sighting_id=name,
            revision=1,
            final=True,
            track_keys=(TrackKey(camera, "s", zlib.crc32(name.encode())),),
            camera_id=camera,
            start_ns=start,
            end_ns=start + 3 * SECOND,
            times_ns=np.array([start]),
            frames=np.array([1]),
            boxes_xyxy=np.array([[0, 0, 9, 9]], np.float32),
            class_probs=np.array([0.7, 0.1, 0.1, 0.1], np.float32),
            colour={NAMES[colour]: 1.0},
            embedding=vector,
            exemplars=vector[None],
            quality=0.5,
            model_id="colours",
            crop_keys=(self.crops.put(crop),),
        )
        self.store.put_sighting(sighting, self.lease)
        if identity:
            decision = Decision(name, 1, DecisionStatus.NEW, identity, 0.0, 1.0, 0.9, {"appearance": 3.5})
            self.store.commit(Commit(self.lease, decisions=(decision,)))


def fill(store: MemoryStore, crops: CropStore) -> Lease:
    """Two passages of a red vehicle and one of a blue one, decided, and what was learned of three cameras.

    Returns:
        The lease to go on with.
    """
    lease = store.acquire_lease("test", "test", 3600)
    console = Console("", None, store, crops, lease)
    console.see("red-1", RED, "north", "id-red", ago_s=60)
    console.see("red-2", RED, "south", "id-red", ago_s=40)
    console.see("blue-1", BLUE, "north", "id-blue", ago_s=20)
    for camera, state in (("north", "up"), ("south", "up"), ("east", "down")):
        detail = "no answer within 5 s" if state == "down" else ""
        stats = {"frames_per_s": 10.0, "vehicles": 2.0, "frame_age_p99_s": 0.2}
        console.store.put_camera(
            CameraRecord(camera, f"rtsp://{camera}/1", "file", state, detail, time.time_ns(), stats)
        )
    console.store.commit(Commit(console.lease, decisions=(), links=learned()))
    return lease


def learned() -> dict[str, str]:
    """Links of a street: from north most go south in some ten seconds, some east, and back again."""
    vehicles, rng = Vehicles(), np.random.default_rng(3)
    topology = Topology(AssociationSettings())
    for i in range(30):
        at_s, to = 100.0 * i, "east" if i % 4 == 0 else "south"
        came_s = at_s + 10.0 * rng.lognormal(0, 0.15)
        back_s = came_s + 3 + 10.0 * rng.lognormal(0, 0.15)
        left = vehicles.see(f"l{i}", i, "north", at_s - 3, at_s)
        came = vehicles.see(f"c{i}", i, to, came_s, came_s + 3)
        again = vehicles.see(f"b{i}", i, "north", back_s, back_s + 3)
        for seen in (left, came, again):
            topology.arrive(seen)
        topology.conclude([(left, []), (came, [(left, 12.0)]), (again, [(came, 12.0)])])
    return topology.all_links()


def live_board() -> LiveBoard:
    """North shows two vehicles now, one of which is known."""
    board = LiveBoard()
    pixels = np.full((360, 640, 3), GREY, np.uint8)
    pixels[60:200, 80:300] = RED
    pixels[220:300, 400:520] = BLUE
    frame = Frame("north", "s", 1, time.time_ns(), "host", pixels)
    boxes = (
        LiveBox(1, (80, 60, 300, 200), 0.9, VehicleClass.CAR),
        LiveBox(2, (400, 220, 520, 300), 0.9, VehicleClass.CAR),
    )
    board.show(frame, boxes)
    board.name(TrackKey("north", "s", 1), "red-1")
    return board


@pytest.fixture(scope="module")
def console(tmp_path_factory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("site")
    store, crops, colours = MemoryStore(), CropStore(str(folder / "crops")), Colours()
    lease = fill(store, crops)
    live = LiveServer(live_board(), folder)
    matcher = build_matcher(
        store, colours, colours, MatcherSettings(listen="127.0.0.1:0", drain_s=1), places=Places(crops)
    )
    matcher.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "config.yaml"
    settings = {"data_dir": str(folder), "matcher": {"listen": matcher.address}, "web": {"listen": listen}}
    config.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "services.web", "--config", str(config)]
    # NiceGUI takes an environment in which pytest runs for its own test of itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    log = (folder / "web.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        _wait(f"http://{listen}/system", process, folder / "web.log")
        with MatcherClient(matcher.address) as client:
            matcher.gallery.wait_for(store.last_event_id(), 20)
            yield Console(f"http://{listen}", client, store, crops, lease)
    finally:
        live.close()
        process.terminate()
        process.wait(20)
        log.close()
        matcher.stop()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser, console):
    """A page that remembers where it was sent to and what went wrong in it."""
    context = browser.new_context(viewport={"width": 1024, "height": 768}, reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(90_000)
    opened.hosts, opened.errors = set(), []
    opened.on("request", lambda r: opened.hosts.add(r.url.split("/")[2]) if r.url.startswith("http") else None)
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    yield opened
    context.close()

"""A site with a real server, two real networks, vehicles with pictures, and matchers over it."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from detector.types import Detections
from services.cli.main import app
from services.client import MatcherClient
from services.config import VreidConfig, dump_config
from services.crops import CropStore, encode_jpeg, new_crop_key, open_crops
from services.identity.embedded import EmbeddedServer
from services.identity.opening import open_store
from services.identity.redis_store import RedisStore
from services.ids import uuid7
from services.images import ImageLimits, decode_image
from services.matcher.associator import AssociatorLoop
from services.matcher.build import Matcher, Places, Rolling, build_matcher, current_spec
from services.models.networks import open_embedder
from services.rolling.reembed import Reembedder
from services.rolling.roster import ModelKeeper, ModelRoster, open_roster
from services.types import Commit, Lease, Sighting
from tracker.multi_camera.settings import AssociationSettings
from tracker.types import Decision, DecisionStatus, TrackKey

SHIPPED = "vreid-mobilenetv2"
SECOND = 1_000_000_000
T0 = 1_763_000_000 * SECOND


class WholePicture:
    """Finds nothing, so that a picture is taken whole: these are crops already."""

    def detect(self, images):
        return [Detections.empty() for _ in images]


#: Seeds of patterns that the shipped network finds different: no two are more alike than 0.4.
_SEEDS = (26, 56, 256, 254, 214, 242, 190, 45)


def vehicle(number: int, view: int) -> np.ndarray:
    """A made-up vehicle, (96, 120, 3) BGR: one pattern, a little brighter and noisier in each view."""
    rng = np.random.default_rng(_SEEDS[number])
    y, x = np.mgrid[0:96, 0:120].astype(np.float32)
    one, two = (rng.integers(0, 255, 3).astype(np.float32) for _ in range(2))
    kind = _SEEDS[number] % 6
    if kind in (0, 1):
        mix = (x, y)[kind] // rng.integers(3, 20) % 2
    elif kind == 2:
        mix = ((x - 60) ** 2 + (y - 48) ** 2 < rng.integers(15, 45) ** 2).astype(np.float32)
    elif kind == 3:
        mix = x / 120
    elif kind == 4:
        mix = (x // rng.integers(6, 30) + y // rng.integers(6, 30)) % 2
    else:
        mix = rng.random((96, 120)).astype(np.float32)
    picture = one * mix[..., None] + two * (1 - mix[..., None])
    noise = np.random.default_rng(1000 * _SEEDS[number] + view).normal(0, 4, picture.shape)
    return np.clip(picture + 6 * view + noise, 0, 255).astype(np.uint8)


def turned(weights: Path, folder: Path) -> Path:
    """The shipped checkpoint with its last projection turned: the same similarities in another space."""
    tensors = load_file(weights)
    rng = np.random.default_rng(3)
    order, signs = rng.permutation(256), rng.choice([-1.0, 1.0], 256)
    tensors["embed.weight"] = (tensors["embed.weight"][order] * signs[:, None]).astype(np.float16)
    for name, factor in (("bias", signs), ("running_mean", signs), ("running_var", 1.0), ("weight", 1.0)):
        tensors[f"neck.{name}"] = (tensors[f"neck.{name}"][order] * factor).astype(np.float32)
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "turned.safetensors")
    shutil.copy(weights.with_suffix(".json"), folder / "turned.json")
    return folder / "turned.safetensors"


@dataclass
class RunningMatcher:
    """A matcher with all its loops, and a client of it."""

    matcher: Matcher
    roster: ModelRoster
    client: MatcherClient

    def stop(self) -> None:
        self.client.close()
        self.matcher.stop()


@dataclass
class RollSite:
    """One site on disk, its server, and what is done to it."""

    config: VreidConfig
    process: subprocess.Popen[bytes] | None = None
    store: RedisStore = field(init=False)
    crops: CropStore = field(init=False)
    matchers: list[RunningMatcher] = field(default_factory=list)

    def __post_init__(self) -> None:
        dump_config(self.config, self.config.data_dir / "config.yaml")
        self.start_server()
        self.store = open_store(self.config.redis, self.config.data_dir, self.config.site)
        self.crops = open_crops(None, self.config.data_dir)

    def start_server(self) -> None:
        server = EmbeddedServer(self.config.data_dir)
        self.process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL)
        server.wait_ready(60, lambda: self.process is not None and self.process.poll() is None)

    def kill_server(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        for running in self.matchers:
            running.stop()
        self.kill_server()

    def roll(self, *words: str, fails: bool = False) -> dict | str:
        """`vreid models roll …`; its document, or what it says where it fails."""
        done = CliRunner().invoke(
            app, ["models", "roll", *words, "--data-dir", str(self.config.data_dir), "--json"], catch_exceptions=False
        )
        if fails:
            assert done.exit_code == 1, done.output
            return done.stderr
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def start_roll(self, *words: str) -> subprocess.Popen[bytes]:
        """The same as a process, to be killed."""
        command = [".venv/bin/python", "-m", "services.cli.main", "models", "roll", *words]
        return subprocess.Popen(
            [*command, "--data-dir", str(self.config.data_dir)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def lease(self, name: str) -> Lease:
        lease = self.store.acquire_lease(name, "test", 600)
        assert lease is not None
        return lease

    def see(
        self, roster: ModelRoster, name: str, number: int, *, camera: str, at_s: float, pictures: bool = True
    ) -> None:
        """A vehicle passes a camera, as ingest would say it."""
        # As they will be read again, so that both models describe the same pixels.
        views = [decode_image(encode_jpeg(vehicle(number, view)), ImageLimits(), "crop") for view in (0, 1)]
        keys = []
        for _ in views if pictures else ():
            keys.append(new_crop_key())
            self.crops.put_jpeg(keys[-1], encode_jpeg(vehicle(number, len(keys) - 1)))
        embedder = roster.now().active
        vectors = embedder.embed(views)
        mean = vectors.mean(axis=0)
        start = T0 + int(at_s * SECOND)
        sighting = Sighting(
            sighting_id=name,
            revision=1,
            final=True,
            track_keys=(TrackKey(camera, f"{camera}-session", number),),
            camera_id=camera,
            start_ns=start,
            end_ns=start + 2 * SECOND,
            times_ns=np.array([start, start + 2 * SECOND], np.int64),
            frames=np.array([1, 20], np.int64),
            boxes_xyxy=np.array([[10, 10, 100, 90], [400, 10, 490, 90]], np.float32),
            class_probs=np.array([0.85, 0.05, 0.05, 0.05], np.float32),
            colour={},
            embedding=mean / np.linalg.norm(mean),
            exemplars=vectors,
            quality=0.8,
            model_id=embedder.spec.model_id,
            crop_keys=tuple(keys),
            frame_size=(640, 360),
        )
        self.store.put_sighting(sighting, self.lease(f"camera:{camera}"))

    def decide(self, **identities: str) -> None:
        decisions = [Decision(s, 1, DecisionStatus.MATCHED, i, 1.0, 0.5, 0.9) for s, i in identities.items()]
        done = self.store.read_work("0-0", 10_000, 1)[-1].entry_id
        self.store.commit(Commit(self.lease("test-decides"), decisions=tuple(decisions), cursor=done))

    def owners(self) -> dict[str, str | None]:
        return {s.sighting_id: i for s, i in self.store.scan_sightings()}

    def run_matcher(self, *, decides: bool = False, reembeds: bool = False) -> RunningMatcher:
        """Another matcher; the configuration names the shipped model whatever the site has."""
        store = open_store(self.config.redis, self.config.data_dir, self.config.site)
        roster = open_roster(store, SHIPPED, lambda name: open_embedder(name, 1))
        spec = roster.now().active.spec
        owner = uuid7()
        loops = {"models": ModelKeeper(store, roster, f"matcher:{owner}")}
        if reembeds:
            loops["reembed"] = Reembedder(store, self.crops, roster, 1000.0, owner)
        associator = AssociatorLoop(
            store,
            AssociationSettings(merge_margin_nats=50.0),
            spec.calibration,
            spec.model_id,
            id_factory=uuid7,
            owner=owner,
            model=partial(current_spec, store, roster),
        )
        matcher = build_matcher(
            store,
            WholePicture(),
            roster.now().active,
            self.config.matcher,
            associator if decides else None,
            Places(self.crops, self.config.data_dir / "gallery"),
            rolling=Rolling(roster, loops),
        )
        matcher.start()
        running = RunningMatcher(matcher, roster, MatcherClient(matcher.address, timeout_s=60))
        self.matchers.append(running)
        until(running.client.serving)
        return running

    def stop_matcher(self, running: RunningMatcher) -> None:
        self.matchers.remove(running)
        running.stop()


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    """Returns once something is true, or fails after long."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, f"did not happen in {seconds:.0f} s"
        pause.wait(0.05)

"""The two folders that documented commands are run in: one beside a demo that is running, one with files of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import openvino
import yaml
from documents import ROOT
from openvino import opset13 as ops

from reid.metadata import SPEC_FILE, CalibrationData, ExportSpec, write_document
from reid.runtime import MODEL_FILE
from services.client import MatcherClient
from simulator.city import DEMO, load_city

VREID = (sys.executable, "-m", "services.cli.main")
FAULTS = "faults:\n  - {camera: north, at_s: 20, kind: drop, for_s: 10}\n"


@dataclass
class World:
    """A folder, and what a command line there has to be told."""

    folder: Path
    address: str = ""
    known: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def environment(self) -> dict[str, str]:
        """Of a process here: this checkout's code, whatever is installed."""
        address = self.address or f"127.0.0.1:{self.port}"
        more = {"VREID_MATCHER__LISTEN": address, "VREID_ADDRESS": address}
        # NiceGUI takes an environment in which pytest runs for its own test of itself.
        plain = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
        return plain | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", **more}

    def words(self) -> dict[str, str]:
        """What stands for a name in braces now; a matcher that is started here listens on the port."""
        self.port = free_port()
        found = {"port": str(self.port), "address": self.address, **self.known}
        if self.address:
            with MatcherClient(self.address) as client:
                identities, _ = client.identity_list(limit=1000)
            # Those seen longest ago: what comes into view now is decided anew while a command looks at it.
            settled = [each.record.identity_id for each in reversed(identities)]
            found |= {"identity": settled[0], "other": settled[1]}
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_site(folder: Path) -> tuple[World, subprocess.Popen[bytes]]:
    """A demo that is running, once it has seen some vehicles; end it with ``end``."""
    world = World(folder, f"127.0.0.1:{free_port()}")
    with (folder / "demo.log").open("wb") as log:
        command = [*VREID, "demo", "--address", world.address]
        process = subprocess.Popen(command, cwd=folder, env=world.environment(), stdout=log, stderr=log)
    deadline = time.monotonic() + 300
    try:
        with MatcherClient(world.address) as client:
            while not client.serving() or client.identity_list(limit=1)[1] < 8:
                assert process.poll() is None, (folder / "demo.log").read_text()
                assert time.monotonic() < deadline, (folder / "demo.log").read_text()
                time.sleep(0.5)
    except BaseException:
        end(process)
        raise
    pictures = sorted((folder / "vreid-data/demo/queries").glob("*.png"))
    world.known["picture"] = pictures[0].stem
    for name in ("vehicle.png", "PICTURE", "a.jpg", "A"):
        shutil.copy(pictures[0], folder / name)
    shutil.copy(pictures[1], folder / "B")
    shutil.copy(folder / "vreid-data/demo/config.yaml", folder / "vreid.yaml")
    (folder / "fresh.yaml").write_text(yaml.safe_dump({"matcher": {"listen": f"127.0.0.1:{free_port()}"}}))
    return world, process


def end(process: subprocess.Popen[Any]) -> int:
    """Ctrl-C; returns the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def make_files(folder: Path) -> World:
    """Recordings, truth and pictures as the documents name them, all of them small."""
    city = load_city(DEMO)
    lines = [line for line in city.truth_path.read_text().splitlines() if int(line.split()[2]) <= 300]
    for name in ("truth.txt", "ground_truth.txt"):
        (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "predicted.txt").write_text("".join(" ".join(line.split()[:7]) + "\n" for line in lines))
    for scene in ("01", "03", "04"):
        (folder / f"cam_timestamp_S{scene}.txt").write_text("".join(f"c00{number} 0.0\n" for number in (1, 2, 3, 4)))
    (folder / "faults.yaml").write_text(FAULTS)
    _clip(city.cameras[0].path, folder / "street.mp4", frames=30)
    _network(folder / "pixels")
    _pairs(folder)
    _veri(folder / "sets" / "town")
    return World(folder)


def _clip(source: Path, target: Path, frames: int) -> None:
    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for number, packet in enumerate(read.demux(video=0)):
            if number >= frames or packet.dts is None:
                return
            packet.stream = stream
            write.mux(packet)


def _network(folder: Path) -> None:
    """Pixels at length 1 as a network that was exported."""
    side = 8
    folder.mkdir()
    pixels = ops.parameter([-1, side, side, 3], np.uint8)
    flat = ops.reshape(ops.convert(pixels, "f32"), np.array([0, -1]), special_zero=True)
    unit = ops.normalize_l2(ops.subtract(flat, np.float32(128)), np.array([1]), 1e-12, "add")
    openvino.save_model(openvino.Model([unit], [pixels]), folder / MODEL_FILE)
    calibration = CalibrationData(slope=12.0, offset=-6.0)
    spec = ExportSpec(model_id="f" * 64, dim=3 * side**2, input_hw=(side, side), calibration=calibration, max_batch=5)
    write_document(folder / SPEC_FILE, spec)


def _paint(path: Path, vehicle: int, camera: int) -> None:
    colours = np.random.default_rng(vehicle).integers(20, 236, (4, 4, 3))
    noise = np.random.default_rng((vehicle, camera)).normal(0, 6, (32, 40, 3))
    picture = cv2.resize(colours.astype(np.float32), (40, 32), interpolation=cv2.INTER_NEAREST) + noise
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))


def _pairs(folder: Path) -> None:
    names = [f"{'car' if v % 2 else 'bus'}_{v:04d}_cam{c}.jpg" for v in range(8) for c in (1, 2)]
    for name in names:
        _paint(folder / "pictures" / name, int(name.split("_")[1]), int(name[-5]))
    (folder / "val.txt").write_text("\n".join(names) + "\n")


def _veri(root: Path) -> None:
    """VeRi-776's layout, with labels for `--by`."""
    labels = []
    for vehicle in range(1, 5):
        for camera in (1, 2, 3):
            name = f"{vehicle:04d}_c{camera:03d}_00000001_0.jpg"
            for part, of in (("test", vehicle), ("train", vehicle + 10), ("query", vehicle)):
                if part != "query" or camera == 1:
                    _paint(root / f"image_{part}" / name, of, camera)
            twin, light = ("twin", "noon") if vehicle % 2 else ("alone", "night")
            labels.append(f'{{"image": "{name}", "twin": "{twin}", "light": "{light}"}}\n')
    for part in ("test", "train", "query"):
        names = sorted(path.name for path in (root / f"image_{part}").iterdir())
        (root / f"name_{part}.txt").write_text("\n".join(names) + "\n")
    (root / "labels.jsonl").write_text("".join(labels))
    names = sorted(path.name for path in (root / "image_test").iterdir())
    tracks = "".join(f"{name} {name}\n" for name in names)
    (root / "test_track.txt").write_text(tracks)

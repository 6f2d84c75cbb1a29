"""Cameras that show something, as a process: what ingest holds for a live wall, without decoding and detecting.

Run as `python -m benchmarks.console.cameras DATA_DIR COUNT`; prints a line when the socket listens, ends on SIGTERM.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from pathlib import Path

import numpy as np

from detector.types import Frame, VehicleClass
from services.live.board import LiveBoard
from services.live.server import LiveServer
from services.stopping import when_told_to_stop
from tracker.single_camera.session import LiveBox

RATE_HZ = 10.0
SIZE_HW = (720, 1280)
_VEHICLES = 5
_PICTURES = 8


def camera_id(number: int) -> str:
    """The name of a camera."""
    return f"camera-{number}"


def pictures(seed: int = 1) -> list[np.ndarray]:
    """Street-like pictures, uint8 (H, W, 3): smooth ground with coloured rectangles and some noise."""
    rng = np.random.default_rng(seed)
    height, width = SIZE_HW
    made = []
    for _ in range(_PICTURES):
        ground = np.linspace(70, 150, height)[:, None, None] + rng.normal(0, 4, (height, width, 3))
        for _ in range(_VEHICLES):
            x, y = int(rng.integers(0, width - 200)), int(rng.integers(0, height - 120))
            ground[y : y + 120, x : x + 200] = rng.integers(20, 235, 3)
        made.append(np.clip(ground, 0, 255).astype(np.uint8))
    return made


def main() -> int:
    """Shows pictures until told to stop."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    stop = threading.Event()
    when_told_to_stop(stop.set)
    board, shown = LiveBoard(), pictures()
    server = LiveServer(board, folder)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for index in itertools.count():
        for number in range(count):
            image = shown[(index + number) % len(shown)]
            boxes = tuple(
                LiveBox(n, (100.0 * n, 80.0 * n, 100.0 * n + 200, 80.0 * n + 120), 0.9, VehicleClass.CAR)
                for n in range(_VEHICLES)
            )
            board.show(Frame(camera_id(number), "s", index, time.time_ns(), "host", image), boxes)
        if stop.wait(1.0 / RATE_HZ):
            break
    server.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Live cameras and an ingest process for a measurement: cities over RTSP, ingest on a real store. Measures nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from services.identity.redis_store import RedisStore
from services.identity.store import CameraRecord
from simulator.rtsp.faults.kinds import Fault
from simulator.rtsp.play import PlayRequest, server_for
from simulator.rtsp.server import CityServer

_UP_TIMEOUT_S = 120.0
_SAMPLE_S = 0.5


class Cameras:
    """Cities' servers, all in one thread of their own."""

    def __init__(self, copies: int, cities: Sequence[str] = ("demo",)) -> None:
        """Starts to play.

        Args:
            copies: Each camera of each city is played so often.
            cities: Names or folders; of several, the cameras' names begin with the city's place in the list.

        Raises:
            CityError: A city cannot be played.
        """
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bench-cameras", daemon=True)
        self._thread.start()
        self._servers: list[CityServer] = [server_for(PlayRequest(city, copies=copies)) for city in cities]
        for server in self._servers:
            self._call(server.start())

    @property
    def urls(self) -> dict[str, str]:
        """Address by camera."""
        if len(self._servers) == 1:
            return self._servers[0].urls()
        numbered = enumerate(self._servers, 1)
        return {f"s{place}-{name}": url for place, server in numbered for name, url in server.urls().items()}

    def befall(self, fault: Fault) -> None:
        """Begins a fault in the first city."""
        self._call(self._servers[0].inject(fault))

    def close(self) -> None:
        """Ends the servers."""
        for server in self._servers:
            self._call(server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


@contextmanager
def running_ingest(folder: Path, urls: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Ingest as a process on these cameras; a camera that is silent is given up as fast as in the default."""
    cameras = [{"id": name, "url": url} for name, url in urls.items()]
    config = folder / "bench.yaml"
    config.write_text(yaml.safe_dump({"site": "bench", "data_dir": str(folder), "cameras": cameras}), encoding="utf-8")
    command = [sys.executable, "-m", "services.ingest", "--config", str(config)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def wait_up(store: RedisStore, process: subprocess.Popen[bytes], count: int) -> None:
    """Returns once so many cameras give frames.

    Raises:
        RuntimeError: They do not, or ingest ended.
    """
    end_s = time.monotonic() + _UP_TIMEOUT_S
    while sum(record.state == "up" for record in store.list_cameras()) < count:
        if process.poll() is not None:
            raise RuntimeError(f"ingest ended with status {process.returncode}")
        if time.monotonic() > end_s:
            raise RuntimeError(f"not all {count} cameras came up within {_UP_TIMEOUT_S:.0f} s")
        time.sleep(_SAMPLE_S)


def handled(record: CameraRecord) -> float:
    """Frames of a camera that were looked at or found unchanged so far."""
    return record.stats.get("frames_inferred", 0.0) + record.stats.get("frames_gated", 0.0)


def handled_rate(before: CameraRecord, after: CameraRecord) -> float:
    """Frames a second of a camera that were handled between two of its records; 0 where no time lies between."""
    elapsed_s = (after.updated_at_ns - before.updated_at_ns) / 1e9
    return (handled(after) - handled(before)) / elapsed_s if elapsed_s > 0 else 0.0

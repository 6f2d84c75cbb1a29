"""Real ingest processes on a real store and real RTSP: they share cameras, one is killed, cameras come and go."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from services.cli.camera import app
from services.identity.embedded import EmbeddedServer
from services.identity.opening import open_store
from services.identity.settings import RedisSettings
from simulator.rtsp.play import PlayRequest, server_for

ROOT = Path(__file__).resolve().parents[3]
CAMERAS = ("north", "market", "bridge", "harbour")


@pytest.fixture
def urls():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = server_for(PlayRequest("demo"))
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
    yield server.urls()
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "d"
    server = EmbeddedServer(folder)
    process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.wait_ready(30, lambda: process.poll() is None)
    yield folder
    process.kill()
    process.wait(30)


@pytest.fixture
def start(data_dir, urls):
    config = data_dir / "config.yaml"
    cameras = [{"id": name, "url": urls[name], "max_fps": 1.0} for name in CAMERAS[:3]]
    config.write_text(yaml.safe_dump({"data_dir": str(data_dir), "cameras": cameras, "ingest": {"lease_ttl_s": 3.0}}))
    running = []

    def run():
        command = [sys.executable, "-m", "services.ingest", "--config", str(config)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.wait(30)


def until(condition, timeout_s=120.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def owners(store, names):
    """Who holds each camera, from the leases themselves."""
    found = {
        name: store._redis.call(lambda c, n=name: c.hget(store.keys.lease(f"camera:{n}"), "owner")) for name in names
    }
    return {name: owner for name, owner in found.items() if owner is not None}


def test_cameras_are_shared_move_from_a_killed_process_and_come_and_go(start, data_dir, urls):
    store = open_store(RedisSettings(), data_dir, "default")
    first = start()
    until(lambda: len(owners(store, CAMERAS[:3])) == 3)
    second = start()
    until(lambda: len(set(owners(store, CAMERAS[:3]).values())) == 2)
    until(lambda: all(c.state == "up" for c in store.list_cameras()) and len(store.list_cameras()) == 3)
    first.send_signal(signal.SIGKILL)
    survivor = set(owners(store, CAMERAS[:3]).values())
    until(lambda: len(owners(store, CAMERAS[:3])) == 3 and len(set(owners(store, CAMERAS[:3]).values())) == 1, 60)
    assert set(owners(store, CAMERAS[:3]).values()) <= survivor

    def states():
        return {camera.camera_id: camera.state for camera in store.list_cameras()}

    added = CliRunner().invoke(app, ["add", "harbour", urls["harbour"], "--data-dir", str(data_dir)])
    assert added.exit_code == 0, added.output
    until(lambda: states().get("harbour") == "up")
    assert CliRunner().invoke(app, ["remove", "north", "--data-dir", str(data_dir)]).exit_code == 0
    until(lambda: "north" not in states() and "north" not in owners(store, CAMERAS))
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert owners(store, CAMERAS) == {}
    store.close()

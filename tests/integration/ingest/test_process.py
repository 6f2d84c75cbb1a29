"""The ingest role as a process of its own, with the real store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from services.identity.embedded import EmbeddedServer
from services.identity.opening import open_store
from services.identity.settings import RedisSettings

ROOT = Path(__file__).resolve().parents[3]


def run(config, *arguments, **environment):
    command = [sys.executable, "-m", "services.ingest", "--config", str(config), *arguments]
    env = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def config(tmp_path, bus_jpg):
    path = tmp_path / "vreid.yaml"
    cameras = [{"id": "gate", "url": str(bus_jpg)}]
    path.write_text(yaml.safe_dump({"data_dir": str(tmp_path / "data"), "cameras": cameras}))
    return path


def test_a_photograph_reaches_the_store(config, tmp_path):
    server = EmbeddedServer(tmp_path / "data")
    process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server.wait_ready(30, lambda: process.poll() is None)
        done = run(config, "--once")
        assert done.returncode == 0, done.stderr
        store = open_store(RedisSettings(), tmp_path / "data", "default")
        sightings = [sighting for sighting, _ in store.scan_sightings()]
        assert [(s.camera_id, s.final) for s in sightings] == [("gate", True)]
        assert list((tmp_path / "data" / "crops").rglob(f"{sightings[0].crop_keys[0]}.jpg"))
        assert store.list_cameras()[0].state == "ended"
        assert store.lease_token("camera:gate") is None
        store.close()
    finally:
        process.kill()
        process.wait(30)


def test_a_missing_model_is_one_line_that_says_what_to_do(config, tmp_path):
    config.write_text(config.read_text() + "detector: {model: yolov8n}\n")  # the one that is not shipped
    done = run(config, "--once", VREID_CACHE=str(tmp_path / "empty"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("vreid: ")
    assert "vreid models fetch" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_says_in_one_line_what_is_wrong(config, tmp_path):
    command = [sys.executable, "-m", "services.cli.main", "ingest", "--config", str(tmp_path / "none.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "none.yaml" in done.stderr


def test_a_bad_configuration_is_one_line(config):
    config.write_text("cameras:\n  - id: gate\n    urll: x\n")
    done = run(config)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr

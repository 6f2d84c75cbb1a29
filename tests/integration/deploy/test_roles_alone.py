"""Ingest, two matchers and the console, each started by itself, meet through one external store and nothing else."""

import importlib.util
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from services.client import MatcherClient
from services.errors import MatcherUnavailable, Unsupported

from .conftest import PASSWORD, ROOT


@pytest.fixture
def bus_jpg() -> Path:
    """The photograph of a bus that ultralytics ships."""
    return Path(importlib.util.find_spec("ultralytics").origin).parent / "assets" / "bus.jpg"


def probe(*arguments: str) -> int:
    command = [sys.executable, "-m", "services.probe", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False).returncode


def serving(address: str) -> bool:
    with MatcherClient(address, timeout_s=5) as client:
        try:
            return client.serving()
        except MatcherUnavailable:
            return False


def test_roles_started_one_by_one_follow_a_vehicle(start_store, start_role, free_port, wait_until, tmp_path, bus_jpg):
    store = start_store(tmp_path / "valkey")
    secret = tmp_path / "redis-password"
    secret.write_text(f"{PASSWORD}\n")
    addresses = {role: f"127.0.0.1:{free_port()}" for role in ("matcher", "reader", "web")}
    picture = shutil.copy(bus_jpg, tmp_path / "bus.jpg")
    shared = {
        "site": "north",
        "redis": {"url": store.url, "password": f"file:{secret}"},
        "ingest": {"crops_url": str(tmp_path / "crops")},
        "cameras": [{"id": "gate", "url": str(picture)}],
    }

    def configured(role: str, **own) -> str:
        path = tmp_path / f"{role}.yaml"
        path.write_text(yaml.safe_dump(shared | {"data_dir": str(tmp_path / role)} | own))
        return str(path)

    matcher = start_role("matcher", "--config", configured("matcher", matcher={"listen": addresses["matcher"]}))
    ingest = start_role("ingest", "--config", configured("ingest"), VREID_INGEST_OWNER="ingest-0")
    read = configured("reader", matcher={"listen": addresses["reader"]})
    reader = start_role("matcher", "--config", read, "--read-only")
    console = {"listen": addresses["web"]}
    web = start_role("web", "--config", configured("web", web=console), "--address", addresses["reader"])

    wait_until(lambda: serving(addresses["reader"]) and serving(addresses["matcher"]))
    with MatcherClient(addresses["reader"], timeout_s=20) as client:
        wait_until(lambda: client.gallery_list()[1] == 1)
        entry = client.gallery_list()[0][0]
        sighting_id = client.identity_get(entry.identity_id).sightings[0].sighting_id
        assert client.picture(sighting_id)[0].startswith(b"\xff\xd8")
        with pytest.raises(Unsupported):
            client.gallery_delete(entry.identity_id)
    with MatcherClient(addresses["matcher"], timeout_s=20) as client:
        assert client.gallery_list()[0][0].identity_id == entry.identity_id

    assert probe("matcher", addresses["matcher"]) == 0
    assert probe("matcher", addresses["reader"]) == 0
    assert probe("ingest", str(tmp_path / "ingest")) == 0
    wait_until(lambda: probe("web", f"http://{addresses['web']}") == 0)

    for process in (web, ingest, reader, matcher):
        process.send_signal(signal.SIGTERM)
    assert [process.wait(60) for process in (ingest, reader, matcher)] == [0, 0, 0]
    assert web.wait(60) in (0, -signal.SIGTERM)
    assert probe("matcher", addresses["matcher"]) == 1
    assert probe("ingest", str(tmp_path / "ingest")) == 1
    assert probe("web", f"http://{addresses['web']}") == 1

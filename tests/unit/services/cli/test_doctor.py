"""`vreid doctor`: each verdict with its advice, and a document with an exit status."""

import json
import resource
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.cli.doctor import machine, software, store
from services.cli.doctor.check import Finding, checked
from services.cli.doctor.sizing import Load, explained, sizing
from services.cli.doctor.store import Server
from services.cli.main import app
from services.config import VreidConfig
from services.errors import ConfigError
from services.models.manifest import load_manifest

INFO = {
    "redis_version": "7.2.4",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "maxmemory": 0,
    "used_memory": 10**6,
}
OPTIONS = {"appendfsync": "always", "maxmemory-policy": "noeviction"}


@pytest.mark.parametrize(
    ("info", "options", "status", "advice"),
    [
        ({}, {}, "ok", ""),
        ({"valkey_version": "9.1.2"}, {}, "ok", ""),
        ({}, {"appendfsync": "everysec"}, "warn", "appendfsync always"),
        ({"aof_enabled": 0}, {}, "fail", "appendonly yes"),
        ({"redis_version": "6.2.14"}, {}, "fail", "Redis 7"),
        ({"aof_last_write_status": "err"}, {}, "fail", "disk"),
        ({"maxmemory": 10**9}, {"maxmemory-policy": "allkeys-lru"}, "fail", "noeviction"),
        ({}, {"maxmemory-policy": "allkeys-lru"}, "warn", "noeviction"),
        ({"maxmemory": 10**6}, {}, "warn", "100% of maxmemory"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_a_store_durable(info, options, status, advice):
    found = store.judged(Server(INFO | info, OPTIONS | options))
    assert found.status == status
    assert advice in found.advice
    assert bool(found.advice) == (status != "ok")


def test_a_server_that_hides_its_configuration_is_judged_by_what_it_says():
    found = store.judged(Server(INFO | {"maxmemory_policy": "noeviction"}, {}))
    assert found.status == "warn"
    assert "not told" in found.detail


@pytest.mark.parametrize(
    ("offset_s", "round_trip_s", "status"),
    [(0.01, 0.001, "ok"), (-0.3, 0.001, "ok"), (0.9, 1.2, "ok"), (-2.0, 0.1, "warn"), (40.0, 0.1, "fail")],
)
def test_clocks_are_judged_beyond_what_the_round_trip_hides(offset_s, round_trip_s, status):
    assert store.clock_verdict(offset_s, round_trip_s).status == status


def test_the_sizing_grows_with_cameras_vehicles_and_days():
    small = sizing(Load(1, 1000, 86_400.0))
    assert sizing(Load(2, 1000, 86_400.0)).sightings == 2 * small.sightings
    assert sizing(Load(1, 1000, 86_400.0 * 3)).store_memory == 3 * small.store_memory
    assert small.disk > small.store_memory
    assert "as seen so far" in explained(Load(1, 1000, measured=True)).detail
    assert explained(Load(0)).status == "warn"


@pytest.mark.parametrize(("free_gb", "needed_gb", "status"), [(500, 40, "ok"), (30, 40, "warn"), (0.2, 0.1, "fail")])
def test_disk_is_judged_by_what_will_be_kept(tmp_path, monkeypatch, free_gb, needed_gb, status):
    monkeypatch.setattr(machine, "_filesystem", lambda _: "ext4")
    assert machine.data_folder(tmp_path / "not" / "yet", needed_gb, free_gb).status == status


def test_a_folder_that_does_not_last_is_pointed_out(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_filesystem", lambda _: "tmpfs")
    found = machine.data_folder(tmp_path, 1, 500)
    assert (found.status, "tmpfs" in found.detail) == ("warn", True)


@pytest.mark.parametrize(
    ("limit", "status"), [(1024, "warn"), (65_536, "ok"), (resource.RLIM_INFINITY, "ok")], ids=["few", "many", "all"]
)
def test_file_handles(limit, status):
    assert machine.file_handles(48, 256, limit).status == status


@pytest.mark.parametrize(("needed_gb", "status"), [(2, "ok"), (20, "warn")])
def test_memory(needed_gb, status):
    assert machine.memory(needed_gb, 16.0).status == status


def test_a_port_is_ours_free_or_taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        taken = machine.port("web.listen", address, running=False)
        assert (taken.status, "web.listen" in taken.advice) == ("fail", True)
        assert machine.port("web.listen", address, running=True).status == "ok"
    assert machine.port("web.listen", address, running=False).status == "ok"


def test_certificates(tmp_path):
    path = tmp_path / "c.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=x -out {path} "
    command += f"-keyout {tmp_path / 'k.pem'}"
    subprocess.run(command.split(), check=True, capture_output=True)
    ends_s = machine.certificate_ends(path).timestamp()
    for left_days, status in ((20, "ok"), (3, "warn"), (-1, "fail")):
        assert machine.certificates({"web": path}, ends_s - left_days * 86_400).status == status
    assert machine.certificates({}).status == "ok"
    assert machine.certificates({"web": tmp_path / "none.pem"}).status == "fail"


class Models:
    """A cache in which some models are missing or not converted."""

    def __init__(self, folder, missing=(), unready=()):
        self._folder, self._missing, self._unready = folder, missing, unready
        (folder / "model.bin").touch()

    def states(self, input_hw):
        from services.models.store import ModelState

        for entry in load_manifest().models:
            here = entry.name not in self._missing
            ready = here and entry.name not in self._unready
            yield ModelState(entry, self._folder / "x" if here else None, self._folder if ready else None)


@pytest.mark.parametrize(
    ("broken", "status", "says"),
    [
        ({}, "ok", "hashes agree"),
        ({"missing": ("yolov8n",)}, "fail", "not what the manifest says: yolov8n"),
        ({"unready": ("vreid-mobilenetv2",)}, "fail", "not converted: vreid-mobilenetv2"),
    ],
    ids=["all", "missing", "unready"],
)
def test_only_the_configured_models_count(tmp_path, broken, status, says):
    found = software.models("yolov8n", "vreid-mobilenetv2", (320, 320), Models(tmp_path, **broken))
    assert found.status == status
    assert says in found.detail
    assert found.advice == ("" if status == "ok" else "run: vreid models fetch")


@pytest.mark.parametrize(
    ("wanted", "said", "status"),
    [
        ("faiss", {"gpus": 1, "build": "gpu", "right": True, "ms": 0.2}, "ok"),
        ("faiss", {"gpus": 0, "build": "cpu", "right": None, "ms": 0.0}, "warn"),
        ("faiss-gpu", {"gpus": 0, "build": "cpu", "right": None, "ms": 0.0}, "fail"),
        ("faiss-gpu", {"gpus": 0, "build": "gpu", "right": None, "ms": 0.0}, "fail"),
        ("faiss-gpu", {"gpus": 1, "build": "gpu", "right": False, "ms": 0.2}, "fail"),
        ("faiss-gpu", {"error": "no answer within 60 s"}, "fail"),
    ],
    ids=["works", "unused", "cpu build", "none", "wrong", "hangs"],
)
def test_a_gpu_is_judged_by_a_search(tmp_path, monkeypatch, wanted, said, status):
    monkeypatch.setattr(software, "search", lambda device: said)
    driver = tmp_path / "version"
    driver.touch()
    assert software.gpu(wanted, driver).status == status


def test_no_driver_and_none_wanted_is_well(tmp_path):
    assert software.gpu("faiss", tmp_path / "version").status == "ok"


def test_a_search_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(software, "_SEARCH", "import time; time.sleep(60)")
    assert software.search("gpu", timeout_s=0.3) == {"error": "no answer within 0 s"}


def test_a_check_that_breaks_hides_no_other_and_no_secret_shows():
    def broken() -> Finding:
        raise KeyError("x")

    def refused() -> Finding:
        raise ConfigError("redis://:hunter2@store refuses")

    assert checked("a", broken).status == "fail"
    assert "KeyError" in checked("a", broken).detail
    assert "hunter2" not in checked("b", refused).detail


def test_the_document_names_every_check_and_the_status_is_the_worst(tmp_path, monkeypatch):
    monkeypatch.setattr(software, "models", lambda *_: Finding("ok", "here"))
    monkeypatch.setenv("VREID_DATA_DIR", str(tmp_path))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("VREID_MATCHER__LISTEN", f"127.0.0.1:{other.getsockname()[1]}")
        result = CliRunner().invoke(app, ["doctor", "--data-dir", str(tmp_path), "--vehicles", "100", "--json"])
    checks = {each["name"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert checks["port matcher.listen"]["status"] == "fail"
    assert {"python", "libraries", "models", "faiss", "gpu", "identity store", "clocks", "retention"} <= set(checks)
    assert {"sizing", "memory", "data folder", "file handles", "certificates"} <= set(checks)
    assert checks["sizing"]["figures"]["sightings_per_camera_day"] == 100
    for each in checks.values():
        assert each["status"] in ("ok", "warn", "fail")
        assert bool(each["advice"]) == (each["status"] != "ok")
        assert "\n" not in each["detail"] + each["advice"]


def test_a_dead_external_store_is_one_line_without_its_password():
    config = VreidConfig.model_validate({"redis": {"url": "redis://:hunter2@127.0.0.1:1/0", "reconnect_attempts": 0}})
    from services.cli.doctor.command import _asked, _store_checks

    opened, server, complaint = _asked(config)
    found = list(_store_checks(config, opened, server, complaint))
    opened.close()
    assert [each.status for each in found] == ["fail", "ok", "ok"]
    assert found[0].detail
    assert "hunter2" not in found[0].detail


def test_imports_nothing_heavy_before_it_is_called():
    code = "import services.cli.main, sys; print([n for n in ('faiss', 'cv2', 'redis') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "faiss" not in done.stdout

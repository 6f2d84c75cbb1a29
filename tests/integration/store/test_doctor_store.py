"""What `vreid doctor` finds in a real server: durable or not, on time or not, and how much a camera sees."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from services.cli.doctor import software
from services.cli.doctor import store as checks
from services.cli.doctor.check import Finding
from services.cli.main import app
from services.config import VreidConfig
from services.errors import StoreUnavailable
from services.identity.retention.settings import RetentionSettings
from services.observability import catalogue
from services.observability.instruments import REGISTRY
from services.types import Commit

DAY_NS = 86_400 * 10**9


@pytest.fixture
def doctor(tmp_path, monkeypatch):
    """Runs the command over the data folder; what this machine has installed is not looked at."""
    for name in ("libraries", "models", "faiss_on_cpu", "gpu"):
        monkeypatch.setattr(software, name, lambda *_: Finding("ok", "not looked at"))
    config = tmp_path / "vreid.yaml"
    config.write_text(
        f"data_dir: {tmp_path}\nmatcher:\n  listen: 127.0.0.1:0\nweb:\n  enabled: false\n"
        "cameras:\n  - {id: north, url: 'rtsp://192.0.2.1/x'}\n  - {id: south, url: 'rtsp://192.0.2.2/x'}\n"
    )

    def run():
        result = CliRunner().invoke(app, ["doctor", "--config", str(config), "--json"])
        return result.exit_code, {each["name"]: each for each in json.loads(result.stdout)}

    return run


@pytest.fixture
def store(start_server):
    return start_server().store()


def test_the_embedded_server_is_durable_and_on_time(doctor, store):
    status, found = doctor()
    assert status == 0
    assert found["identity store"]["status"] == "ok"
    assert "appendfsync always" in found["identity store"]["detail"]
    assert found["clocks"]["status"] == "ok"
    assert abs(found["clocks"]["figures"]["offset_s"]) < 60
    assert found["retention"]["status"] == "ok"


@pytest.mark.parametrize(
    ("option", "value", "status"),
    [("appendonly", "no", "fail"), ("appendfsync", "everysec", "warn"), ("maxmemory-policy", "allkeys-lru", "warn")],
)
def test_a_server_that_keeps_less_is_told_apart(doctor, store, option, value, status):
    store.read(lambda client: client.config_set(option, value))
    code, found = doctor()
    assert found["identity store"]["status"] == status
    assert option in found["identity store"]["advice"]
    assert code == int(status == "fail")


def test_what_is_kept_too_long_fails(doctor, store, make_sighting):
    lease = store.acquire_lease("camera:north", "me", 600)
    store.put_sighting(make_sighting("old", end_ns=store.now_ns() - 31 * DAY_NS, final=True), lease)
    code, found = doctor()
    assert (code, found["retention"]["status"]) == (1, "fail")
    assert "vreid audit retention" in found["retention"]["advice"]


def test_an_enrolled_sighting_is_late_by_its_own_bound(store, make_sighting, decide):
    ended_ns = store.now_ns() - 90 * DAY_NS - 5 * 10**9
    store.put_sighting(
        make_sighting("old", end_ns=ended_ns, final=True), store.acquire_lease("camera:north", "me", 600)
    )
    store.commit(Commit(store.acquire_lease("associator", "me", 600), (decide("old", "a"),)))
    store.enrol("a", "ann")
    config = VreidConfig(retention=RetentionSettings(enrolled_retention_s=90 * 86_400))
    finding = checks.retention(config, store)
    assert finding.status == "ok"
    assert 5 <= finding.figures["overdue_s"] < 60


def test_the_sizing_goes_by_what_was_seen(doctor, store, make_sighting):
    lease = store.acquire_lease("camera:north", "me", 600)
    for number in range(41):
        ended_ns = store.now_ns() - 2 * DAY_NS + number * DAY_NS // 20
        store.put_sighting(make_sighting(f"s{number}", end_ns=ended_ns, final=True), lease)
    assert checks.seen_per_camera_day(store, 2) == pytest.approx(41 / 2 / 2, rel=0.01)
    assert checks.seen_per_camera_day(store, 0) is None
    _, found = doctor()
    assert "as seen so far" in found["sizing"]["detail"]
    assert found["sizing"]["figures"]["cameras"] == 2


def test_calls_of_the_server_are_timed_and_its_absence_counted(start_server):
    server = start_server()
    store = server.store(reconnect_attempts=0)
    timed, failed = f"{catalogue.STORE_SECONDS.name}_count", catalogue.STORE_ERRORS.name
    before = REGISTRY.get_sample_value(timed, {"call": "lease_acquire"}) or 0
    assert store.acquire_lease("role", "me", 60)
    assert REGISTRY.get_sample_value(timed, {"call": "lease_acquire"}) == before + 1
    waits = REGISTRY.get_sample_value(timed, {"call": "read_stream"}) or 0
    store.read_events("0-0", 1, 50)
    assert (REGISTRY.get_sample_value(timed, {"call": "read_stream"}) or 0) <= waits + 1
    server.kill()
    errors = REGISTRY.get_sample_value(failed, {"call": "command"}) or 0
    with pytest.raises(StoreUnavailable):
        store.ping()
    assert REGISTRY.get_sample_value(failed, {"call": "command"}) == errors + 1

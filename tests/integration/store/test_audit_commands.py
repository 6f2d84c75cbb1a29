"""`vreid audit` and `vreid gallery erase` on a real server: what is kept too long, who did what, erasure with proof."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.types import Commit


@pytest.fixture
def vreid(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LOGNAME", "ann")
    config = tmp_path / "vreid.yaml"
    config.write_text(f"data_dir: {tmp_path}\nretention:\n  sighting_retention_s: 3600\n")
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--config", str(config)])


@pytest.fixture
def site(start_server, make_sighting, decide):
    store = start_server().store()
    ingest = store.acquire_lease("ingest", "me", 600)
    associator = store.acquire_lease("associator", "me", 600)
    now_ns = store.now_ns()
    for name, ended_ns in (("old", now_ns - 7200 * 10**9), ("new", now_ns)):
        store.put_sighting(make_sighting(name, end_ns=ended_ns, final=True), ingest)
    store.commit(Commit(associator, (decide("old", "a"), decide("new", "b"))))
    yield store
    store.close()


def test_retention_lists_what_is_overdue_and_what_is_held(site, vreid):
    result = vreid("audit", "retention", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["overdue_total"], document["unacknowledged_total"]) == (1, 1, 0)
    assert document["overdue"][0]["sighting_id"] == "old"
    assert document["settings"]["sighting_retention_s"] == 3600

    site.begin_view("gallery", "0-0")
    site.delete_sighting("old", "alice")
    document = json.loads(vreid("audit", "retention", "--json").stdout)
    assert document["overdue_total"] == 0
    assert document["unacknowledged"][0]["waits_for"] == ["gallery"]
    shown = vreid("audit", "retention").stdout
    assert "1 sightings deleted and still held somewhere" in shown
    assert "sightings are kept 1 hours, of enrolled identities for ever" in shown

    site.acknowledge("gallery", ["old"])
    assert vreid("audit", "retention").exit_code == 0


def test_what_came_past_its_time_since_the_last_sweeps_is_well(site, vreid, make_sighting):
    site.delete_sighting("old", "alice")
    ended_ns = site.now_ns() - 3630 * 10**9
    site.put_sighting(make_sighting("due", end_ns=ended_ns, final=True), site.acquire_lease("ingest", "me", 600))
    result = vreid("audit", "retention", "--json")
    assert (result.exit_code, json.loads(result.stdout)["overdue_total"]) == (0, 0)


def test_the_log_says_who_did_what(site, vreid):
    site.delete_sighting("old", "alice")
    site.enrol("b", "bob")
    entries = json.loads(vreid("audit", "log", "--json").stdout)["entries"]
    assert [(e["actor"], e["action"], e["subject"]) for e in entries] == [
        ("alice", "delete_sighting", "old"),
        ("bob", "enrol", "b"),
    ]
    assert len(json.loads(vreid("audit", "log", "--actor", "bob", "--json").stdout)["entries"]) == 1
    assert json.loads(vreid("audit", "log", "--action", "merge", "--json").stdout)["entries"] == []
    assert "delete_sighting" in vreid("audit", "log", "--since", "10m").stdout
    assert vreid("audit", "log", "--since", "whenever").exit_code == 2


def test_erasure_on_the_command_line(site, vreid, make_sighting):
    rng = np.random.default_rng(1)
    vector = rng.normal(size=128).astype(np.float32)
    vector /= np.linalg.norm(vector)
    sighting = make_sighting("s9")
    ingest = site.acquire_lease("ingest", "me", 600)
    object.__setattr__(sighting, "embedding", vector)
    object.__setattr__(sighting, "exemplars", np.zeros((0, 128), np.float32))
    site.put_sighting(sighting, ingest)
    result = vreid("gallery", "erase", "s9", "--sighting", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["proven"], document["searched"]["traces"]) == (0, True, [])
    assert (document["erased"], document["searched"]["fragments"]) == ("s9", 4)
    assert [e.action for e in site.audit_log()] == ["erase_sighting", "erasure_done"]
    unknown = vreid("gallery", "erase", "nobody")
    assert (unknown.exit_code, unknown.stderr) == (1, "vreid: no identity nobody\n")


def test_without_a_server_one_line(tmp_path):
    config = tmp_path / "vreid.yaml"
    config.write_text(f"data_dir: {tmp_path}\nredis:\n  reconnect_attempts: 0\n")
    result = CliRunner().invoke(app, ["audit", "log", "--config", str(config)])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("vreid: no store runs in")

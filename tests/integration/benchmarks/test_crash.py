"""The crash bench: nothing acknowledged is lost; and the shim catches a server that acknowledges before it syncs."""

from __future__ import annotations

import json

import pytest
import redis
from typer.testing import CliRunner

from benchmarks.crash.unsynced import UnsupportedError, UnsyncedDisk
from services.cli.main import app
from services.identity.embedded import EmbeddedServer

KILLS = 3


@pytest.fixture
def fill(tmp_path):
    """Starts a server behind the shim, has it acknowledge writes, cuts its power; keys left, syncs, bytes lost."""

    def run(policy: str) -> tuple[int, int, int]:
        server = EmbeddedServer(tmp_path)
        command = server.command()
        command[command.index("--appendfsync") + 1] = policy
        disk = UnsyncedDisk(tmp_path)
        try:
            for round_ in range(2):
                process = disk.start(command)
                server.wait_ready(60, lambda p=process: p.poll() is None)
                with redis.Redis(unix_socket_path=str(server.socket_path)) as client:
                    if round_ == 1:
                        return client.dbsize(), disk.syncs, disk.lost_bytes
                    for n in range(50):
                        client.set(f"key-{n}", "x" * 100)
                disk.cut_power()
        except UnsupportedError as exc:
            pytest.skip(f"no seccomp notification here: {exc}")
        finally:
            disk.cut_power()
        raise AssertionError("not reached")

    return run


def test_a_server_that_syncs_before_it_answers_loses_nothing(fill) -> None:
    keys, syncs, lost = fill("always")
    assert (keys, lost) == (50, 0)
    assert syncs >= 50


def test_a_server_that_answers_before_it_syncs_is_caught(fill) -> None:
    keys, _, lost = fill("no")
    assert keys < 50
    assert lost > 50 * 100


@pytest.mark.e2e
@pytest.mark.parametrize("fault", ["matcher", "server", "power"])
def test_nothing_acknowledged_is_lost(fault) -> None:
    result = CliRunner().invoke(app, ["bench", "crash", "--times", str(KILLS), "--fault", fault, "--json"])
    document = json.loads(result.stdout)["faults"][fault]
    if "unsupported" in document:
        pytest.skip(document["unsupported"])
    assert result.exit_code == 0, result.output
    assert (document["lost"], document["disagreements"], document["ids_reused"]) == ([], [], 0)
    assert document["kills"] == KILLS
    assert document["puts_acknowledged"] == KILLS * 6
    assert document["corrections_acknowledged"] > 0


def test_an_unknown_fault_is_one_line() -> None:
    result = CliRunner().invoke(app, ["bench", "crash", "--fault", "meteor"])
    assert result.exit_code == 2
    assert "meteor" in result.stderr

"""``vreid simulate serve``: what cannot be played is one line on stderr, exit 1, and nothing listens."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from simulator.errors import CityError
from simulator.rtsp.play import PlayRequest, server_for

ROOT = Path(__file__).parents[3]


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("faults: [{camera: nroth, kind: drop}]")
    return path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--city", "atlantis"], "no city 'atlantis'; known cities: demo"),
        (["--only", "north,nroth"], "no camera 'nroth'; the city has north, market, bridge, harbour"),
        (["--clock", "nroth=5"], "no camera 'nroth'; the city has north, market, bridge, harbour"),
        (["--only", "north", "--clock", "market=5"], "no camera 'market'; the city has north"),
        (["--clock", "north=soon"], "clock 'north=soon' is not understood"),
        (["--faults", "none.yaml"], "none.yaml: No such file or directory"),
        (["--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines: give a user and a password"),
        (["--host", "192.0.2.1", "--user", "me", "--password-env", "VREID_TEST_SECRET"], "192.0.2.1: "),
        (["--user", "me"], "--user and --password-env belong together"),
        (["--user", "me", "--password-env", "VREID_TEST_NONE"], "VREID_TEST_NONE holds no password"),
    ],
)
def test_bad_input_is_one_line(monkeypatch, arguments, says):
    monkeypatch.setenv("VREID_TEST_SECRET", "s3cret")
    result = CliRunner().invoke(app, ["simulate", "serve", *arguments])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"vreid: {says}") or f" {says}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize("command", [["simulate", "serve"], ["demo"]])
def test_a_script_that_does_not_fit_is_one_line(script, tmp_path, command):
    result = CliRunner().invoke(app, [*command, "--faults", str(script)], env={"HOME": str(tmp_path)})
    assert result.exit_code == 1
    expected = (
        f"vreid: {script}: faults entry 1: camera: no camera 'nroth'; the city has north, market, bridge, harbour\n"
    )
    assert result.stderr == expected


def test_a_taken_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        result = CliRunner().invoke(app, ["simulate", "serve", "--only", "north", "--port", port])
    assert (result.exit_code, result.stderr) == (1, f"vreid: port {port} is in use\n")


def test_copies_are_cameras_of_their_own():
    server = server_for(PlayRequest("demo", only=("north", "m*"), copies=3))
    assert list(server.urls()) == ["north", "north-2", "north-3", "market", "market-2", "market-3"]


def test_beyond_this_machine_only_with_a_password():
    for host in ("0.0.0.0", "::", "10.1.2.3", "example.org"):
        with pytest.raises(CityError, match="can be reached from other machines"):
            server_for(PlayRequest("demo", host=host))
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        server_for(PlayRequest("demo", host=host, only=("north",)))


def test_it_plays_logs_its_faults_and_ends_with_ctrl_c(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("faults: [{camera: north, kind: stall, at_s: 0.1, for_s: 0.2}]")
    command = [sys.executable, "-m", "services.cli.main", "simulate", "serve", "--only", "north", "--json"]
    with subprocess.Popen(
        [*command, "--faults", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            ready = json.loads(process.stdout.readline())
            assert ready["urls"] == {"north": f"rtsp://127.0.0.1:{ready['port']}/north"}
            begins, ends = (json.loads(process.stderr.readline()) for _ in range(2))
            assert begins == {"at_s": 0.1, "event": "begins", "kind": "stall", "cameras": ["north"], "for_s": 0.2}
            assert (ends["event"], ends["at_s"]) == ("ends", 0.3)
            socket.create_connection(("127.0.0.1", ready["port"]), timeout=5).close()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()

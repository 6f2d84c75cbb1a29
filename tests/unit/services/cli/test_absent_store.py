"""Commands that read the store itself, where none runs in the data folder."""

from __future__ import annotations

import socket

import pytest
import yaml
from typer.testing import CliRunner

from services.cli.main import app
from services.identity.embedded import EmbeddedServer


@pytest.fixture
def data_dir(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data_dir": str(tmp_path)}))
    return tmp_path


@pytest.fixture(params=["never started", "killed"])
def nobody(request, data_dir):
    if request.param == "killed":
        path = EmbeddedServer(data_dir).socket_path
        path.parent.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
    return data_dir


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "log"),
        ("audit", "retention", "--json"),
        ("gallery", "erase", "x", "--wait", "0"),
        ("camera", "remove", "gate"),
        ("camera", "add", "gate", "rtsp://h/gate"),
    ],
)
def test_no_store_is_said_and_the_configuration_asked_for(nobody, command):
    result = CliRunner().invoke(app, [*command, "--config", str(nobody / "config.yaml")])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(
        f"vreid: no store runs in {nobody}: start its site, or name the running site's --config"
    )
    assert result.stderr.count("\n") == 1


def test_a_server_elsewhere_is_named_as_it_fails(data_dir):
    config = data_dir / "config.yaml"
    config.write_text(yaml.safe_dump({"data_dir": str(data_dir), "redis": {"url": "redis://127.0.0.1:1"}}))

    result = CliRunner().invoke(app, ["audit", "log", "--config", str(config)])

    assert "vreid: Redis: " in result.stderr

"""What `vreid up` refuses before it starts anything: one line, exit 1, nothing written."""

import pytest
from typer.testing import CliRunner

from services.cli.main import app

runner = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no camera"),
        (["--camera", "street"], "expected NAME=URL"),
        (["--camera", "street=none.mp4"], "no such file"),
        (["--camera", "the street=rtsp://192.0.2.1/x"], "pattern"),
        (["--camera", "street=gopher://192.0.2.1/x"], "scheme"),
        (["--camera", "a=rtsp://192.0.2.1/x", "--camera", "a=rtsp://192.0.2.2/x"], "same name"),
        (["--config", "none.yaml"], "No such file"),
    ],
)
def test_refuses_in_one_line(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["up", *arguments])
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_json_needs_an_end():
    result = runner.invoke(app, ["demo", "--json"])
    assert result.exit_code == 1
    assert "--once" in result.stderr


def test_every_command_has_help_and_says_what_it_does():
    import typer

    def walk(command, path):
        assert command.help, path
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{path} {name}")

    walk(typer.main.get_command(app), "vreid")

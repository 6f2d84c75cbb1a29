"""What `vreid query` says of a bad picture, whether or not a matcher runs."""

from __future__ import annotations

import io
import socket
from datetime import UTC, datetime

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from services.cli.query import query
from services.cli.remote import iso_time, time_span

app = typer.Typer()
app.command()(query)


@pytest.fixture
def nobody(monkeypatch) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("VREID_ADDRESS", address)
    return address


@pytest.fixture
def car(tmp_path) -> str:
    path = tmp_path / "car.png"
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return str(path)


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("vreid: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_missing_file(tmp_path) -> None:
    assert "absent.jpg: no such file" in refused(str(tmp_path / "absent.jpg"))


def test_a_folder(tmp_path) -> None:
    assert "is a directory" in refused(str(tmp_path))


def test_empty_file(tmp_path) -> None:
    (tmp_path / "empty.jpg").touch()
    assert "empty.jpg: empty" in refused(str(tmp_path / "empty.jpg"), "--json")


def test_not_an_image(tmp_path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    assert "text.jpg: not a picture" in refused(str(tmp_path / "text.jpg"))


def test_no_matcher_running(car, nobody: str) -> None:
    assert f"no matcher at {nobody}" in refused(car)


def test_k_below_one(tmp_path) -> None:
    assert CliRunner().invoke(app, [str(tmp_path), "--k", "0"]).exit_code == 2


@pytest.mark.parametrize("option", ["--from", "--to"])
@pytest.mark.parametrize("moment", ["02:30", "30m", "1.5h ago", "2025-06-01T14:30", "2025-06-01T14:30Z"])
def test_moments_are_those_of_every_command(car, nobody: str, option: str, moment: str) -> None:
    assert f"no matcher at {nobody}" in refused(car, option, moment)


@pytest.mark.parametrize("moment", ["yesterday", "25:00", "0001-01-01", "9" * 30 + "d"])
def test_what_is_no_moment_is_refused_by_the_option(car, moment: str) -> None:
    result = CliRunner().invoke(app, [car, "--to", moment])
    assert result.exit_code == 2
    assert "--to" in result.stderr


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1_999_999_999, "1970-01-01T00:00:01.999Z"), (-1, "1969-12-31T23:59:59.999Z")],
)
def test_times_for_scripts(ns: int, text: str) -> None:
    assert iso_time(ns) == text


def test_times_for_people() -> None:
    then = 1_700_000_000 * 10**9
    day = datetime.fromtimestamp(then / 1e9, UTC)
    assert len(time_span(then, then)) == 19 + 3 + 19
    assert len(time_span(then, then, now=day)) == 8 + 3 + 8

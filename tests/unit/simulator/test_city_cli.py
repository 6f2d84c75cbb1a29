"""``vreid simulate``: bad input is one line on stderr and a non-zero exit, and writes nothing."""

import json

import pytest
from typer.testing import CliRunner

from services.cli.simulate import app
from simulator.place import Place
from simulator.recording import read_recording
from simulator.splits import TRAIN


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["render", "--seed", "900200", "--place", "atlantis"], "no place 'atlantis'; known places: boulevard"),
        (["render", "--seed", "900200", "--place", "oldtown"], "belongs to the training split"),
        (["render", "--seed", "900200", "--place", "hillside"], "belongs to the test split"),
        (["render", "--seed", "200001", "--place", "corridor"], "belongs to the test split"),
        (["traffic", "--place", "atlantis", "--vehicles", "5"], "no place 'atlantis'; known places: boulevard"),
        (["traffic", "--place", "corridor"], "give either --vehicles or --per-minute"),
        (
            ["traffic", "--place", "corridor", "--hours", "0.005", "--per-minute", "1"],
            "--per-minute 1 makes 0 vehicles",
        ),
        (["traffic", "--place", "corridor", "--per-minute", "2e5"], "--per-minute 200000 makes 12000000 vehicles"),
        (["traffic", "--place", "corridor", "--vehicles", "5", "--clock", "x=+5"], "no camera 'x'; the city has first"),
        (["traffic", "--place", "corridor", "--vehicles", "5", "--clock", "first=x"], "is no number; write CAMERA=+5"),
        (["dataset", "--train", "700", "--test", "77"], "numbers 1 to 776 vehicles, the plan asks for 777"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, says):
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])

    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("vreid: ")
    assert not (tmp_path / "out").exists()


def test_traffic_is_not_played_where_it_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.recording.record_traffic", None)
    (tmp_path / "file").write_text("mine")
    for out, says in (("file", "is no folder"), (".", "holds other files")):
        asked = ["traffic", "--place", "corridor", "--vehicles", "5", "--out", str(tmp_path / out)]
        result = CliRunner().invoke(app, asked)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert says in result.stderr


@pytest.mark.parametrize("command", ["render", "dataset", "inspect", "traffic"])
def test_every_option_has_help(command):
    result = CliRunner().invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert "--out" in result.output


def test_traffic_is_recorded_and_counted(tmp_path):
    out = tmp_path / "hour"
    options = ["--place", "corridor", "--hours", "0.05", "--per-minute", "20", "--clock", "first=+5", "--boxes"]

    result = CliRunner().invoke(app, ["traffic", *options, "--fps", "4", "--out", str(out), "--json"])

    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    read = read_recording(out)
    assert said["vehicles"] == len(read.vehicles) == 60
    assert said["tracklets"] == len(read.tracklets) > 20
    assert read.cameras[0].clock.offset_s == 5.0
    assert (out / "ground_truth.txt").stat().st_size > 0


def test_training_sets_fit_readers_of_veri():
    assert sum(len(Place.load(name).spec.cameras) for name in TRAIN.places) <= 20

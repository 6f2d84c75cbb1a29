"""``vreid simulate dataset`` and ``inspect``: bad input is one line on stderr, and nothing is written."""

import json

import cv2
import pytest
from typer.testing import CliRunner

from services.cli.simulate import app
from simulator.dataset.folder import SetFolder
from simulator.dataset.plan import ReidPlan


def _fails(arguments, says):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])

    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("vreid: ")


def test_another_plans_folder_is_left_alone(tmp_path):
    SetFolder(tmp_path / "set", ReidPlan(3, 3))

    _fails(["dataset", "--out", tmp_path / "set", "--boxes", "mask"], "holds another data set")

    assert not list((tmp_path / "set" / "image_train").iterdir())


def test_a_missing_detector_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))

    _fails(["dataset", "--out", tmp_path / "set"], "vreid models fetch; or cut along the truth's boxes: --boxes mask")

    assert not (tmp_path / "set").exists()


def test_what_the_set_shall_hold_reaches_its_plan(tmp_path, monkeypatch):
    plans = []

    def begin(plan, *_args, **_options):
        plans.append(plan)
        raise OSError("enough")

    monkeypatch.setattr("simulator.dataset.render_dataset", begin)
    options = ["--boxes", "mask", "--train", "9", "--test", "0", "--seed", "4"]

    _fails(["dataset", "--out", tmp_path / "set", *options], "enough")
    _fails(["dataset", "--out", tmp_path / "set", *options, "--shapes", "varied", "--twins", "0.4"], "enough")
    _fails(["dataset", "--out", tmp_path / "set", *options, "--alike", "0"], "enough")

    assert plans == [
        ReidPlan(9, 0, seed=4, boxes="mask"),
        ReidPlan(9, 0, seed=4, boxes="mask", shapes=True, twins_share=0.4),
        ReidPlan(9, 0, seed=4, boxes="mask", alike_share=0.0),
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{set}", "--light", "moon"], "no light 'moon'; known lights: noon"),
        (["{set}", "--out", "{tmp}/a.mp4"], "this is written as .png"),
        (["{set}", "--out", "{tmp}/none/a.png"], "there is no folder"),
        ([], "name a data set or a city, or ask for --models"),
        (["demo", "--models"], "name a data set or a city, or ask for --models"),
        (["{tmp}"], "is neither a data set (dataset.json) nor a rendered city (city.json)"),
        (["atlantis"], "no city 'atlantis'; known cities: demo"),
        (["demo", "--camera", "moat", "--out", "{tmp}/a.mp4"], "no camera 'moat'; the city has north"),
    ],
)
def test_what_cannot_be_shown_is_one_line(painted, tmp_path, arguments, says):
    folder, _, _ = painted

    _fails(["inspect", *(argument.format(set=folder, tmp=tmp_path) for argument in arguments)], says)

    assert not list(tmp_path.glob("a.*"))


def test_a_sheet_is_written_and_named(painted, tmp_path):
    folder, _, _ = painted
    out = tmp_path / "sheet.png"

    result = CliRunner().invoke(app, ["inspect", str(folder), "--out", str(out), "--part", "test", "--json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"sheet": str(out)}
    assert cv2.imread(str(out)).shape[1] > 300

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from detector.quantise import CALIBRATION_CLIP
from detector.types import Detections
from services.cli.models import app
from services.errors import ModelFileError
from services.models import own_int8
from services.models.own_int8 import make_own_int8
from services.models.store import ModelStore

runner = CliRunner()


def test_list_tells_what_is_there(tmp_path):
    done = runner.invoke(app, ["list", "--cache", str(tmp_path), "--json"])
    assert done.exit_code == 0
    models = {row["name"]: row for row in json.loads(done.stdout)["models"]}
    assert models["yolov8n"]["licence"] == "AGPL-3.0"
    assert models["yolov8n"]["path"] is None
    assert len(models["yolov8n"]["sha256"]) == 64


def test_list_speaks_to_people_too(tmp_path):
    done = runner.invoke(app, ["list", "--cache", str(tmp_path)])
    assert done.exit_code == 0
    assert "yolov8n" in done.stdout


def test_an_unknown_model_is_one_line_and_a_failure(tmp_path):
    done = runner.invoke(app, ["fetch", "yolov9000", "--cache", str(tmp_path), "--json"])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no model named 'yolov9000'" in done.stderr


def test_an_untrusted_pickle_is_refused(tmp_path):
    own = tmp_path / "own.pt"
    own.write_bytes(b"x")
    done = runner.invoke(app, ["fetch", str(own), "--cache", str(tmp_path)])
    assert done.exit_code == 1
    assert "--trust" in done.stderr


def test_what_is_ready_is_not_fetched_again():
    done = runner.invoke(app, ["fetch", "yolov8n", "--json"])
    assert done.exit_code == 0
    row = json.loads(done.stdout)["models"][0]
    assert row["name"] == "yolov8n"
    assert row["downloaded"] is False


def test_what_training_starts_from_is_fetched_by_name_only_and_never_converted(tmp_path, monkeypatch):
    monkeypatch.setattr("services.models.store.ModelStore.prepare", lambda self, name, *_, **__: tmp_path / name)
    monkeypatch.setattr("services.models.store.ModelStore.prepare_int8", lambda self, name, *_, **__: tmp_path / name)
    monkeypatch.setattr("services.models.store.ModelStore.fetch", lambda self, name: tmp_path / name)
    every = json.loads(runner.invoke(app, ["fetch", "--json"]).stdout)["models"]
    assert "efficientnet-lite0-imagenet" not in {row["name"] for row in every}
    done = runner.invoke(app, ["fetch", "efficientnet-lite0-imagenet", "--json"])
    (row,) = json.loads(done.stdout)["models"]
    assert row["prepared"] is None
    assert row["path"].endswith("efficientnet-lite0-imagenet")


def test_a_detector_comes_in_int8_too_and_serves_without_it(tmp_path, monkeypatch):
    monkeypatch.setattr("services.models.store.ModelStore.prepare", lambda self, name, *_, **__: tmp_path / name)
    asked = []

    def refuse(self, name, *_, **__):
        asked.append(name)
        raise ModelFileError("needs nncf, which comes with the 'train' extra")

    monkeypatch.setattr("services.models.store.ModelStore.prepare_int8", refuse)
    done = runner.invoke(app, ["fetch", "yolov8n", "--json"])
    (row,) = json.loads(done.stdout)["models"]
    assert (row["int8"], asked) == (None, ["yolov8n", "yolov8n"])
    assert "FP32 will serve" in done.stderr
    runner.invoke(app, ["fetch", "yolov8n", "--json", "--no-int8"])
    assert asked == ["yolov8n", "yolov8n"]


def test_with_the_usual_input_come_the_larger_ones_that_a_camera_may_get(tmp_path, monkeypatch):
    made = []

    def prepare(self, name, input_hw, *, trust=False):
        made.append((name, input_hw))
        return tmp_path / f"{name}-{input_hw}"

    monkeypatch.setattr("services.models.store.ModelStore.prepare", prepare)
    monkeypatch.setattr("services.models.store.ModelStore.prepare_int8", prepare)
    done = runner.invoke(app, ["fetch", "yolov8n", "--json"])
    (row,) = json.loads(done.stdout)["models"]
    assert made == [("yolov8n", size) for size in ((288, 512), (288, 512), (384, 640), (384, 640))]
    assert row["larger"] == [str(tmp_path / "yolov8n-(384, 640)")]
    made.clear()
    runner.invoke(app, ["fetch", "yolov8n", "--width", "320", "--height", "192"])
    assert {size for _, size in made} == {(192, 320)}, "one that is asked for by name comes alone"


class Sees:
    """Stands in for a form of a detector: sees a vehicle in that share of the pictures."""

    def __init__(self, share):
        self.share = share

    def detect(self, images):
        count = round(self.share * len(images))
        boxes = np.array([[10, 10, 60, 50]], np.float32)
        car = Detections(boxes, np.array([0.9], np.float32), np.array([2]))
        return [car if index < count else Detections.empty() for index in range(len(images))]


@pytest.fixture
def forms(tmp_path, monkeypatch):
    """A cache of two sizes of a detector, in which quantising and detecting are stood in for; the share it sees."""
    own = {"share": 0.9}

    def prepared(self, name, input_hw=None, *, trust=False):
        folder = tmp_path / "prepared" / f"{name}-{input_hw[0]}x{input_hw[1]}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.xml").write_text("exact")
        (folder / "prepared.json").write_text("{}")
        return folder

    def converter(_kind, _source, out, _hw):
        (out / "model.xml").write_text("shipped")

    def quantise(_xml, out, pictures):
        (out / "model.xml").write_text("own")
        own.setdefault("shapes", []).append((len(pictures), pictures[0].shape))

    def opened(folder, _settings):
        return Sees({"exact": 1.0, "shipped": 0.5, "own": own["share"]}[(folder / "model.xml").read_text()])

    monkeypatch.setattr("services.models.store.ModelStore.prepare", prepared)
    monkeypatch.setattr("services.models.store.ModelStore.ready", prepared)
    monkeypatch.setattr("services.cli.models.ModelStore", lambda cache, **_: ModelStore(cache, converter=converter))
    stood_in = functools.partial(make_own_int8, quantiser=quantise, opener=opened)
    monkeypatch.setattr("services.models.own_int8.make_own_int8", stood_in)
    return own


def test_quantise_makes_every_usual_size_by_own_footage_and_removes_it(tmp_path, forms):
    command = ["quantise", "--cache", str(tmp_path), "--json"]
    done = runner.invoke(app, [*command, str(CALIBRATION_CLIP)])
    assert done.exit_code == 0, done.stderr
    sizes = json.loads(done.stdout)["sizes"]
    assert forms["shapes"] == [(50, (288, 512, 3)), (50, (384, 640, 3))]
    assert list(sizes) == ["512x288", "640x384"]
    for row in sizes.values():
        assert (row["former"], row["vehicles"], row["installed"]) == ("shipped", 50, True)
        assert row["agreement"]["before"] < row["agreement"]["after"]
        assert Path(row["path"]).is_dir()
    forms["share"] = 0.4
    told = runner.invoke(
        app, ["quantise", "--cache", str(tmp_path), "--width", "320", "--height", "192", str(CALIBRATION_CLIP)]
    )
    assert "yolov8n 320x192: worse, the shipped form stays; agreement with FP32" in told.stdout
    gone = json.loads(runner.invoke(app, [*command, "--remove"]).stdout)["sizes"]
    assert [row["removed"] for row in gone.values()] == [True, True]
    assert not any(Path(row["path"]).exists() for row in sizes.values())
    assert all((Path(row["path"]) / "model.xml").read_text() == "shipped" for row in gone.values())
    again = runner.invoke(app, ["quantise", "--cache", str(tmp_path), "--remove"])
    assert again.stdout.count("there was no form of own footage") == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name footage"),
        ([str(CALIBRATION_CLIP), "--remove"], "name footage"),
        ([str(CALIBRATION_CLIP), "--name", "yolov9000"], "no model named 'yolov9000'"),
        ([str(CALIBRATION_CLIP), "--name", "vreid-mobilenetv2"], "is no detector"),
        ([str(CALIBRATION_CLIP), "--width", "500"], "multiples of 32"),
        ([str(CALIBRATION_CLIP), "--name", "yolov8n"], "not on this machine"),
        (["none.mp4"], "no such file: none.mp4"),
    ],
)
def test_what_cannot_be_quantised_is_one_line_and_changes_nothing(tmp_path, words, told):
    done = runner.invoke(app, ["quantise", *words, "--cache", str(tmp_path / "cache"), "--json"])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert told in done.stderr
    assert not (tmp_path / "cache").exists()


def test_bad_footage_is_one_line_and_changes_nothing(tmp_path, forms):
    for path, told in ((tmp_path / "none.mp4", "no such file"), (tmp_path, "no picture in the folder")):
        done = runner.invoke(app, ["quantise", str(path), "--cache", str(tmp_path)])
        assert done.exit_code == 1
        assert told in done.stderr.splitlines()[-1]
        # A folder's pictures are looked for when they are read; that a path is wrong is told before minutes of work.
        assert bool(list(tmp_path.glob("prepared/*-int8-*"))) is (path == tmp_path)
    assert "shapes" not in forms


def test_a_failure_says_which_size_and_what_was_installed_before(tmp_path, forms, monkeypatch):
    made = own_int8.make_own_int8

    def fail_at_the_second(store, settings, pictures):
        if settings.input_width_px == 640:
            raise ModelFileError("quantising failed: TimeoutExpired")
        return made(store, settings, pictures)

    monkeypatch.setattr("services.models.own_int8.make_own_int8", fail_at_the_second)
    done = runner.invoke(app, ["quantise", "--cache", str(tmp_path), str(CALIBRATION_CLIP)])
    assert done.exit_code == 1
    assert "640x384: quantising failed: TimeoutExpired (512x288 was installed before)" in done.stderr

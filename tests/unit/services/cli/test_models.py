import json

from typer.testing import CliRunner

from services.cli.models import app
from services.errors import ModelFileError

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

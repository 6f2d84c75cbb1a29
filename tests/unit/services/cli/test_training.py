import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import openvino
import pytest
from openvino import opset13 as ops
from typer.testing import CliRunner

from reid.calibrate import calibrate_network
from reid.export import Quantisation, export_openvino
from reid.export.int8 import AIMED_COSINES
from reid.export.parity import Parity
from reid.metadata import SPEC_FILE, CalibrationData, ExportSpec, read_document, write_document
from reid.runtime import MODEL_FILE
from reid.types import Calibration
from services.cli.main import app
from services.cli.training.data import domain_changes, parse_data, parse_settings
from services.cli.training.start import find_start
from services.errors import InputError, ModelFileError

runner = CliRunner()

SMALL = {
    "domains.mine.select": 4,
    "domains.mine.calibrate": 4,
    "architecture.dim": 16,
    "architecture.pooling": "gap",
    "preprocessing.input_hw": "[32, 32]",
    "vehicles": 6,
    "pictures": 2,
    "batches": 8,
    "epochs": 3,
    "learning_rate": 3.0e-3,
    "averaging": 0.5,
    "frozen": "[]",
    "tensorboard": "false",
}
SETTINGS = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """16 vehicles × 2 cameras × 2 pictures, each vehicle in colours of its own."""
    root = tmp_path_factory.mktemp("mine")
    for vehicle in range(16):
        own = np.random.default_rng((1, vehicle)).integers(30, 226, (4, 6, 3)).astype(np.uint8)
        for camera in (1, 2):
            for n in range(2):
                rng = np.random.default_rng((vehicle, camera, n))
                picture = cv2.resize(own, (48, 32), interpolation=cv2.INTER_NEAREST) * rng.uniform(0.8, 1.1)
                name = f"{vehicle:04d}_c{camera:03d}_{n:08d}_{n}.jpg"
                cv2.imwrite(str(root / name), np.clip(picture, 0, 255).astype(np.uint8))
    return root


@pytest.fixture(scope="module")
def pixels(tmp_path_factory) -> Path:
    """A network of one layer, made without torch: pixels around their middle, at length 1."""
    folder = tmp_path_factory.mktemp("network") / "pixels"
    folder.mkdir()
    read = ops.parameter([-1, 4, 6, 3], np.uint8)
    flat = ops.reshape(ops.convert(read, "f32"), np.array([0, -1]), special_zero=True)
    unit = ops.normalize_l2(ops.subtract(flat, np.float32(128)), np.array([1]), 1e-12, "add")
    openvino.save_model(openvino.Model([unit], [read]), folder / MODEL_FILE)
    spec = ExportSpec(model_id="f" * 64, dim=72, input_hw=(4, 6), calibration=CalibrationData(slope=12.0, offset=-6.0))
    write_document(folder / SPEC_FILE, spec)
    return folder


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("run") / "out"
    call = [
        "train",
        "--data",
        f"mine={pictures}:pattern:veri",
        "--start",
        "none",
        *SETTINGS,
        "--threads",
        "1",
        "--out",
        str(out),
    ]
    done = runner.invoke(app, [*call, "--json"])
    assert done.exit_code == 0, done.stderr
    assert runner.invoke(app, [*call, "--resume"]).exit_code == 0
    again = runner.invoke(app, call)
    assert again.exit_code == 1
    assert "holds a run already" in again.stderr
    return Path(json.loads(done.stdout)["weights"]), json.loads(done.stdout)


def test_train_writes_a_checkpoint_and_says_how_good_it_is(trained):
    weights, document = trained
    assert weights.is_file()
    assert len(document["model_id"]) == 64
    assert document["figures"]["select"]["mine"]["protocol"] == "cross-camera"
    command = json.loads(weights.with_suffix(".json").read_text())["training_command"]
    assert command.startswith("vreid train --recipe default --data mine=DIR:pattern:veri --set domains.mine.select=4")
    assert command.endswith("--start none --out DIR")


def test_calibrate_leaves_out_what_was_trained_on_and_keeps_the_models_name(trained, pictures, monkeypatch):
    weights, document = trained
    given = []

    def calibrate(net, preprocessing, held_out, beside):
        given.extend(sorted({"/".join(s.identity) for s in part["mine"]}) for part in (held_out, beside))
        fitted, judged = calibrate_network(net, preprocessing, held_out, beside)
        return replace(fitted, independence=0.35), judged

    monkeypatch.setattr("reid.calibrate.calibrate_network", calibrate)
    done = runner.invoke(
        app, ["calibrate", "--weights", str(weights), "--data", f"mine={pictures}:pattern:veri", "--json"]
    )
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    known = json.loads((weights.parent / "vehicles.json").read_text())
    assert given == [known["calibrate"], known["select"]], "those it was selected on tell of several views alone"
    assert found["vehicles_left_out"] == 12
    assert found["calibration"]["independence"] == 0.35
    assert found["domains"]["mine"]["pairs_same"] == 4
    assert found["before"] == document["calibration"]
    written = json.loads(weights.with_suffix(".json").read_text())
    assert written["calibration"] == found["calibration"]
    assert written["training_command"].startswith("vreid train")
    text = runner.invoke(app, ["calibrate", "--weights", str(weights), "--data", f"mine={pictures}:pattern:veri"])
    assert "slope" in text.stdout
    assert "of each further sighting 35% tells something new" in text.stdout
    assert "12 vehicles left out" in text.stdout
    assert "not left out" not in text.stderr


def test_calibrate_leaves_nothing_that_an_earlier_calibration_told(trained, pictures, tmp_path):
    for path in (trained[0], trained[0].with_suffix(".json"), trained[0].with_name("vehicles.json")):
        shutil.copy(path, tmp_path)
    weights = tmp_path / trained[0].name
    described = json.loads(weights.with_suffix(".json").read_text())
    described["figures"] |= {"not_calibrated": "too few", "calibration_log_loss": {"other": 0.1}}
    weights.with_suffix(".json").write_text(json.dumps(described))
    call = ["calibrate", "--weights", str(weights), "--data", f"mine={pictures}:pattern:veri", "--json"]
    done = runner.invoke(app, call)
    assert done.exit_code == 0, done.stderr
    figures = json.loads(weights.with_suffix(".json").read_text())["figures"]
    assert "not_calibrated" not in figures
    assert figures["select"] == described["figures"]["select"]
    assert figures["calibration"] == (judged := json.loads(done.stdout)["domains"])
    assert figures["calibration_log_loss"] == {"mine": judged["mine"]["log_loss"]}


def test_calibrate_tells_where_it_cannot_know_what_the_model_learned_from(trained, pictures, tmp_path, monkeypatch):
    weights = Path(shutil.copy(trained[0], tmp_path))
    shutil.copy(trained[0].with_suffix(".json"), tmp_path)
    fitted = (Calibration(12.0, -6.0, 5.0), {"mine": {"views": {"compared": 4995, "of": 60000}}})
    monkeypatch.setattr("reid.calibrate.calibrate_network", lambda *_: fitted)

    def said(data):
        done = runner.invoke(app, ["calibrate", "--weights", str(weights), "--data", data])
        assert done.exit_code == 0, done.stderr
        assert "0 vehicles left out" in done.stdout
        assert "mine: 4995 of 60000 views, those of vehicles drawn by chance" in done.stdout
        return done.stderr

    assert "vehicles.json: vehicles that the model learned from are not left out" in said(
        f"mine={pictures}:pattern:veri"
    )
    shutil.copy(trained[0].with_name("vehicles.json"), tmp_path)
    assert "vehicles.json tells of mine, not of data" in said(f"{pictures}:pattern:veri")


def test_a_run_that_goes_on_holds_out_nothing_that_its_weights_were_made_of(trained, pictures, tmp_path, monkeypatch):
    weights, _ = trained
    call = ["train", "--data", f"mine={pictures}:pattern:veri", *SETTINGS, "--out", str(tmp_path / "out")]
    done = runner.invoke(app, [*call, "--start", str(weights), "--set", "domains.mine.calibrate=6"])
    assert done.exit_code == 1
    assert "vehicles.json: the weights begun with were made of 2 vehicles that are held out here" in done.stderr
    assert not (tmp_path / "out").exists()
    for step in ("_loop", "finish"):
        monkeypatch.setattr(f"reid.train.{step}", lambda *_: None)
    assert runner.invoke(app, [*call, "--start", str(weights)]).exit_code == 0
    told = json.loads((tmp_path / "out" / "vehicles.json").read_text())
    assert told["before"] == json.loads(weights.with_name("vehicles.json").read_text())["fit"]


@pytest.mark.parametrize("as_format", ["openvino", "onnx"])
def test_export_proves_that_nothing_changed(trained, pictures, tmp_path, as_format):
    weights, document = trained
    out = tmp_path / "model"
    call = ["export", "--weights", str(weights), "--format", as_format, "--out", str(out), "--json"]
    done = runner.invoke(app, [*call, "--data", f"{pictures}:pattern:veri"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["model_id"] == document["model_id"]
    assert min(found["parity"]["cosine"].values()) >= 0.999
    assert found["parity"]["rank1"]["torch"] == found["parity"]["rank1"]["exported"]
    assert (out / "spec.json").is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_export_replaces_a_model_and_nothing_that_is_needed(trained, tmp_path, monkeypatch):
    weights = Path(shutil.copytree(trained[0].parent, tmp_path / "run")) / trained[0].name
    out = tmp_path / "model"
    call = ["export", "--weights", str(weights), "--out"]
    for _ in range(2):
        assert runner.invoke(app, [*call, str(out)]).exit_code == 0
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "link").symlink_to(out)
    monkeypatch.chdir(out)
    for target, told in (
        (".", "this runs in"),
        ("..", "this runs in"),
        (out, "this runs in"),
        ("../link", "this runs"),
    ):
        done = runner.invoke(app, [*call, str(target)])
        assert (done.exit_code, done.stdout) == (1, "")
        assert told in done.stderr
    monkeypatch.chdir(tmp_path)
    shutil.copy(out / "spec.json", weights.parent)
    assert "holds the weights" in runner.invoke(app, [*call, "run"]).stderr
    (weights.parent / "spec.json").unlink()
    (out / "notes.txt").write_text("mine")
    assert "holds something else" in runner.invoke(app, [*call, "model"]).stderr
    (out / "notes.txt").unlink()
    assert {
        path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "link" not in path.parts
    } == kept
    assert runner.invoke(app, [*call, "link"]).exit_code == 0
    assert (tmp_path / "link").is_symlink()


def test_int8_aims_higher_until_rank1_holds_as_well(trained, pictures, tmp_path, monkeypatch):
    weights, _ = trained
    aims = []

    def quantise(weights, out, given, aim):
        aims.append(aim)
        export_openvino(weights, out)
        spec = read_document(out / SPEC_FILE, ExportSpec)
        write_document(out / SPEC_FILE, spec.model_copy(update={"precision": "int8"}))
        return Quantisation(1, (), 1.0)

    def judge(*_, **__):
        return Parity({1: 0.999}, 4, 0.999, 0.999, (0.9, 0.8 if len(aims) < 3 else 0.9))

    monkeypatch.setattr("reid.export.export_openvino_int8", quantise)
    monkeypatch.setattr("reid.export.parity.check_parity", judge)
    call = ["export", "--weights", str(weights), "--format", "openvino-int8", "--out", str(tmp_path / "model")]
    done = runner.invoke(app, [*call, "--data", f"{pictures}:pattern:veri"])
    assert done.exit_code == 0, done.stderr
    assert aims == list(AIMED_COSINES)


def test_int8_is_refused_where_there_is_nothing_to_take_ranges_from_or_to_judge_with(pictures, tmp_path):
    for case, names in (("one vehicle", "0000*"), ("few pictures", "000[01]_c001*")):
        some = tmp_path / case
        some.mkdir()
        for path in pictures.glob(names):
            shutil.copy(path, some)
        call = ["export", "--format", "openvino-int8", "--out", str(tmp_path / "model")]
        done = runner.invoke(app, [*call, "--data", f"{some}:pattern:veri"])
        assert done.exit_code == 1
        assert "vreid: INT8 needs 3 pictures to take ranges from" in done.stderr
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--out", "x"], "no pictures"),
        (["train", "--out", "x", "--data", "mine=/nowhere"], "no folder /nowhere"),
        (["train", "--out", "x", "--data", "{here}"], "write NAME=DIR"),
        (["train", "--out", "x", "--data", "mine={here}"], "say the format"),
        (["train", "--out", "x", "--data", "mine={here}:film"], "no format 'film'"),
        (["train", "--out", "x", "--data", "mine={here}:pattern:film"], "no format 'pattern:film'"),
        (["train", "--out", "x", "--data", "mine={here}:veri"], "image_train"),
        (
            ["train", "--out", "x", "--data", "mine={here}:pattern:veri", "--recipe", "none-such"],
            "no recipe 'none-such'",
        ),
        (
            ["train", "--out", "x", "--data", "mine={here}:pattern:veri", "--set", "objective.miner=luck"],
            "vreid: --set objective.miner",
        ),
        (
            ["train", "--out", "x", "--data", "mine={here}:pattern:veri", "--set", "batches_per_epoch=2"],
            "vreid: --set batches_per_epoch: unknown key",
        ),
        (
            ["train", "--out", "x", "--data", "mine={here}:pattern:veri", "--set", "x=1", "--sweep", "losses"],
            "as changed: x: unknown key",
        ),
        (
            [
                "train",
                "--out",
                "x",
                "--data",
                "mine={here}:pattern:veri",
                "--set",
                "seed=1",
                "--config",
                "{here}/own.yaml",
            ],
            "here/own.yaml: ",
        ),
        (
            ["train", "--out", "x", "--data", "mine={here}", "--config", "{here}/listed.yaml"],
            "here/listed.yaml: domains must be data sets by name",
        ),
        (
            ["train", "--out", "x", "--data", "mine={here}:pattern:veri", "--set", "preprocessing.input_hw=[10,10]"],
            "preprocessing.input_hw: height and width must be multiples of 16",
        ),
        (
            ["train", "--out", "x", "--data", "mine={here}:pattern:veri", "--sweep", "losses", "--recipe", "default"],
            "sweep",
        ),
        (["train", "--out", "x", "--data", "mine={here}:pattern:veri"], "no usable picture"),
        (
            ["calibrate", "--weights", "absent.safetensors", "--data", "{here}:pattern:veri"],
            "no checkpoint absent.safetensors",
        ),
        (["export", "--out", "x", "--format", "openvino-int8"], "INT8 takes its ranges"),
        (["export", "--out", "{here}", "--weights", "absent.safetensors"], "holds something else"),
        (["export", "--out", "x", "--weights", "absent.safetensors"], "no checkpoint absent.safetensors"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "note.txt").write_text("not a picture")
    (tmp_path / "here" / "own.yaml").write_text("epoch: 3")
    (tmp_path / "here" / "listed.yaml").write_text("domains: [1]")
    done = runner.invoke(app, [word.format(here=tmp_path / "here") for word in arguments])
    assert done.exit_code == 1
    assert done.stdout == ""
    last = [line for line in done.stderr.splitlines() if line.startswith("vreid: ")]
    assert len(last) == 1
    assert told in last[0]
    assert not (tmp_path / "x").exists()


def test_data_arguments(tmp_path):
    odd = tmp_path / "a:b"
    odd.mkdir()
    (first, second, third) = parse_data([f"city={odd}", f"pairs={odd}:pattern:veri", f"new={odd}:market"])
    assert (first.name, first.folder, first.format) == ("city", odd, None)
    assert (second.folder, second.format) == (odd, "pattern:veri")
    assert (third.folder, third.format) == (odd, "market")
    (unnamed,) = parse_data([str(tmp_path)], named=False)
    assert unnamed.name == "data"
    with pytest.raises(InputError, match="given before"):
        parse_data([f"city={odd}", f"city={odd}"])
    plain = {"pattern": None, "split": None, "labels": None, "pictures": "."}
    assert domain_changes([second, third], {"pairs": {"pattern": "pairs", "split": "train.txt"}}) == {
        "pairs": plain | {"layout": "pattern", "pattern": "veri"},
        "new": plain | {"layout": "market"},
    }


@pytest.mark.parametrize("item", ["epochs", "=3", "a..b=1", "a=["])
def test_settings_that_are_none_are_refused(item):
    with pytest.raises(InputError, match="--set"):
        parse_settings([item])


def test_starts_are_files_names_or_nothing(tmp_path):
    assert find_start("none") == "none"
    assert find_start("torchreid-zoo") == "torchreid-zoo"
    assert find_start("vreid-mobilenetv2").name == "vreid-mobilenetv2.safetensors"
    file = tmp_path / "own.pt"
    file.write_bytes(b"")
    assert find_start(str(file)) == file
    with pytest.raises(ModelFileError, match="none of none, torchreid-zoo, mobilenetv2-imagenet"):
        find_start("yolov8n")


def test_runs_that_exclude_each_other_and_spaces_and_weights_that_are_none_are_refused_in_one_line(pictures, tmp_path):
    base = [
        "train",
        "--data",
        f"mine={pictures}:pattern:veri",
        *SETTINGS,
        "--start",
        "none",
        "--out",
        str(tmp_path / "o"),
    ]
    for more, word in (
        (["--trials", "2", "--labels-from", "imagenet"], "exclude each other"),
        (["--trials", "2", "--space", "magic"], "there are default"),
        (["--labels-from", "magic"], "magic"),
        (["--space", "default"], "--space goes with --trials"),
        (["--pair-share", "0.01"], "--pair-share goes with --labels-from"),
    ):
        done = runner.invoke(app, [*base, *more])
        assert done.exit_code == 1
        assert word in done.stderr
        assert done.stderr.count("vreid: ") == 1
    assert not (tmp_path / "o").exists()


def test_a_run_without_labels_learns_from_groups_and_says_how_good_they_are(pictures, pixels, tmp_path, monkeypatch):
    # A run of a few steps on a few groups may not be good enough to calibrate.
    calibrated = (Calibration(12.0, -6.0, 5.0), {})
    monkeypatch.setattr("reid.finish.calibrate_network", lambda _net, _preprocessing, *_parts: calibrated)
    asked = ["--labels-from", str(pixels), "--pair-share", "0.08", "--start", "none", "--threads", "1"]
    call = ["train", "--data", f"mine={pictures}:pattern:veri", *SETTINGS, "--set", "vehicles=2", *asked]
    done = runner.invoke(app, [*call, "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    grouped = document["grouped"]["mine"]
    assert document["pictures"] == grouped["pictures"] > 0
    assert grouped["groups"] >= 2
    assert 0 <= grouped["precision"] <= 1
    command = json.loads(Path(document["weights"]).with_suffix(".json").read_text())["training_command"]
    assert "--labels-from pixels" in command


def test_trials_write_their_table_and_show_the_best(pictures, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("ranges: {learning_rate: {low: 1.0e-3, high: 5.0e-3}}")
    call = ["train", "--data", f"mine={pictures}:pattern:veri", *SETTINGS, "--start", "none", "--threads", "1"]
    done = runner.invoke(app, [*call, "--trials", "1", "--space", str(space), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.stderr
    assert "learning_rate" in done.stdout
    assert json.loads((tmp_path / "out" / "trials.json").read_text())["trials"][0]["trial"] == 0

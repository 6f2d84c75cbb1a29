"""``vreid evaluate reid`` over folders of painted pictures and a network of one layer, made here without torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import openvino
import pytest
from openvino import opset13 as ops
from typer.testing import CliRunner

from reid.metadata import SPEC_FILE, CalibrationData, ExportSpec, write_document
from reid.runtime import MODEL_FILE
from services.cli.evaluate import app
from services.cli.evaluate.weights import open_weights

SIDE_PX = 8
PROMISED = [
    "protocol",
    "queries",
    "gallery",
    "mAP",
    "mINP",
    "rank1",
    "rank5",
    "rank10",
    "rank1_macro_class",
    "mAP_macro_class",
    "per_class",
    "ci95",
    "model_id",
    "ms_per_crop",
]


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """Pixels as they are, around their middle, at length 1: painted vehicles are told apart by colour."""
    folder = tmp_path_factory.mktemp("pixels")
    pixels = ops.parameter([-1, SIDE_PX, SIDE_PX, 3], np.uint8)
    flat = ops.reshape(ops.convert(pixels, "f32"), np.array([0, -1]), special_zero=True)
    unit = ops.normalize_l2(ops.subtract(flat, np.float32(128)), np.array([1]), 1e-12, "add")
    openvino.save_model(openvino.Model([unit], [pixels]), folder / MODEL_FILE)
    calibration = CalibrationData(slope=12.0, offset=-6.0)
    spec = ExportSpec(
        model_id="f" * 64, dim=3 * SIDE_PX**2, input_hw=(SIDE_PX, SIDE_PX), calibration=calibration, max_batch=5
    )
    write_document(folder / SPEC_FILE, spec)
    return folder


def paint(path: Path, vehicle: int, camera: int) -> None:
    colours = np.random.default_rng(vehicle).integers(20, 236, (4, 4, 3))
    noise = np.random.default_rng((vehicle, camera)).normal(0, 6, (32, 40, 3))
    picture = cv2.resize(colours.astype(np.float32), (40, 32), interpolation=cv2.INTER_NEAREST) + noise
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))


@pytest.fixture
def pairs(tmp_path) -> Path:
    root = tmp_path / "own pairs"
    for vehicle in range(8):
        for camera in (1, 2):
            paint(root / f"images/{'car' if vehicle % 2 else 'bus'}_{vehicle:04d}_cam{camera}.jpg", vehicle, camera)
    return root


@pytest.fixture
def veri(tmp_path) -> Path:
    root = tmp_path / "veri"
    for vehicle in range(1, 5):
        for camera in (1, 2, 3):
            name = f"{vehicle:04d}_c{camera:03d}_00000001_0.jpg"
            paint(root / "image_test" / name, vehicle, camera)
            paint(root / "image_train" / name, vehicle + 10, camera)
            if camera == 1:
                paint(root / "image_query" / name, vehicle, camera)
    names = [path.name for path in sorted((root / "image_test").iterdir())]
    (root / "test_track.txt").write_text("".join(f"track{n} {name}\n" for n, name in enumerate(names)))
    rows = [f"{name},{int(name[:4])},van,{'front' if name[8] == '1' else 'rear'}," for name in names]
    (root / "labels.csv").write_text("image,vehicle,class,face,twin_of\n" + "\n".join(rows) + "\n")
    return root


def run(*arguments):
    return CliRunner().invoke(app, ["reid", *map(str, arguments)])


def document(*arguments) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def refusal(*arguments) -> str:
    result = run(*arguments)
    assert result.exit_code != 0
    assert result.stdout == ""
    assert result.stderr.startswith("vreid: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_pattern_is_judged_across_cameras_with_every_promised_key(pairs, network):
    found = document("--data", pairs, "--format", "pattern", "--pattern", "pairs", "--weights", network)
    assert list(found)[: len(PROMISED)] == PROMISED
    assert (found["protocol"], found["queries"], found["gallery"]) == ("cross-camera", 16, 16)
    assert (found["rank1"], found["per_class"], found["model_id"]) == (1.0, {"bus": 1.0, "car": 1.0}, "f" * 64)
    assert set(found["tables"]["camera_pair"]) == {"1>2", "2>1"}
    assert found["ms_per_crop"] > 0
    assert found["rerank"] is None


def test_list_recall_and_rerank(pairs, network):
    listed = pairs / "val.txt"
    listed.write_text("".join(f"car_{v:04d}_cam{c}.jpg\n" for v in (1, 3, 5) for c in (1, 2)))
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs", "--weights", network, "--list", listed)
    found = document(*base, "--protocol", "recall", "--rerank", "--rerank-top", 3)
    assert (found["protocol"], found["queries"]) == ("recall+rerank", 6)
    assert (found["rerank"]["top"], found["recall_at"]["1"]) == (3, 1.0)
    listed.write_text("gone_1_cam1.jpg\n")
    assert "gone_1_cam1.jpg" in refusal(*base)


def test_veri_in_its_protocols_and_apart_by_labels(veri, network):
    base = ("--data", veri, "--format", "veri", "--weights", network)
    images = document(*base, "--by", "twin")
    assert (images["protocol"], images["queries"], images["gallery"]) == ("image-to-image", 4, 12)
    assert (images["per_class"], images["tables"]["twin"]["single"]["queries"]) == ({"van": 1.0}, 4)
    assert set(images["tables"]["view_pair"]) == {"front>rear"}
    tracks = document(*base, "--protocol", "image-to-track")
    assert (tracks["protocol"], tracks["gallery"], tracks["rank1"]) == ("image-to-track", 12, 1.0)
    assert document(*base, "--protocol", "cross-camera")["queries"] == 12
    learned = document(*base, "--part", "train")
    assert (learned["protocol"], learned["queries"], learned["part"]) == ("cross-camera", 12, "train")
    assert document(*base, "--protocol", "recall")["rank1"] == 1.0
    alone = veri / "image_test/0004_c002_00000001_0.jpg"
    alone.with_name("0004_c003_00000001_0.jpg").unlink()
    alone.unlink()
    (veri / "test_track.txt").unlink()
    assert document(*base, "--protocol", "recall")["skipped"] == 1, "a query is not its own answer"
    drawn = document(*base, "--protocol", "vehicleid", "--size", 3)
    assert (drawn["protocol"], drawn["gallery"]) == ("vehicleid", 3)


def test_unreadable_pictures_are_skipped_counted_and_listed(pairs, network, tmp_path):
    (pairs / "images/bus_0000_cam1.jpg").write_bytes(b"no picture")
    (pairs / "images/notes.png").write_bytes(b"no picture")
    report = tmp_path / "report.html"
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs", "--weights", network)
    found = document(*base, "--report", report)
    assert (found["unreadable"], found["unmatched"]) == (["bus_0000_cam1.jpg"], 1)
    assert (found["queries"], found["skipped"]) == (14, 1)
    assert "bus_0000_cam1.jpg" in report.read_text()
    words = run(*base)
    assert "left out 1 unreadable pictures: bus_0000_cam1.jpg" in words.stderr
    assert "cross-camera: 14 queries" in words.stdout


def test_where_nothing_can_be_judged_it_is_said_what_was_left_out(pairs, network):
    for path in sorted((pairs / "images").glob("*_cam2.jpg")):
        path.write_bytes(path.read_bytes()[:-60])
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs")
    told = "what it sees of the gallery; 8 pictures cannot be read, the first bus_0000_cam2.jpg"
    for more in (("--weights", network), ("--compare", "--method", "mean-pixel")):
        done = run(*base, *more)
        assert (done.exit_code, done.stdout) == (1, "")
        assert told in done.stderr.splitlines()[-1]


def test_names_of_files_and_folders_need_not_be_text(pairs, network):
    folder = pairs.rename(pairs.with_name(os.fsdecode(b"caf\xe9")))
    picture = folder / "images/bus_0000_cam1.jpg"
    picture.rename(picture.with_name(os.fsdecode(b"bus_0000_cam1.\xff.jpg")))
    report = folder / os.fsdecode(b"r\xe9port.html")
    words = ["evaluate", "reid", "--data", folder, "--format", "pattern", "--pattern", "pairs", "--report", report]
    code = "from services.cli.main import main; main()"
    command = [sys.executable, "-c", code, *words, "--weights", network]
    utf8 = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, env=utf8)
    assert done.returncode == 0, done.stderr
    assert b"cross-camera: 16 queries" in done.stdout
    assert b"r\\udce9port.html" in done.stdout
    assert report.is_file()


def test_refusals_are_one_line_and_say_what_is_wrong(pairs, veri, network, tmp_path):
    base = ("--data", pairs, "--format", "pattern", "--weights", network)
    assert "needs a pattern" in refusal(*base)
    assert "needs the groups" in refusal(*base, "--pattern", r"(?P<vehicle>.+)_cam")
    assert "no format 'coco'" in refusal("--data", pairs, "--format", "coco")
    assert "no part 'val'" in refusal(*base, "--part", "val")
    assert "image-to-track does not apply to pattern" in refusal(*base, "--protocol", "image-to-track")
    assert "no training part" in refusal(*base, "--pattern", "pairs", "--part", "train")
    assert "image_train" in refusal("--data", pairs, "--format", "veri", "--weights", network)
    (veri / "test_track.txt").unlink()
    tracks = ("--data", veri, "--format", "veri", "--protocol", "image-to-track", "--weights", network)
    assert "test_track.txt" in refusal(*tracks)
    assert "cannot be re-ranked" in refusal(*tracks, "--rerank")
    named = (*base[:-1], tmp_path / "absent/net.safetensors", "--pattern", "pairs")
    assert "net.safetensors" in refusal(*named)
    assert "no model named 'mystery'" in refusal(*base[:-1], "mystery", "--pattern", "pairs")
    assert "no folder" in refusal(*base, "--pattern", "pairs", "--report", tmp_path / "absent/report.html")


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_embedded(pairs, network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs", "--weights", network, "--report")
    before = sorted(tmp_path.rglob("*"))
    assert f"cannot write {tmp_path / 'folder'}: it is a folder" in refusal(*base, tmp_path / "folder")
    assert "cannot write .: it is a folder" in refusal(*base, ".")
    assert "it is no file" in refusal(*base, "pipe")
    assert "no folder absent" in refusal(*base, "absent/report.html")
    assert "File name too long" in refusal(*base, 300 * "x")
    assert sorted(tmp_path.rglob("*")) == before


def test_figures_are_printed_even_if_the_report_cannot_be_written_in_the_end(pairs, network, tmp_path, monkeypatch):
    report = tmp_path / "report.html"
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs", "--weights", network, "--report", report)
    monkeypatch.setattr("reid.evaluation.report.page._failures", lambda *_: (report.mkdir(), "")[1])
    done = run(*base, "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["rank1"], found["report"]) == (1, 1.0, None)
    assert done.stderr.splitlines()[-1].startswith(f"vreid: cannot write {report}: ")
    assert not (tmp_path / "report.html.part").exists()


def test_options_that_would_change_nothing_are_refused(pairs, veri, network):
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs", "--weights", network)
    assert "--by twn: no query has this label; there are camera, class, vehicle" in refusal(*base, "--by", "twn")
    assert "--rerank-top goes with --rerank" in refusal(*base, "--rerank-top", 5)
    assert "cross-camera on the test part of pattern uses none" in refusal(*base, "--size", 3)
    drawn = (*base, "--protocol", "vehicleid", "--size")
    for size in (8, 300):
        assert f"--size {size}: {pairs} has 8 vehicles; draw fewer" in refusal(*drawn, size)
    compared = ("--compare", "--method", "mean-pixel", "--size", 3)
    assert "uses none" in refusal("--data", veri, "--format", "veri", *compared)
    learned = ("--data", veri, "--format", "vehicleid", "--part", "train", "--size", 3)
    assert "vehicleid on the train part of vehicleid uses none" in refusal(*learned)


def test_a_folder_of_the_default_models_name_is_not_taken_for_it(tmp_path, monkeypatch, network):
    monkeypatch.chdir(tmp_path)
    Path("vreid-mobilenetv2").symlink_to(network)
    monkeypatch.setattr("services.cli.evaluate.weights.open_embedder", lambda name, _threads: f"shipped {name}")
    assert open_weights(None) == ("vreid-mobilenetv2", "shipped vreid-mobilenetv2")
    assert open_weights("vreid-mobilenetv2")[1].spec.model_id == "f" * 64


def test_torch_is_not_loaded(pairs, network):
    code = (
        "import sys\nfrom services.cli.main import main\n"
        f"sys.argv = ['vreid', 'evaluate', 'reid', '--data', {str(pairs)!r}, '--format', 'pattern', '--pattern', "
        f"'pairs', '--weights', {str(network)!r}, '--json']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rank1"] == 1.0


def compared(*arguments) -> dict:
    return document("--compare", *arguments)


def test_methods_are_compared_on_any_layout_one_row_each(pairs, veri, network):
    chosen = ("--method", "mean-pixel", "--method", "hsv-histogram", "--method", "vocabulary-tree")
    found = compared("--data", pairs, "--format", "pattern", "--pattern", "pairs", *chosen, "--weights", network)
    assert [row["method"] for row in found["methods"]] == [*chosen[1::2], "pixels0"]
    assert (found["protocol"], found["queries"], found["learned_from"]) == ("cross-camera", 16, "gallery")
    for row in found["methods"][:2]:
        assert row["rank1"] > 2 * found["chance_rank1"]
        assert {"mAP", "ms_per_image", "ms_per_query", "ci95"} <= row.keys()
    with_parts = compared("--data", veri, "--format", "veri", "--method", "hsv-histogram")
    assert (with_parts["protocol"], with_parts["queries"], with_parts["gallery"]) == ("image-to-image", 4, 12)
    assert with_parts["learned_from"] == "train"
    fewer = compared("--data", veri, "--format", "veri", "--method", "mean-pixel", "--vehicles", 2)
    assert (fewer["vehicles"], fewer["gallery"]) == (2, 6)
    shown = run("--compare", "--data", pairs, "--format", "pattern", "--pattern", "pairs", "--method", "mean-pixel")
    assert "chance 0.125" in shown.stdout
    assert "mean-pixel" in shown.stdout


def test_what_cannot_be_compared_is_refused_in_one_line(pairs, network):
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs")
    assert "mean-pixel" in refusal(*base, "--compare", "--method", "magic")
    assert "--compare" in refusal(*base, "--method", "mean-pixel")
    assert "not under vehicleid" in refusal(*base, "--compare", "--protocol", "vehicleid")
    assert "--rerank" in refusal(*base, "--compare", "--method", "mean-pixel", "--rerank")


def test_help_names_the_methods_that_there_are():
    from reid.baselines.table import BASELINES
    from services.cli.evaluate.comparing import METHODS

    assert tuple(BASELINES) == METHODS


def test_one_shot_verification_is_printed_when_asked_for(pairs, network):
    base = ("--data", pairs, "--format", "pattern", "--pattern", "pairs", "--weights", network)
    assert "one_shot" not in document(*base)
    found = document(*base, "--one-shot")["one_shot"]
    assert found["accuracy"] > 0.8
    assert set(found["roc"]) == {"0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3"}
    assert "one-shot verification: accuracy" in run(*base, "--one-shot").stdout

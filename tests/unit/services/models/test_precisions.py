"""Serving chooses INT8 only where it proved interchangeable; and `auto` only where it was faster too."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from reid.metadata import CalibrationData, ExportSpec, ParityRecord, write_document
from services.cli.main import app
from services.errors import ModelFileError
from services.models.networks import open_embedder
from services.models.precisions import choose_folder, install_int8, installed_int8
from services.models.store import ModelStore

MODEL = "a" * 64


def write_model(folder, *, precision="fp32", model=MODEL):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.xml", "model.bin"):
        (folder / name).write_text(precision)
    calibration = CalibrationData(slope=1.0, offset=0.0)
    spec = ExportSpec(model_id=model, dim=8, input_hw=(32, 32), calibration=calibration, precision=precision)
    write_document(folder / "spec.json", spec)
    return folder


def write_int8(folder, *, model=MODEL, cosine=0.992, times=None):
    write_model(folder, precision="int8", model=model)
    record = ParityRecord(
        model_id=model,
        precision="int8",
        pictures=300,
        least_cosine=cosine,
        median_cosine=0.999,
        rank1=(0.91, 0.909),
        ms_per_crop={"fp32": 4.0, "int8": 2.0} if times is None else times,
    )
    write_document(folder / "parity.json", record)
    return folder


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.safetensors"
    path.write_bytes(b"tensors")
    return str(path)


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "cache", offline=True, converter=lambda _kind, _source, out, _hw: write_model(out))


def test_without_an_installed_int8_auto_serves_fp32_and_int8_says_what_to_do(store, own):
    plain = choose_folder(store, own, "fp32")
    assert choose_folder(store, own, "auto") == plain
    assert installed_int8(store, own) is None
    with pytest.raises(ModelFileError, match="vreid models install"):
        choose_folder(store, own, "int8")


def test_what_proved_interchangeable_is_served(store, own, tmp_path):
    folder = install_int8(store, own, write_int8(tmp_path / "out"))
    assert choose_folder(store, own, "int8") == folder
    assert choose_folder(store, own, "auto") == folder
    assert choose_folder(store, own, "fp32") != folder
    assert installed_int8(store, own).rank1 == (0.91, 0.909)
    assert (folder / "model.xml").read_text() == "int8"
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("times", [{}, {"fp32": 2.0, "int8": 2.5}])
def test_auto_takes_no_int8_that_was_not_faster(store, own, tmp_path, times):
    folder = install_int8(store, own, write_int8(tmp_path / "out", times=times))
    assert choose_folder(store, own, "auto") == store.prepare(own)
    assert choose_folder(store, own, "int8") == folder


def test_what_is_not_proved_or_of_another_model_is_refused(store, own, tmp_path):
    install_int8(store, own, write_int8(tmp_path / "good"))
    for folder, told in (
        (write_int8(tmp_path / "astray", cosine=0.98), r"cosine 0\.9800"),
        (write_int8(tmp_path / "other", model="b" * 64), "form of model bbbbbbbbbbbb"),
        (write_model(tmp_path / "untested", precision="int8"), "parity record"),
        (tmp_path / "absent", "parity record"),
    ):
        with pytest.raises(ModelFileError, match=told):
            install_int8(store, own, folder)
    mixed = write_int8(tmp_path / "mixed")
    write_model(mixed)
    with pytest.raises(ModelFileError, match="not an INT8 model"):
        install_int8(store, own, mixed)
    (mixed / "parity.json").write_text("{}")
    with pytest.raises(ModelFileError, match=r"parity\.json is damaged"):
        install_int8(store, own, mixed)
    assert installed_int8(store, own) is not None


def test_other_weights_do_not_meet_an_old_int8_form(store, own, tmp_path):
    install_int8(store, own, write_int8(tmp_path / "out"))
    (tmp_path / "own.safetensors").write_bytes(b"trained further")
    assert installed_int8(store, own) is None


def test_the_command_installs_and_the_embedder_says_its_precision(tmp_path, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path))
    plain = ModelStore().prepare("vreid-mobilenetv2")
    # FP32 weights under INT8's name: what is tested is which folder serves, and what it says of itself.
    folder = shutil.copytree(plain, tmp_path / "out")
    spec = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps(spec | {"precision": "int8"}))
    record = ParityRecord(
        model_id=spec["model_id"],
        precision="int8",
        pictures=9,
        least_cosine=1.0,
        median_cosine=1.0,
        ms_per_crop={"fp32": 3, "int8": 2},
    )
    write_document(folder / "parity.json", record)
    done = CliRunner().invoke(app, ["models", "install", str(folder), "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["parity"]["ms_per_crop"] == {"fp32": 3.0, "int8": 2.0}
    served = open_embedder("vreid-mobilenetv2", 1, "auto")
    asked = open_embedder("vreid-mobilenetv2", 1, "fp32")
    assert (served.precision, asked.precision) == ("int8", "fp32")
    assert served.runtime.startswith("openvino 2")
    assert served.spec.model_id == asked.spec.model_id
    refused = CliRunner().invoke(app, ["models", "install", str(plain)])
    assert refused.exit_code == 1
    assert "parity record" in refused.stderr

"""`vreid models adapt`, on a set of a few small pictures."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from services.cli.models import app

runner = CliRunner()


def write_set(folder):
    for part in ("train", "val"):
        (folder / "images" / part).mkdir(parents=True)
        (folder / "labels" / part).mkdir(parents=True)
        for number in range(2):
            image = np.full((90, 160, 3), 100, np.uint8)
            image[30:60, 40:100] = 20
            cv2.imwrite(str(folder / "images" / part / f"{number}.png"), image)
            (folder / "labels" / part / f"{number}.txt").write_text("0 0.4375 0.5 0.375 0.333333\n")
    (folder / "data.yaml").write_text("names: [car]\n")
    return folder


def test_a_detector_is_written_and_judged(tmp_path):
    folder, out = write_set(tmp_path / "set"), tmp_path / "mine.pt"
    footage = folder / "images" / "val"
    done = runner.invoke(
        app, ["adapt", str(folder), "--out", str(out), "--footage", str(footage), "--steps", "1", "--json"]
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert out.is_file()
    assert document["pictures"] == {"labelled": 2, "footage": 1}
    assert set(document["ap50"]) == {"before", "after"}
    assert 0.0 <= document["footage_agreement"] <= 1.0
    assert "step 1 of 1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--out", "new.pt"], "no data.yaml"),
        (["{set}", "--out", "new.bin"], "expected a .pt file in a folder that exists"),
        (["{set}", "--out", "new.pt", "--footage", "nothing.mp4"], "no such file: nothing.mp4"),
        (["{set}", "--out", "new.pt", "--start", "vreid-mobilenetv2"], "vreid-mobilenetv2 is no detector"),
        (["{set}", "--out", "new.pt", "--start", "gone.pt"], "gone.pt"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, monkeypatch, arguments, message):
    write_set(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(app, ["adapt", *(text.replace("{set}", "set") for text in arguments)])
    assert done.exit_code == 1
    assert message in done.stderr.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]

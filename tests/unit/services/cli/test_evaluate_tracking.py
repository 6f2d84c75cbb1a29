"""``vreid evaluate tracking``: the document, and bad input in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from detector.types import Detections
from services.cli.main import app
from services.models import networks
from simulator.city import City, CityCamera, write_city
from simulator.video import ClipWriter

BOXES = "".join(f"1 {v} {f} {20 + 6 * f} {60 * v} 60 40 1 -1\n" for v in (1, 2) for f in range(1, 60))


def _run(*options):
    return CliRunner().invoke(app, ["evaluate", "tracking", *options])


@pytest.fixture
def truth(tmp_path):
    path = tmp_path / "truth.txt"
    path.write_text(BOXES)
    return str(path)


def test_one_document_with_both_trackers(truth):
    result = _run("--truth", truth, "--fps", "10,5", "--seeds", "2", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert list(document["trackers"]) == ["bytetrack", "ocsort"]
    assert (document["vehicles"], document["detections"], document["seeds"]) == (2, "simulated", 2)
    for table in document["trackers"].values():
        assert list(table) == ["10", "5"]
        assert table["10"]["idf1_fall"] == 0
        assert table["5"]["idf1_fall"] == pytest.approx(table["10"]["idf1"] - table["5"]["idf1"], abs=2e-4)
        assert set(table["5"]) == {"idf1", "idp", "idr", "hota", "tracks", "idf1_fall", "hota_fall"}
    assert result.stdout == _run("--truth", truth, "--fps", "10,5", "--seeds", "2", "--json").stdout


def test_words_for_people(truth):
    result = _run("--truth", truth, "--tracker", "ocsort", "--fps", "10", "--seeds", "1")
    assert result.exit_code == 0, result.output
    assert "ocsort" in result.stdout
    assert "bytetrack" not in result.stdout


def _little_city(folder):
    """A city of one camera and a dozen frames."""
    clip = folder / "gate.mp4"
    with ClipWriter(clip, (64, 48), 10) as writer:
        for shade in range(12):
            writer.write(np.full((48, 64, 3), 20 * shade, np.uint8))
    (folder / "ground_truth.txt").write_text("".join(f"1 1 {f} {2 * f} 8 40 30 1 -1\n" for f in range(1, 13)))
    camera = CityCamera("gate", 1, clip, 64, 48, 12, {})
    write_city(City("little", 1, "nowhere", 10.0, 0.0, (camera,), (), folder / "ground_truth.txt", folder))


def test_the_detector_sees_every_frame_of_the_clips_once(monkeypatch, tmp_path):
    seen = []

    class Foretold:
        def detect(self, images):
            seen.extend(image.shape for image in images)
            box = np.array([[2 * len(seen), 8, 2 * len(seen) + 40, 38]], np.float32)
            return [Detections(box, np.full(1, 0.9, np.float32), np.full(1, 2))]

    monkeypatch.setattr(networks, "open_detector", lambda settings: Foretold())
    _little_city(tmp_path)
    result = _run("--city", str(tmp_path), "--detect", "--fps", "10", "--drop", "0", "--seeds", "2", "--json")
    assert result.exit_code == 0, result.output
    assert seen == [(48, 64, 3)] * 12
    document = json.loads(result.stdout)
    assert document["detections"] == "detector"
    assert document["trackers"]["bytetrack"]["10"]["idf1"] == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--truth", "nowhere.txt"], "nowhere.txt"),
        (["--city", "atlantis"], "no city 'atlantis'"),
        (["--fps", "ten"], "--fps: expected numbers like 10,5,4"),
        (["--fps", "0"], "--fps: frame rates must be > 0"),
        (["--fps", "30", "--seeds", "1"], "frames a second must be in"),
        (["--truth", "x.txt", "--detect"], "--detect needs the clips of a city"),
    ],
)
def test_bad_input_is_one_line(options, message):
    result = _run(*options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_byte_order_mark_is_no_part_of_a_file(truth, tmp_path):
    marked = tmp_path / "marked.txt"
    marked.write_text(BOXES, encoding="utf-8-sig")
    options = ("--fps", "10", "--seeds", "1", "--json")
    assert _run("--truth", str(marked), *options).stdout == _run("--truth", truth, *options).stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 2 9 0 0 50 50", "t.txt: truth holds vehicle 2 more than once in frame 9 of camera 1"),
        ("1 9 2000000000 0 0 50 50", "truth goes from frame 1 to 2000000000 in camera 1"),
    ],
)
def test_a_line_that_spoils_a_truth_is_told_in_one_line(tmp_path, line, message):
    path = tmp_path / "t.txt"
    path.write_text(BOXES + line + "\n")
    result = _run("--truth", str(path))
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_empty_or_strange_file_is_one_line(tmp_path):
    path = tmp_path / "t.txt"
    for content in (b"", b"\xff\xfe", b"1 2 three 4 5 6 7\n"):
        path.write_bytes(content)
        result = _run("--truth", str(path))
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "t.txt" in result.stderr

"""``vreid evaluate mtmc``: one document out, one line on failure."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from services.cli.evaluate import app

TRUTH = "".join(f"{camera} 7 {frame} 100 100 64 48 -1 -1\n" for camera in (1, 2) for frame in range(1, 9))


@pytest.fixture
def files(tmp_path):
    truth, predicted = tmp_path / "truth.txt", tmp_path / "predicted.txt"
    truth.write_text(TRUTH)
    predicted.write_text(TRUTH)
    return truth, predicted


def _run(truth, predicted, *more):
    return CliRunner().invoke(app, ["mtmc", "--truth", str(truth), "--predicted", str(predicted), *more])


def _one_line_error(result):
    assert result.exit_code != 0
    assert result.stdout == ""
    assert result.stderr.startswith("vreid: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_json_document(files):
    result = _run(*files, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert list(document) == ["idf1", "idf1_all", "idp", "idr", "hota"]
    assert all(value == pytest.approx(1.0) for value in document.values())


def test_words_for_people(files):
    result = _run(*files)
    assert result.exit_code == 0
    assert "idf1_all" in result.stdout


def test_corrupted_prediction_scores_less(files):
    files[1].write_text(TRUTH.replace("2 7 ", "2 8 "))
    document = json.loads(_run(*files, "--json").stdout)
    assert (document["idf1"], document["idf1_all"]) == (0.0, 0.5)


def test_no_prediction_scores_zero(files):
    files[1].write_text("")
    assert json.loads(_run(*files, "--json").stdout)["idf1"] == 0.0


def test_bad_line_is_named(files):
    files[1].write_text("1 7 1 100 100 64 48\n1 7 zwei 100 100 64 48\n")
    assert f"{files[1]}:2: frame is not a number" in _one_line_error(_run(*files, "--json"))


def test_missing_file(files, tmp_path):
    assert "No such file" in _one_line_error(_run(files[0], tmp_path / "nothing.txt"))


def test_not_text(files):
    files[1].write_bytes(b"\xff\xd8\xff\xe0\x00")
    assert "not a text file" in _one_line_error(_run(*files))


def test_folder(files, tmp_path):
    assert "directory" in _one_line_error(_run(files[0], tmp_path))


def test_empty_truth(files):
    files[0].write_text("\n")
    assert "nothing to score against" in _one_line_error(_run(*files))


def test_double_truth(files):
    files[0].write_text(TRUTH + TRUTH)
    assert "more than once" in _one_line_error(_run(*files))

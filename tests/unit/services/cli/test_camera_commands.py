import json
from contextlib import nullcontext
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from services.cli.camera import app
from services.cli.camera import change as camera_change
from services.identity.ingest_board import MemoryIngestBoard
from services.identity.store import CameraRecord
from services.ingest.cameras import CameraSettings

runner = CliRunner()


class Board(MemoryIngestBoard):
    closed = 0

    def close(self):
        self.closed += 1


@pytest.fixture
def board(monkeypatch):
    made = Board()
    monkeypatch.setattr("services.identity.ingest_board.open_board", lambda *_: made)
    return made


@pytest.fixture
def data_dir(tmp_path):
    config = {"data_dir": str(tmp_path), "cameras": [{"id": "gate", "url": "rtsp://h/gate"}]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def run(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


def test_a_camera_is_added_with_what_was_said(board, data_dir):
    done = run(
        *("add", "yard", "rtsp://10.0.0.8/s", "--transport", "udp", "--user", "me", "--password", "env:YARD"),
        *("--exclude", "0,0 1,0 1,0.25", "--clock", "camera", "--data-dir", data_dir, "--json"),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"camera_id": "yard", "url": "rtsp://10.0.0.8/s", "added": True}
    added = CameraSettings.model_validate_json(board.cameras()["yard"])
    assert (added.origin, added.transport, added.clock, added.password) == ("runtime", "udp", "camera", "env:YARD")
    assert added.exclude == (((0.0, 0.0), (1.0, 0.0), (1.0, 0.25)),)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rtsp://me:hunter2@h/s",), "would be stored"),
        (("rtsp://h/s?token=hunter2",), "would be stored"),
        (("/etc/passwd",), "only in the operator's configuration"),
        (("ftp://h/s",), "scheme must be one of"),
        (("rtsp://h/s", "--user", "me"), "belong together"),
        (("rtsp://h/s", "--user", "me", "--password", "hunter2"), "password"),
        (("rtsp://h/s", "--mask", "0,0 1,1"), "mask"),
        (("rtsp://h/s", "--mask", "left"), "not understood"),
        (("rtsp://h/s", "--transport", "tin"), "transport"),
    ],
)
def test_what_cannot_be_added_is_one_line_and_changes_nothing(board, data_dir, arguments, said):
    done = run("add", "yard", *arguments, "--data-dir", data_dir)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert "hunter2" not in done.stderr
    assert board.cameras() == {}


def test_cameras_are_removed_for_good_whoever_named_them(board, data_dir):
    run("add", "yard", "rtsp://h/yard", "--data-dir", data_dir)
    assert run("remove", "yard", "--data-dir", data_dir).exit_code == 0
    assert board.cameras() == {}
    assert run("remove", "gate", "--data-dir", data_dir).exit_code == 0
    assert board.cameras() == {"gate": ""}
    for name in ("gate", "yard", "nobody"):
        done = run("remove", name, "--data-dir", data_dir)
        assert done.exit_code == 1
        assert f"no camera {name}" in done.stderr


def test_the_board_is_closed_where_a_command_fails(board, data_dir):
    assert run("remove", "yard", "--data-dir", data_dir).exit_code != 0
    assert board.closed == 1


def test_where_nothing_runs_it_says_so(tmp_path):
    done = run("add", "yard", "rtsp://h/s", "--data-dir", tmp_path)
    assert done.exit_code == 1
    assert "holds no running system" in done.stderr


def test_a_snapshot_of_a_file_and_what_a_test_says(tmp_path):
    picture = tmp_path / "street.png"
    cv2.imwrite(str(picture), np.full((48, 64, 3), 90, np.uint8))
    done = run("snapshot", picture, "--out", tmp_path / "now.jpg", "--json")
    assert json.loads(done.stdout)["width"] == 64
    assert cv2.imread(str(tmp_path / "now.jpg")).shape == (48, 64, 3)
    said = json.loads(run("test", picture, "--seconds", "0.5", "--json").stdout)
    assert (said["width"], said["height"], said["clock"]) == (64, 48, "host")


def test_a_camera_that_gives_nothing_fails_in_one_line(board, data_dir, tmp_path):
    for arguments in (("test", tmp_path / "no.mp4"), ("snapshot", "nobody", "--out", tmp_path / "x.jpg")):
        done = run(*arguments, "--data-dir", data_dir)
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 1


def test_a_camera_is_looked_at_as_it_was_added(board, data_dir):
    from services.cli.camera.look import find_camera

    board.set_camera("gate", CameraSettings(id="gate", url="rtsp://new/gate", origin="runtime").model_dump_json())
    assert find_camera("gate", None, data_dir).url == "rtsp://new/gate"
    assert camera_change.site_config(None, data_dir).cameras[0].url == "rtsp://h/gate"


@pytest.mark.parametrize(
    ("stats", "shown"), [({"input_width_px": 640.0, "input_height_px": 384.0}, "640x384"), ({}, "up ")]
)
def test_the_list_shows_in_which_size_a_camera_is_looked_at(monkeypatch, stats, shown):
    record = CameraRecord("gate", "rtsp://h/gate", "file", "up", "", 0, stats)
    client = SimpleNamespace(camera_list=lambda: [record])
    monkeypatch.setattr("services.cli.camera.connect", lambda _: nullcontext(client))
    done = run("list")
    assert done.exit_code == 0, done.output
    assert shown in done.stdout
    assert ("640x384" in done.stdout) is bool(stats)

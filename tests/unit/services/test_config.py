"""Configuration: read whole, refused by key and line, overridden from the environment, written for its owner alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.config import dump_config, load_config
from services.errors import ConfigError

GOOD = """\
site: north
cameras:
  - id: gate
    url: rtsp://192.0.2.7/stream
tracker:
  tracklets:
    min_boxes: 5
"""


@pytest.fixture
def write(tmp_path):
    def make(text: str) -> Path:
        path = tmp_path / "vreid.yaml"
        path.write_text(text)
        return path

    return make


def test_reads_every_section(write):
    config = load_config(write(GOOD))
    assert config.site == "north"
    assert [camera.id for camera in config.cameras] == ["gate"]
    assert config.tracker.tracklets.min_boxes == 5


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        (GOOD.replace("site", "sight"), 1, "sight"),
        (GOOD.replace("url", "urll"), 4, "cameras.0.urll"),
        (GOOD.replace("min_boxes: 5", "min_boxes: many"), 7, "tracker.tracklets.min_boxes"),
        (GOOD.replace("gate", "the gate"), 3, "cameras.0.id"),
        (GOOD.replace("rtsp:", "gopher:"), 3, "cameras.0"),
    ],
)
def test_refuses_by_line_and_key(write, text, line, key):
    path = write(text)
    with pytest.raises(ConfigError, match=rf"vreid\.yaml:{line}: {key}:"):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [("site: [\n", "not valid YAML"), ("- a\n", "expected keys"), ("site: north\nsite: \t@\n", "not valid YAML")],
)
def test_refuses_what_is_no_configuration(write, text, says):
    with pytest.raises(ConfigError, match=says):
        load_config(write(text))


def test_names_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load_config(tmp_path / "none.yaml")


def test_a_camera_id_is_given_once(write):
    text = GOOD.replace("tracker", "  - id: gate\n    url: rtsp://192.0.2.8/x\ntracker")
    with pytest.raises(ConfigError, match="given twice"):
        load_config(write(text))


def test_the_environment_wins(write, monkeypatch):
    monkeypatch.setenv("VREID_MATCHER__LISTEN", "127.0.0.1:7")
    monkeypatch.setenv("VREID_CACHE", "/somewhere")
    assert load_config(write(GOOD)).matcher.listen == "127.0.0.1:7"


def test_what_is_written_reads_back_and_is_private(write, tmp_path):
    config = load_config(write(GOOD.replace("rtsp://", "rtsp://user:secret@")))
    copy = tmp_path / "copy.yaml"
    dump_config(config, copy)
    assert load_config(copy) == config
    assert copy.stat().st_mode & 0o077 == 0


def test_the_example_is_valid():
    load_config(Path(__file__).parents[3] / "deploy" / "vreid.example.yaml")


def test_configuration_and_commands_import_no_pictures_and_no_networks():
    code = (
        "import sys, services.config, services.cli.main, services.launch;"
        "heavy = {'cv2', 'openvino', 'torch', 'av'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=True, timeout=120)

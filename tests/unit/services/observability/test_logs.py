"""Log lines: their form, what they carry, what they hide."""

import io
import json
import logging
import sys
import threading

import pytest

from services.observability.logs import configure_logging, without_secrets
from services.observability.request_ids import set_request_id
from services.observability.settings import LoggingSettings


@pytest.fixture
def logs():
    """Configures logging and reads what was written; puts everything back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    hooks = sys.excepthook, threading.excepthook
    stream = io.StringIO()

    def start(**settings):
        configure_logging(LoggingSettings(**settings), "matcher", stream)
        return stream

    yield start
    set_request_id("")
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines_carry_role_request_and_camera(logs):
    stream = logs(format="json")
    set_request_id("web-17")
    logging.getLogger("services.x").warning("camera %s is\ndown", "gate", extra={"camera_id": "gate"})
    said = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert said["time"].endswith("Z")
    del said["time"]
    assert said == {
        "level": "warning",
        "logger": "services.x",
        "role": "matcher",
        "message": "camera gate is\ndown",
        "camera_id": "gate",
        "request_id": "web-17",
    }


def test_a_traceback_is_one_field_of_one_line(logs):
    stream = logs(format="json")
    try:
        raise KeyError("password=hunter2")
    except KeyError:
        logging.getLogger("x").exception("it failed")
    said = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert said["error"] == "KeyError"
    assert "Traceback" in said["traceback"]
    assert "hunter2" not in stream.getvalue()


def test_what_nobody_catches_is_a_line_too(logs):
    stream = logs(format="json")
    try:
        raise RuntimeError("redis://:hunter2@store is away")
    except RuntimeError:
        sys.excepthook(*sys.exc_info())
    thread = threading.Thread(target=lambda: {}["missing"], name="camera-gate")
    thread.start()
    thread.join()
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["level"], first["error"]) == ("critical", "RuntimeError")
    assert (second["message"], second["error"]) == ("camera-gate ended", "KeyError")
    assert "hunter2" not in stream.getvalue()


def test_text_is_for_people_and_carries_the_same(logs):
    stream = logs()
    set_request_id("r1")
    logging.getLogger("x").info("opened rtsp://u:secret@cam/1", extra={"camera_id": "gate"})
    logging.getLogger("x").debug("not this")
    assert stream.getvalue().endswith("INFO x: opened rtsp://u:***@cam/1 camera_id=gate request_id=r1\n")


def test_the_level_is_the_configured_one(logs):
    stream = logs(level="error", format="json")
    logging.getLogger("x").warning("not this")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "text",
    [
        "rtsps://admin:hunter2@10.0.0.5/ch1",
        "redis://:hunter2@store:6379/0",
        "Authorization: Bearer hunter2hunter2",
        "authorization=Basic aHVudGVyMg==hunter2",
        "{'password': 'hunter2'}",
        'token="hunter2"',
        "api_key=hunter2&x=1",
        "http://cam/snap?user=a&pwd=hunter2",
    ],
)
def test_secrets_are_hidden(text):
    assert "hunter2" not in without_secrets(text)
    assert "***" in without_secrets(text)


@pytest.mark.parametrize(
    "text", ["web.viewer_token: must have at least 16 characters", "password: env:CAM", "3 tokens", "key of 12 bytes"]
)
def test_what_is_no_secret_stays(text):
    # The rest of a sentence behind "token:" may go, but never the name that a person needs.
    assert without_secrets(text).split()[0] == text.split()[0]
    assert "env:CAM" not in text or "env:CAM" in without_secrets(text)

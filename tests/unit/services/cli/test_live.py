"""The live view draws what it is given, at any width and in every state."""

import pytest
from rich.console import Console

from services.cli.live import LiveState, draw
from services.identity.store import CameraRecord, IdentityRecord


def text(state: LiveState, width: int = 100) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(draw(state))
        return console.export_text()


CAMERA = CameraRecord(
    "north",
    "rtsp://x/north",
    "file",
    "up",
    "",
    0,
    {"frames_per_s": 9.96, "frame_age_p99_s": 0.214, "vehicles": 3, "frames_offered": 200, "frames_inferred": 190},
)
VEHICLE = IdentityRecord("0199-a", ("s1", "s2"), ("north", "harbour"), 0, 1, "matched")


def test_shows_cameras_and_routes():
    shown = text(LiveState("demo", [CAMERA], [VEHICLE], 7, 4, 12.3, 75.0, "a note"))
    for word in (
        "north",
        "up",
        "10.0",
        "0.21 s",
        "95%",
        "0199-a",
        "north → harbour",
        "7 vehicles",
        "12 s of 75 s",
        "a note",
    ):
        assert word in shown


@pytest.mark.parametrize("state", ["starting", "up", "down", "ended"])
def test_every_state_of_a_camera(state):
    camera = CameraRecord("gate", "rtsp://x", "file", state, "no answer", 0)
    shown = text(LiveState("up", [camera], [], 0, 0, 0.0, None))
    assert state in shown
    assert "no answer" in shown


def test_a_narrow_terminal():
    assert "vehicles" in text(LiveState("demo", [CAMERA], [VEHICLE], 1, 1, 1.0, None), width=60)

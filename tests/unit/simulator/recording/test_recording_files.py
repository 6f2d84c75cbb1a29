"""A recording's folder: written, read back, and refused when it is not as written."""

import json

import numpy as np
import pytest

from simulator.clock import CameraClock
from simulator.errors import CityDamaged, CityError
from simulator.recording import TrafficRequest, read_recording, record_traffic, write_recording


@pytest.fixture(scope="module")
def recording():
    clocks = {"school": CameraClock(5.0, 0.0, ((60.0, 2.0),)), "bank": CameraClock(0.0, 40.0)}
    return record_traffic(TrafficRequest("crossroads", 3, 0.1, 60, clocks=clocks)).recording


@pytest.fixture
def folder(recording, tmp_path):
    write_recording(recording, tmp_path / "recording")
    return tmp_path / "recording"


def test_what_is_written_is_read(recording, folder):
    read = read_recording(folder)

    assert (read.place, read.seed, read.span_s) == ("crossroads", 3, (0.0, 360.0))
    assert read.cameras == recording.cameras
    assert read.vehicles == recording.vehicles
    assert read.links == recording.links
    for name in ("camera", "vehicle", "number", "faces", "views"):
        np.testing.assert_array_equal(getattr(read.tracklets, name), getattr(recording.tracklets, name))
    np.testing.assert_allclose(read.tracklets.start_s, recording.tracklets.start_s, atol=6e-4)
    np.testing.assert_allclose(read.tracklets.entry_xy, recording.tracklets.entry_xy, atol=6e-5)


@pytest.mark.parametrize("name", ["recording.json", "tracklets.csv", "vehicles.csv", "cameras.json", "links.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()

    with pytest.raises(CityDamaged, match=f"{name}: missing"):
        read_recording(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("tracklets.csv", "start_s", "begin_s", "expected the columns"),
        ("tracklets.csv", "chemist,", "kiosk,", "kiosk"),
        ("tracklets.csv", ",front,", ",nose,", "not a recording"),
        ("vehicles.csv", ",through", ",flying", "kind must be one of"),
        ("vehicles.csv", "60,", "61,", "names a vehicle|lines"),
        ("recording.json", '"version": 1', '"version": 9', "version 9"),
        ("recording.json", '"tracklets": ', '"tracklets": 1', "recording.json says"),
        ("links.json", "transitions", "moves", "transitions"),
        ("cameras.json", "{", "[", "not JSON"),
    ],
)
def test_damage_is_named_in_one_line(folder, name, old, new, says):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1) if name != "vehicles.csv" else _last_replaced(text, old, new))

    if name == "vehicles.csv" and old == "60,":
        _point_a_tracklet_at(folder, 60)
    with pytest.raises(CityDamaged, match=says) as caught:
        read_recording(folder)

    assert "\n" not in str(caught.value)


def _last_replaced(text, old, new):
    head, _, tail = text.rpartition(old)
    return head + new + tail


def _point_a_tracklet_at(folder, vehicle):
    lines = (folder / "tracklets.csv").read_text().splitlines(keepends=True)
    camera, _, rest = lines[-1].split(",", 2)
    lines[-1] = f"{camera},{vehicle},{rest}"
    (folder / "tracklets.csv").write_text("".join(lines))


def test_a_short_line_is_named_with_its_number(folder):
    path = folder / "tracklets.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:4], "school,1,2\n", *lines[5:]]))

    with pytest.raises(CityDamaged, match=r"tracklets\.csv:5: expected 14 columns, got 3"):
        read_recording(folder)


def test_other_files_are_not_overwritten(recording, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(CityError, match="holds other files"):
        write_recording(recording, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_clock_is_part_of_the_truth(folder):
    cameras = {entry["id"]: entry for entry in json.loads((folder / "cameras.json").read_text())}

    assert cameras["school"]["clock"] == {"offset_s": 5.0, "drift_ppm": 0.0, "steps": [[60.0, 2.0]]}
    assert cameras["bank"]["clock"]["drift_ppm"] == 40.0

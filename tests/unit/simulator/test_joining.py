"""Cities joined: cameras renamed, everything renumbered, nothing shared, nothing lost."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from services.cli.simulate import app
from simulator.city import City, CityCamera, CityVehicle, load_city, write_city
from simulator.errors import CityError
from simulator.joining import join_cities

POSE = {"eye_m": [0, 6, 0], "target_m": [0, 1, 20], "fov_deg": 50, "light": "noon"}


def city(folder, cameras, vehicles, truth, fps=10.0):
    """A city of clips that nobody plays."""
    folder.mkdir()
    for name in cameras:
        (folder / f"{name}.mp4").write_bytes(name.encode())
    (folder / "ground_truth.txt").write_text(truth)
    (folder / "ATTRIBUTION.md").write_text(f"# Meshes of {folder.name}\n\n| Bus | Ann |\n")
    clips = tuple(
        CityCamera(name, number, folder / f"{name}.mp4", 640, 360, 20, POSE) for number, name in enumerate(cameras, 1)
    )
    write_city(City(folder.name, 5, folder.name, fps, 0.0, clips, tuple(vehicles), folder / "ground_truth.txt", folder))
    return load_city(folder)


def vehicle(number, twin_of=None):
    return CityVehicle(number, "leon", "car", "beige", (), ("a", "b"), twin_of)


@pytest.fixture
def two(tmp_path):
    north = city(
        tmp_path / "hill",
        ["north", "gate"],
        [vehicle(4), vehicle(9, 4)],
        "1 4 1 5 5 30 20 1.000 -1\n2 9 3 1 2 3 4 0.5 -1\n",
    )
    yard = city(tmp_path / "port", ["north"], [vehicle(2), vehicle(7, 2)], "1 7 2 8 8 30 20 1.000 -1\n")
    return north, yard


def test_cameras_and_vehicles_keep_apart(two, tmp_path):
    joined = join_cities(two, tmp_path / "both")

    assert [(camera.id, camera.number) for camera in joined.cameras] == [
        ("s1-north", 1),
        ("s1-gate", 2),
        ("s2-north", 3),
    ]
    assert [camera.path.read_bytes() for camera in joined.cameras] == [b"north", b"gate", b"north"]
    assert [(v.id, v.twin_of) for v in joined.vehicles] == [(4, None), (9, 4), (11, None), (16, 11)]
    assert joined.truth_path.read_text() == (
        "1 4 1 5 5 30 20 1.000 -1\n2 9 3 1 2 3 4 0.5 -1\n3 16 2 8 8 30 20 1.000 -1\n"
    )
    credits_text = (joined.folder / "ATTRIBUTION.md").read_text()
    assert "Meshes of hill" in credits_text
    assert "Meshes of port" in credits_text
    assert joined.place == "hill+port"


def test_a_city_may_be_joined_with_itself(two, tmp_path):
    joined = join_cities([two[1], two[1]], tmp_path / "twice")

    assert [v.id for v in joined.vehicles] == [2, 7, 9, 14]


@pytest.mark.parametrize("case", ["one", "rates", "full"])
def test_what_cannot_be_joined_is_refused_and_nothing_written(two, tmp_path, case):
    out = tmp_path / "both"
    cities, says = {
        "one": ([two[0]], "two cities or more"),
        "rates": ([two[0], replace(two[1], fps=25.0)], "different frame rates: 10, 25"),
        "full": (list(two), "is not empty"),
    }[case]
    if case == "full":
        out.mkdir()
        (out / "mine.txt").write_text("kept")

    with pytest.raises(CityError, match=says):
        join_cities(cities, out)

    assert [path.name for path in out.iterdir()] == ["mine.txt"] if case == "full" else not out.exists()


def test_the_command_tells_what_it_made(two, tmp_path):
    folders = [str(each.folder) for each in two]
    done = CliRunner().invoke(app, ["join", *folders, "--out", str(tmp_path / "both"), "--json"])
    again = CliRunner().invoke(app, ["join", *folders, "--out", str(tmp_path / "both")])

    assert json.loads(done.stdout)["cameras"] == ["s1-north", "s1-gate", "s2-north"]
    assert (again.exit_code, again.stderr.strip()) == (1, f"vreid: {tmp_path / 'both'} is not empty")

"""The commands against a running matcher, as a person and as a script use them."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from services.cli import gallery, identity
from services.cli.query import query
from services.identity.records import CameraRecord

app = typer.Typer()
app.command()(query)
app.add_typer(gallery.app, name="gallery")
app.add_typer(identity.app, name="identity")


@pytest.fixture
def vreid(street, monkeypatch):
    """Runs a command line; returns its result."""
    monkeypatch.setenv("VREID_ADDRESS", street.matcher.address)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def documented(vreid):
    """Runs a command with --json; returns the document."""

    def run(*arguments: object) -> dict[str, object]:
        result = vreid(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def red(tmp_path, picture):
    path = tmp_path / "red.png"
    path.write_bytes(picture((0, 0, 250)))
    return path


def test_query_for_scripts(documented, red) -> None:
    document = documented("query", red, "-k", 2)
    best, second = document["matches"]
    assert set(best) == {
        "identity_id", "sighting_id", "camera_id", "first_seen", "last_seen", "similarity", "probability", "posterior"
    }  # fmt: skip
    assert (best["identity_id"], best["sighting_id"], best["camera_id"]) == ("id-red", "red-1", "north")
    assert (best["first_seen"], best["last_seen"]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:22.000Z")
    assert best["similarity"] == pytest.approx(1, abs=1e-3)
    assert 0 < second["probability"] <= best["probability"] <= 1
    assert 0 < second["posterior"] <= best["posterior"] <= 1


def test_query_by_camera_and_identity(documented, red) -> None:
    cameras = [m["camera_id"] for m in documented("query", red, "--camera", "north", "--camera", "east")["matches"]]
    assert sorted(cameras) == ["east", "north", "north"]
    others = [m["camera_id"] for m in documented("query", red, "--exclude-camera", "north")["matches"]]
    assert others == ["south", "east"]
    vehicles = [m["identity_id"] for m in documented("query", red, "--by-identity", "--as-is")["matches"]]
    assert vehicles == ["id-red", "id-blue"]


@pytest.mark.parametrize("option", ["--camera", "--exclude-camera"])
def test_a_camera_that_the_site_does_not_know_is_warned_of(vreid, red, option) -> None:
    asked = vreid("query", red, option, "nroth", option, "south", "--json")
    assert asked.exit_code == 0
    assert {"matches"} == set(json.loads(asked.stdout))
    assert asked.stderr == "vreid: warning: no camera 'nroth' is known here; known are none\n"


def test_cameras_that_are_read_are_named_and_those_that_saw_something_known(vreid, street) -> None:
    street.store.put_camera(CameraRecord("gate", "rtsp://gate", "file", "up", "", 0))
    listed = vreid("identity", "list", "--camera", "nroth", "--camera", "gate", "--camera", "south", "--json")
    assert (listed.exit_code, json.loads(listed.stdout)["total"]) == (0, 1)
    assert listed.stderr == "vreid: warning: no camera 'nroth' is known here; known are gate\n"
    assert vreid("identity", "list", "--camera", "gate", "--camera", "south").stderr == ""


def test_query_for_people(vreid, red) -> None:
    shown = vreid("query", red)
    assert shown.exit_code == 0
    for word in ("id-red", "north", "100%", "no decision yet"):
        assert word in shown.stdout
    assert "Nothing in the gallery" in vreid("query", red, "--camera", "nowhere").stdout


def test_gallery_list(vreid, documented) -> None:
    document = documented("gallery", "list", "--limit", 1, "--offset", 1)
    assert document["total"] == 2
    (entry,) = document["entries"]
    assert (entry["identity_id"], entry["cameras"], entry["sightings"]) == ("id-red", ["north", "south"], 2)
    assert "north > south" in vreid("gallery", "list").stdout
    assert "1 of 2" in vreid("gallery", "list", "--limit", 1).stdout
    assert "2 in all" in vreid("gallery", "list", "--offset", 5).stdout


def test_gallery_show_and_stats(vreid, documented) -> None:
    assert documented("gallery", "show", "id-blue")["vectors"] == 1
    assert "id-blue" in vreid("gallery", "show", "id-blue").stdout
    stats = documented("gallery", "stats")
    assert {"identities", "sightings", "vectors", "bytes", "segments", "tier", "backend", "model_id"} <= set(stats)
    assert (stats["identities"], stats["sightings"], stats["tier"]) == (2, 4, "exact")
    assert "faiss-cpu" in vreid("gallery", "stats").stdout


def test_gallery_delete(vreid, documented, street) -> None:
    document = documented("gallery", "delete", "green-1", "--sighting")
    assert document == {"deleted": "green-1", "log_position": street.store.last_event_id()}
    assert "deleted id-red" in vreid("gallery", "delete", "id-red").stdout
    assert documented("gallery", "stats")["sightings"] == 1


def test_identity_show(vreid, documented, street) -> None:
    street.merge("id-red", "id-blue")
    street.settle()
    document = documented("identity", "show", "id-blue")
    assert (document["identity_id"], document["aliases"]) == ("id-red", ["id-blue"])
    assert [(s["sighting_id"], s["camera_id"], s["class"]) for s in document["sightings"]] == [
        ("red-1", "north", "car"),
        ("red-2", "south", "car"),
        ("blue-1", "north", "truck"),
    ]
    assert document["sightings"][0]["first_seen"] == "2023-11-14T22:13:20.000Z"
    shown = vreid("identity", "show", "id-red").stdout
    assert "also known as id-blue" in shown
    assert "truck" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("gallery", "show", "nothing"),
        ("gallery", "delete", "nothing"),
        ("gallery", "delete", "nothing", "--sighting"),
        ("identity", "show", "nothing"),
    ],
)
def test_unknown_ids_are_one_line(vreid, documented, arguments) -> None:
    result = vreid(*arguments, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("vreid: ")
    assert "nothing" in result.stderr
    assert result.stderr.count("\n") == 1
    assert documented("gallery", "stats")["sightings"] == 4


def test_a_picture_that_is_cut_short_is_named(vreid, red) -> None:
    cut = red.with_name("cut.png")
    cut.write_bytes(red.read_bytes()[:-40])
    for arguments in (("query", cut), ("query", red, "--also", red, "--also", cut), ("query", red, "--not", cut)):
        result = vreid(*arguments)
        assert (result.exit_code, result.stderr) == (1, f"vreid: {cut}: damaged or cut short\n")


def test_one_pixel_is_refused_by_the_matcher(vreid, tmp_path, picture) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(picture((0, 0, 250), margin=0, size=1))
    result = vreid("query", path)
    assert result.exit_code == 1
    assert "1x1 is too small" in result.stderr
    assert result.stderr.count("\n") == 1

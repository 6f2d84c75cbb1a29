"""What ``simulate render`` answers to lights and sizes that are none."""

import sys

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from simulator.errors import CityError, RendererMissing
from simulator.frames import light_of
from simulator.place import Place
from simulator.script import RenderRequest

BASE = ["simulate", "render", "--seed", "1", "--place", "riverside"]


def test_unknown_lights_are_refused_in_one_line_that_names_the_known(tmp_path):
    result = CliRunner().invoke(app, [*BASE, "--out", str(tmp_path / "c"), "--light", "moonshine"])

    assert result.exit_code == 1
    message = result.stderr.strip().splitlines()[-1]
    assert "no light 'moonshine'" in message
    assert "noon, afternoon, low_sun, overcast, rainy, dusk, night, fog" in " ".join(result.stderr.split())
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("size", ["wide", "641x360", "640x", "9000x9000"])
def test_sizes_that_are_none_are_refused(tmp_path, size):
    result = CliRunner().invoke(app, [*BASE, "--out", str(tmp_path / "c"), "--size", size])

    assert result.exit_code == 1
    assert "960x540" in result.stderr


def test_a_request_may_override_every_cameras_light():
    camera = Place.load("riverside").spec.cameras[0]

    assert light_of(camera, RenderRequest(1, "riverside", "t").light) == camera.light
    assert light_of(camera, "night") == "night"
    with pytest.raises(CityError, match="known lights: noon"):
        light_of(camera, "Night")


def test_a_missing_renderer_says_what_to_install(monkeypatch):

    from simulator.renderer.device import open_context

    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(RendererMissing, match=r"pip install 'vreid\[render\]'") as caught:
        open_context()

    assert "\n" not in str(caught.value)


def test_a_missing_driver_says_what_to_install(monkeypatch):

    from types import SimpleNamespace

    from simulator.renderer.device import open_context

    def refuse(**_):
        raise ValueError("no display")

    monkeypatch.setitem(sys.modules, "moderngl", SimpleNamespace(create_context=refuse))
    with pytest.raises(RendererMissing, match="apt-get install libegl1 libgl1-mesa-dri"):
        open_context()

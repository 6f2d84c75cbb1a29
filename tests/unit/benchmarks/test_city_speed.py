"""The renderer's frame rate, measured for real on tiny pictures."""

import shutil

import pytest

from benchmarks.city import speed
from services.cli.bench.city import show_city
from simulator.errors import MeshesMissing, RendererMissing


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_both_lights_are_measured_in_all_processes(monkeypatch, capsys):
    monkeypatch.setattr(speed, "SIZE_PX", (96, 54))
    monkeypatch.setattr(speed, "VEHICLES", 1)
    try:
        found = speed.renderer_speed(0.2, 2)
    except (MeshesMissing, RendererMissing) as exc:
        pytest.skip(str(exc))

    assert found["size"] == [96, 54]
    assert (found["vehicles"], found["processes"]) == (1, 2)
    assert set(found["by_light"]) == {"noon", "night"}
    assert found["frames_per_s"] == min(found["by_light"].values()) > 0
    nothing = {"asked": 0, "recall": None, "precision": None, "class_agreement": None}
    detector = {"day": nothing, "night": nothing, "by_light": {}, "by_place": {}}
    show_city({"detector": detector, "faces": {}, "renderer": found})
    assert "96x54, 1 vehicles, 2 processes" in " ".join(capsys.readouterr().out.split())

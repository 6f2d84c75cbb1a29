"""Twins and plates as a camera sees them; the renderer runs in a process of its own."""

import json
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get"
)

#: Draws pairs from the four sides and prints, per pair and side, how many pixels differ and by how much at most.
PROGRAM = """
import json
from dataclasses import replace

import numpy as np

from simulator.errors import RendererMissing
from simulator.vehicles.identity import SIDES, Decal, draw_appearance, draw_fleet, with_plate, without_plate
from simulator.meshes import MeshLibrary
from simulator.renderer.scene import Renderer
from simulator.showroom import Showroom, render_showroom
from simulator.vehicles.twins import alike_pair, told_apart

BEARINGS = {"front": 0.0, "rear": 180.0, "left": -90.0, "right": 90.0}
try:
    renderer = Renderer(160, 100, MeshLibrary.open())
except RendererMissing as exc:
    print("no renderer:", exc)
    raise SystemExit


def differing(first, second):
    room = Showroom((160, 100), tuple(BEARINGS[side] for side in SIDES), fill=0.9)
    both = render_showroom([replace(first, vehicle_id=1), replace(second, vehicle_id=1)], room, renderer)
    away = np.abs(both[:100].astype(int) - both[100:]).max(axis=2).reshape(100, len(SIDES), 160)
    return {side: [int((away[:, i] > 0).sum()), int(away[:, i].max())] for i, side in enumerate(SIDES)}


found = {"alike": [], "apart": [], "plate": [], "same": []}
for model in ("focus", "scenic"):
    fleet = [draw_appearance(1, 10 + k, model=model, colour="red") for k in range(2)]
    for side in SIDES:
        earlier, later = alike_pair(*fleet, "unseen", side)
        found["alike"].append([side, differing(earlier, with_plate(later, earlier.plate_seed))])
    other = told_apart(fleet[0], fleet[1], "unseen")
    shown_as_paint = replace(other, paint=fleet[0].paint, metallic=fleet[0].metallic, plate_seed=fleet[0].plate_seed)
    shown_as_paint = replace(shown_as_paint, dirt=fleet[0].dirt, dirt_seed=fleet[0].dirt_seed)
    found["apart"].append(differing(fleet[0], shown_as_paint))
    found["same"].append(differing(fleet[0], fleet[0]))
    found["plate"].append(differing(with_plate(fleet[0], 1), without_plate(fleet[0])))
bare = replace(draw_appearance(1, 10, model="van", colour="white"), decals=(), panel=(0.9, 0.9, 0.9))
signed = replace(bare, decals=(Decal("signwriting", "flanks", (0.7, 0.1, 0.1), 5, "TOVENTA"),))
found["lettering"] = differing(bare, signed)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("no renderer"):
        pytest.skip(done.stdout.strip())
    return json.loads(done.stdout)


def test_same_vehicle_same_pixels(found):
    for sides in found["same"]:
        assert all(pixels == 0 for pixels, _ in sides.values())


def test_alike_twins_show_the_same_pixels_from_that_side_only(found):
    assert len(found["alike"]) == 8
    for alike, sides in found["alike"]:
        pixels, most = sides.pop(alike)
        assert pixels == 0 if alike in ("front", "rear") else most <= 1, alike
        assert all(pixels > 4 and most > 12 for pixels, most in sides.values()), (alike, sides)


def test_other_twins_differ_from_each_side_though_paint_dirt_and_plate_were_the_same(found):
    for sides in found["apart"]:
        assert all(pixels > 4 and most > 12 for pixels, most in sides.values()), sides


def test_plates_show_at_both_ends_and_nowhere_else(found):
    for sides in found["plate"]:
        assert all(sides[end][0] > 8 for end in ("front", "rear")), sides
        assert all(sides[flank][0] < 8 for flank in ("left", "right")), sides


def test_lettering_shows_on_walls_that_lean_back(found):
    assert found["lettering"]["left"][0] > 60
    assert found["lettering"]["right"][0] > 60

"""Drawing only the sides that can be seen does not change pictures to the eye."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from simulator.renderer.gpu_mesh import Sides, sorted_by_sides
from simulator.renderer.surface import Mesh, TexturedMesh

#: Prints, per body and bearing: pixels that differ from drawing everything, and pixels of the body.
PROGRAM = """
import json

import numpy as np

import simulator.renderer.scene as scene
from simulator.errors import RendererMissing
from simulator.vehicles.identity import draw_appearance
from simulator.meshes import MeshLibrary
from simulator.renderer.gpu_mesh import draw, draw_all
from simulator.renderer.surface import Slot
from simulator.showroom import Showroom, _square, _view

try:
    renderer = scene.Renderer(320, 200, MeshLibrary.open())
except RendererMissing as exc:
    print("no renderer:", exc)
    raise SystemExit

found = []
for model in ("focus", "van", "citybus", "sportbike"):
    look = draw_appearance(1, 10, model=model, colour="red")
    vehicle = scene.Placed(look, 0.0, 0.0, 0.0)
    for bearing in (20.0, 130.0, 250.0):
        renderer.set_stage(_square(), _view(Showroom(), renderer.body_size_m(model), bearing))
        seen = []
        for how in (draw, lambda gl, layers, unit=None, *, fine=True: draw_all(layers, unit)):
            scene.draw = how
            seen.append(renderer.photograph([vehicle]).astype(int))
        differing = np.abs(seen[0] - seen[1]).max(axis=2) > 24
        found.append([int(differing.sum()), int(renderer.solo_mask(vehicle).sum())])
print(json.dumps(found))
"""


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_what_is_not_drawn_is_not_missed():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("no renderer"):
        pytest.skip(done.stdout.strip())

    for pictures, body in json.loads(done.stdout):
        assert body > 3000
        assert pictures <= 0.01 * body


def test_triangles_are_sorted_by_the_sides_that_were_seen():
    triangles = np.arange(12, dtype=np.int32).reshape(4, 3)
    corners = np.zeros((12, 15), np.float32)
    mesh = Mesh((TexturedMesh(corners, triangles), TexturedMesh(corners, triangles[:1])), (1.0, 1.0, 1.0))
    seen = np.array([(0, 5), (3, 0), (2, 2), (0, 0), (0, 1)])

    first, second = sorted_by_sides(mesh, seen)

    assert first[Sides.OUTSIDE].tolist() == [[0, 1, 2], [5, 4, 3]]
    assert first[Sides.BOTH].tolist() == [[6, 7, 8]]
    assert first[Sides.HARDLY].tolist() == [[9, 10, 11]]
    assert list(second) == [Sides.OUTSIDE]

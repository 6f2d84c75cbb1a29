"""`vreid bench identities` on a small case, as a command: a city rendered, played against the product, scored."""

import json
import shutil
import subprocess
import sys

import pytest

PLACE = """
name: lane
scenery_seed: 5
nodes: {a: [0, 0], b: [0, 150]}
roads: [{name: r, start: a, end: b}]
cameras:
  - {name: near, road: r, at_m: 40, side_m: 6, height_m: 6, look_m: 68, fov_deg: 60}
  - {name: far, road: r, at_m: 84, side_m: -6, height_m: 6, look_m: 112, fov_deg: 60}
routes: [{through: [a, b]}, {through: [b, a]}]
"""


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_a_small_city_is_rendered_played_and_scored(tmp_path):
    place = tmp_path / "lane.yaml"
    place.write_text(PLACE)
    options = ["--place", place, "--seconds", 8, "--keep", tmp_path / "cities"]
    command = [sys.executable, "-m", "services.cli.main", "bench", "identities", *map(str, options), "--json"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)

    if "no OpenGL" in done.stderr or "moderngl" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (row,) = document["cities"]
    assert (row["place"], row["light"], row["cameras"]) == ("lane", "own", 2)
    assert 0.0 < row["idf1"] <= 1.0
    assert document["mean"]["idf1"] == row["idf1"]

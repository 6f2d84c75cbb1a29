"""`vreid bench city` on a small case, as a command: rendered in a child, judged by the published detector."""

import json
import shutil
import subprocess
import sys

import pytest

PLACE = """
name: lane
scenery_seed: 5
nodes: {a: [0, 0], b: [0, 120]}
roads: [{name: r, start: a, end: b}]
cameras: [{name: c, road: r, at_m: 40, side_m: 6, height_m: 6, look_m: 70, fov_deg: 60}]
routes: [{through: [a, b]}, {through: [b, a]}]
"""


def bench(*arguments):
    command = [sys.executable, "-m", "services.cli.main", "bench", "city", *map(str, arguments), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_a_small_city_is_rendered_and_judged(tmp_path):
    place = tmp_path / "lane.yaml"
    place.write_text(PLACE)
    options = ["--place", place, "--light", "noon", "--seconds", 4, "--fps", 2, "--keep", tmp_path / "cities"]

    done = bench(*options)

    if "no OpenGL" in done.stderr or "moderngl" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    noon = document["detector"]["by_light"]["noon"]
    assert noon["asked"] > 0
    assert noon["recall"] > 0.3
    assert document["detector"]["by_place"] == {str(place): noon}
    assert document["faces"][str(place)]["passages"] > 0
    assert (tmp_path / "cities" / "lane-noon-11-4s-2fps" / "city.json").is_file()


def test_an_unknown_light_is_one_line(tmp_path):
    done = bench("--light", "moonrise", "--seconds", 2, "--keep", tmp_path)

    assert done.returncode == 1
    assert "no light 'moonrise'; known lights: noon" in done.stderr.splitlines()[-1]

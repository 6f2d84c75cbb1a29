"""The renderer, in processes of its own: the same request gives the same truth and the same pixels."""

import shutil
import subprocess
import sys

import pytest

from simulator.errors import CityError, MeshesMissing, RendererMissing
from simulator.meshes import MeshLibrary
from simulator.render import render_city
from simulator.script import RenderRequest, write_script
from simulator.splits import DEMO, JUDGED

PLACE = """
name: lane
scenery_seed: 5
nodes: {a: [0, 0], b: [0, 120]}
roads: [{name: r, start: a, end: b}]
cameras: [{name: c, road: r, at_m: 40, side_m: 6, height_m: 6, look_m: 70, fov_deg: 60}]
routes: [{through: [a, b]}, {through: [b, a]}]
"""

PROGRAM = """
import sys
from simulator.errors import RendererMissing
from simulator.render import pixel_hash
from simulator.script import RenderRequest
try:
    print(pixel_hash(RenderRequest({seed}, sys.argv[1], "t", seconds=0.3, size=(160, 96), vehicles_per_minute=9)))
except RendererMissing as exc:
    print("no renderer:", exc)
"""


def _hash(place, seed):
    program = PROGRAM.format(seed=seed)
    done = subprocess.run(
        [sys.executable, "-c", program, str(place)], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("no renderer"):
        pytest.skip(done.stdout.strip())
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_same_request_same_pixels_and_truth_in_two_processes(tmp_path):
    place = tmp_path / "lane.yaml"
    place.write_text(PLACE)

    first = _hash(place, 900200)

    assert len(first) == 64
    assert _hash(place, 900200) == first
    assert _hash(place, 900201) != first


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_cameras_beside_each_other_write_the_same_files_as_one_after_the_other(tmp_path):
    place = tmp_path / "lane.yaml"
    second = "{name: d, road: r, at_m: 100, side_m: 6, height_m: 6, look_m: 60, fov_deg: 60}"
    place.write_text(PLACE.replace("fov_deg: 60}]", "fov_deg: 60}, " + second + "]"))
    request = RenderRequest(900200, str(place), "t", seconds=0.5, size=(160, 96), vehicles_per_minute=30)
    files = []
    for processes in (1, 2):
        out, calls = tmp_path / str(processes), []
        try:
            city = render_city(request, out, lambda done, total, calls=calls: calls.append((done, total)), processes)
        except (MeshesMissing, RendererMissing) as exc:
            pytest.skip(str(exc))
        assert [camera.id for camera in city.cameras] == ["c", "d"]
        assert calls == [(done, 10) for done in range(1, 11)]
        files.append({path.name: path.read_bytes() for path in out.iterdir()})

    assert {"c.mp4", "d.mp4", "ground_truth.txt", "city.json"} <= set(files[0])
    assert files[0] == files[1]


def test_same_request_same_script(tmp_path):
    place = tmp_path / "lane.yaml"
    place.write_text(PLACE)
    request = RenderRequest(900200, str(place), "t", seconds=2.0, vehicles_per_minute=9)

    first, second = write_script(request), write_script(request)

    assert first.fleet == second.fleet
    assert first.frames == second.frames
    assert first.trips == second.trips


def test_fleets_stay_within_their_split(tmp_path):
    place = tmp_path / "lane.yaml"
    place.write_text(PLACE)

    for seed, split in ((900100, DEMO), (0, JUDGED), (700, JUDGED), (1_000_001, JUDGED)):
        script = write_script(RenderRequest(seed, str(place), "t", seconds=0.1))
        assert all(look.seed in split.seeds for look in script.fleet.values())


def test_training_places_and_seeds_are_refused():
    with pytest.raises(CityError, match="training split"):
        write_script(RenderRequest(900200, "oldtown", "t"))
    with pytest.raises(CityError, match="training split"):
        write_script(RenderRequest(100_001, "riverside", "t"))


def test_missing_meshes_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.meshes.SYSTEM_FOLDER", tmp_path / "usr")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MeshesMissing, match="apt-get install sweethome3d-furniture") as caught:
        MeshLibrary.open(tmp_path / "cache")

    assert "\n" not in str(caught.value)


STAGES = """
from simulator.dataset.plan import PARTS
from simulator.dataset.standpoints import standpoints
from simulator.dataset.studio import Studio
from simulator.errors import RendererMissing

def held_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

try:
    studio = Studio(None)
    points = standpoints(PARTS["train"])
    for number in range(12):
        studio.go_to(points[number % 2], ("noon", "dusk")[number % 2])
        if number == 3:
            before = held_mb()
    print(held_mb() - before)
except RendererMissing as exc:
    print("no renderer:", exc)
"""


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_a_camera_that_was_left_holds_no_memory():
    done = subprocess.run([sys.executable, "-c", STAGES], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("no renderer"):
        pytest.skip(done.stdout.strip())
    assert float(done.stdout) < 80  # eight stages held 36 MB each

"""The city that ships with the product: complete, as promised, untouched, and foreign to training."""

import json
import shutil
from collections import defaultdict

import av
import pytest

from simulator.city import DEMO, load_city
from simulator.errors import CityDamaged
from simulator.splits import DEMO as DEMO_SPLIT
from simulator.splits import JUDGED, TRAIN
from simulator.truth import read_truth


@pytest.fixture(scope="module")
def city():
    return load_city(DEMO)


@pytest.fixture(scope="module")
def valid_cameras(city):
    """Cameras in which each vehicle is wide and visible enough to be asked for."""
    seen = defaultdict(set)
    for box in read_truth(city.truth_path):
        if box.width >= 32 and box.visible >= 0.4:
            seen[box.vehicle_id].add(box.camera)
    return seen


def test_it_is_what_was_promised(city, valid_cameras):
    assert [camera.id for camera in city.cameras] == ["north", "market", "bridge", "harbour"]
    assert city.fps == 10
    assert all((camera.width, camera.height, camera.frames) == (640, 360, 750) for camera in city.cameras)
    assert len(valid_cameras) >= 44
    assert sum(len(cameras) >= 2 for cameras in valid_cameras.values()) >= 28
    assert any(len(cameras) == 1 for cameras in valid_cameras.values())
    assert sum(path.stat().st_size for path in city.folder.iterdir()) < 25e6


def test_truth_and_vehicles_agree(city):
    boxes = read_truth(city.truth_path)

    assert {box.vehicle_id for box in boxes} == {vehicle.id for vehicle in city.vehicles}
    assert {box.camera for box in boxes} == {camera.number for camera in city.cameras}
    assert all(1 <= box.frame <= 750 and 0 <= box.visible <= 1 for box in boxes)
    assert all(box.left >= 0 and box.left + box.width <= 640 and box.top + box.height <= 360 for box in boxes)


def test_clips_are_as_cameras_send_them(city):
    for camera in city.cameras:
        with av.open(str(camera.path)) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
            assert (stream.codec_context.name, stream.average_rate) == ("h264", 10)
            assert stream.codec_context.pix_fmt == "yuv420p"
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets], "B-frames"
        assert [n for n, packet in enumerate(packets) if packet.is_keyframe] == list(range(0, 750, 10))


def test_its_meshes_are_credited(city):
    text = (city.folder / "ATTRIBUTION.md").read_text()

    assert "Creative Commons Attribution 3.0" in text
    assert all(f"`{vehicle.model}`" in text for vehicle in city.vehicles)


@pytest.mark.parametrize("name", ["north.mp4", "ground_truth.txt", "city.json"])
def test_a_changed_or_missing_file_is_named(city, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(city.folder, copy)
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")

    with pytest.raises(CityDamaged, match=name):
        load_city(copy)

    if name != "city.json":
        (copy / name).unlink()
        with pytest.raises(CityDamaged, match=f"{name} is missing"):
            load_city(copy)


def test_unknown_cities_list_the_known_ones():
    with pytest.raises(CityDamaged, match="demo"):
        load_city("atlantis")


def test_no_seed_or_place_of_the_demo_is_trained_on(city):
    document = json.loads((city.folder / "city.json").read_text())

    assert document["seed"] in DEMO_SPLIT.seeds
    assert document["place"] in DEMO_SPLIT.places
    for other in (DEMO_SPLIT, JUDGED):
        assert not set(TRAIN.places) & set(other.places)
        assert TRAIN.seeds.stop <= other.seeds.start
    assert max(vehicle.id for vehicle in city.vehicles) + document["seed"] < DEMO_SPLIT.seeds.stop

"""What is written is read by readers of VeRi-776: the usual one, written down here naively, is the oracle."""

import re
import xml.etree.ElementTree as ET
from collections import defaultdict

from reid.data import read_set
from simulator.dataset.veri import COLOURS, TYPES, colour_number, type_number
from simulator.vehicles.catalogue import MODELS
from simulator.vehicles.identity import COLOURS as PAINTS

NAME = re.compile(r"([-\d]+)_c(\d+)")


def _read(folder):
    """Vehicle and camera of every picture of a folder, as published readers take them from the names."""
    read = []
    for path in sorted(folder.glob("*.jpg")):
        vehicle, camera = map(int, NAME.search(path.name).groups())
        assert 0 <= vehicle <= 776
        assert 1 <= camera <= 20
        read.append((path.name, vehicle, camera))
    return read


def test_folders_hold_what_the_lists_name(painted):
    folder, _, records = painted
    for name, part in (("train", "train"), ("test", "test")):
        listed = (folder / f"name_{name}.txt").read_text().split()
        assert listed == [name for name, _, _ in _read(folder / f"image_{name}")]
        assert set(listed) == {record.image for record in records if record.part == part}

    queries = (folder / "name_query.txt").read_text().split()
    assert sorted(queries) == [name for name, _, _ in _read(folder / "image_query")]
    assert set(queries) <= set((folder / "name_test.txt").read_text().split())


def test_parts_share_neither_vehicle_nor_camera(painted):
    folder, _, _ = painted
    train, test = _read(folder / "image_train"), _read(folder / "image_test")

    assert not {vehicle for _, vehicle, _ in train} & {vehicle for _, vehicle, _ in test}
    assert not {camera for _, _, camera in train} & {camera for _, _, camera in test}


def test_one_query_per_vehicle_and_camera(painted):
    folder, _, _ = painted

    queries = [pair[1:] for pair in _read(folder / "image_query")]

    assert sorted(queries) == sorted({pair[1:] for pair in _read(folder / "image_test")})


def test_ground_truth_and_junk_follow_the_protocol(painted):
    folder, _, _ = painted
    gallery = (folder / "name_test.txt").read_text().split()
    key = {name: tuple(map(int, NAME.search(name).groups())) for name in gallery}
    right = (folder / "gt_index.txt").read_text().splitlines()
    junk = (folder / "jk_index.txt").read_text().splitlines()
    queries = (folder / "name_query.txt").read_text().split()

    assert len(right) == len(junk) == len(queries) > 0
    for query, good, bad in zip(queries, right, junk, strict=True):
        vehicle, camera = key[query]
        own = [(index, key[name]) for index, name in enumerate(gallery, 1) if key[name][0] == vehicle]
        assert [int(i) for i in good.split()] == [index for index, (_, other) in own if other != camera]
        assert [int(i) for i in bad.split()] == [index for index, (_, other) in own if other == camera]
        assert gallery.index(query) + 1 in [int(i) for i in bad.split()]
        assert good


def test_labels_name_every_picture_once(painted):
    folder, _, records = painted
    known = {record.image: record for record in records}
    for part in ("train", "test"):
        items = ET.parse(folder / f"{part}_label.xml").getroot().find("Items")
        assert int(items.get("number")) == len(items)
        assert [item.get("imageName") for item in items] == (folder / f"name_{part}.txt").read_text().split()
        for item in items:
            record = known[item.get("imageName")]
            assert item.get("vehicleID") == f"{record.vehicle:04d}"
            assert item.get("cameraID") == f"c{record.camera:03d}"
            assert 1 <= int(item.get("colorID")) <= len(COLOURS)
            assert TYPES[int(item.get("typeID")) - 1]


def test_tracks_hold_one_vehicle_in_one_camera(painted):
    folder, plan, _ = painted
    tracks = defaultdict(list)
    for line in (folder / "test_track.txt").read_text().splitlines():
        name, *images = line.split()
        tracks[tuple(name.split("_")[:2])] += images
        assert {tuple(image.split("_")[:2]) for image in images} == {tuple(name.split("_")[:2])}
        assert len(images) == plan.crops_each

    assert (
        sorted(image for images in tracks.values() for image in images)
        == (folder / "name_test.txt").read_text().split()
    )


def test_our_own_training_reads_it(painted):
    folder, plan, _ = painted

    train = read_set(folder, "veri").train

    assert len(train) == plan.train_vehicles * 2 * plan.crops_each
    assert {sample.path.parent.name for sample in train} == {"image_train"}
    assert all(sample.kind for sample in train)


def test_every_paint_and_body_has_a_number():
    assert all(1 <= colour_number(paint) <= len(COLOURS) for paint in PAINTS)
    assert all(1 <= type_number(name, body.kind) <= len(TYPES) for name, body in MODELS.items())

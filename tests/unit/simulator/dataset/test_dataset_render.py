"""Tiny sets, really rendered (in the processes that the product starts): splits hold, resuming gives the same files."""

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from simulator.dataset import DetectionPlan, ReidPlan, render_dataset
from simulator.errors import DatasetError, MeshesMissing
from simulator.splits import TEST, TRAIN, UNTRAINED_BODIES

PLAN = ReidPlan(2, 2, cameras_each=2, crops_each=2, boxes="mask")


def _render(plan, folder, **more):
    try:
        return render_dataset(plan, folder, processes=1, **more)
    except MeshesMissing as exc:
        pytest.skip(str(exc))
    except DatasetError as exc:
        if "OpenGL" in str(exc) or "moderngl" in str(exc):
            pytest.skip(str(exc))
        raise


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "set"
    calls = []
    summary = _render(PLAN, folder, progress=lambda done, total: calls.append((done, total)))
    records = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    return folder, summary, records, calls


def _hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_vehicle_has_its_pictures_in_its_cameras(rendered):
    folder, summary, records, calls = rendered
    tracks = Counter((record["vehicle"], record["camera"]) for record in records)

    assert summary.short == {}
    assert all(sum(vehicle == v and n == 2 for (v, _), n in tracks.items()) == 2 for vehicle in (1, 2, 3, 4))
    assert summary.images == {"train": 8, "test": 8}
    assert calls[0] == (0, 16)
    assert calls[-1] == (16, 16)
    for record in records:
        picture = cv2.imread(str(folder / f"image_{record['part']}" / record["image"]))
        assert picture.shape == (record["height"], record["width"], 3)
        assert max(record["width"], record["height"]) >= 48
        assert record["visible"] >= 0.6
        assert picture.std() > 5


def test_training_shares_nothing_with_the_test(rendered):
    folder, _, records, _ = rendered
    vehicles = json.loads((folder / "vehicles.json").read_text())
    for part, split in (("train", TRAIN), ("test", TEST)):
        own = [record for record in records if record["part"] == part]
        assert {record["place"] for record in own} <= set(split.places)
        assert all(vehicles[f"{record['vehicle']:04d}"]["seed"] in split.seeds for record in own)
        assert all(vehicles[f"{record['vehicle']:04d}"]["split"] == split.name for record in own)
    trained = [record["model"] for record in records if record["part"] == "train"]
    assert not set(trained) & UNTRAINED_BODIES


def test_pictures_of_one_tracklet_differ(rendered):
    _, _, records, _ = rendered
    for record in records:
        twins = [r for r in records if (r["vehicle"], r["camera"]) == (record["vehicle"], record["camera"])]
        assert len({(r["distance_m"], r["width"], r["height"]) for r in twins}) == len(twins)


def test_going_on_gives_the_same_files(rendered, tmp_path):
    whole, _, _, _ = rendered
    killed = tmp_path / "set"
    shutil.copytree(whole, killed)
    (killed / "blocks" / "test-000.jsonl").unlink()
    document = json.loads((killed / "dataset.json").read_text())
    document = {key: document[key] for key in ("plan", "vreid")} | {"complete": False}
    (killed / "dataset.json").write_text(json.dumps(document))
    torn = next((killed / "image_test").iterdir())
    torn.write_bytes(torn.read_bytes()[:100])
    (killed / "image_test" / "0003_c013_99999999_0.jpg").write_bytes(b"stray")
    (killed / "name_test.txt").unlink()

    _render(PLAN, killed)

    assert _hashes(killed) == _hashes(whole)


def test_a_finished_set_is_left_as_it_is(rendered):
    folder, summary, _, _ = rendered
    before = _hashes(folder)

    assert _render(PLAN, folder) == summary
    assert _hashes(folder) == before


def test_detection_pictures_have_the_boxes_of_what_they_show(tmp_path):
    summary = _render(DetectionPlan(2, 1), tmp_path / "set")
    folder = tmp_path / "set"

    assert summary.images == {"train": 2, "test": 1}
    for line in (folder / "labels.jsonl").read_text().splitlines():
        record = json.loads(line)
        side = "train" if record["part"] == "train" else "val"
        picture = cv2.imread(str(folder / "images" / side / record["image"]))
        assert picture.shape == (360, 640, 3)
        rows = (folder / "labels" / side / record["image"]).with_suffix(".txt").read_text().splitlines()
        assert len(rows) == sum(vehicle["labelled"] for vehicle in record["vehicles"])
        boxes = np.array([vehicle["box_xyxy"] for vehicle in record["vehicles"]]).reshape(-1, 4)
        assert np.all((boxes[:, :2] >= 0) & (boxes[:, 2:] <= [640, 360]))


def test_a_detectors_boxes_need_a_detector(tmp_path):
    with pytest.raises(DatasetError, match="none was given"):
        render_dataset(ReidPlan(2, 2), tmp_path / "set")

    assert not (tmp_path / "set").exists()


def _failing_detector():
    raise RuntimeError("no such network")


def test_a_failing_process_is_one_line(tmp_path):
    with pytest.raises(DatasetError, match="no such network"):
        render_dataset(ReidPlan(2, 0), tmp_path / "set", open_detect=_failing_detector, processes=1)


def test_blank_plates_change_nothing_else(rendered, tmp_path):
    folder, _, records, _ = rendered
    blank = tmp_path / "set"
    _render(replace(PLAN, test_vehicles=0, plates="masked"), blank)

    masked = [json.loads(line) for line in (blank / "labels.jsonl").read_text().splitlines()]

    random = [record for record in records if record["part"] == "train"]
    assert masked == [record | {"plates": "masked"} for record in random]
    for record in random:
        pictures = [cv2.imread(str(f / "image_train" / record["image"])).astype(int) for f in (folder, blank)]
        assert np.median(np.abs(pictures[0] - pictures[1])) == 0

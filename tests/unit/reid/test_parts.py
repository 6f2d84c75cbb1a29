"""What may be learned from: training parts of every kind of set, divided by vehicle."""

import json
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.config import DomainConfig, TrainConfig, read_config, recipe_names, recipe_path
from reid.data import Sample, count_pairs, read_folder
from reid.errors import DataError
from reid.parts import going_on, read_domain, read_parts, read_vehicles, write_vehicles
from reid.preprocess import Preprocessing
from tests.unit.reid.conftest import paint_vehicle


def config_of(**domain) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "name": "tiny",
            "architecture": {"backbone": "mobilenetv2_x1_0", "dim": 16},
            "preprocessing": {"input_hw": [32, 32]},
            "domains": {"city": domain},
        }
    )


def paint(root: Path, *names: str) -> None:
    for n, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), paint_vehicle(n, 0))


@pytest.fixture
def veri(tmp_path) -> Path:
    """Vehicles 1 and 2 to learn from; 3 is the test's."""
    train = [f"{vehicle:04d}_c00{camera}_00000000_0.jpg" for vehicle in (1, 2) for camera in (1, 2)]
    paint(tmp_path, *(f"image_train/{name}" for name in train))
    paint(tmp_path, "image_test/0003_c003_00000000_0.jpg", "image_query/0003_c003_00000000_0.jpg")
    rows = [{"image": name, "vehicle": int(name[:4]), "kind": "bus" if name < "0002" else "car"} for name in train]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_of_a_set_like_the_citys_only_the_training_part_is_read_with_its_classes(veri):
    samples = read_domain("city", veri, DomainConfig(layout="veri"))
    assert {sample.path.parent.name for sample in samples} == {"image_train"}
    assert {(s.domain, s.vehicle, s.kind) for s in samples} == {("city", "0001", "bus"), ("city", "0002", "car")}
    assert {s.camera for s in samples} == {"001", "002"}


def test_pictures_that_cannot_be_read_are_skipped_and_told(veri, caplog):
    (veri / "image_train/0002_c002_00000000_0.jpg").write_bytes(b"no picture")
    assert len(read_domain("city", veri, DomainConfig(layout="veri"))) == 3
    assert caplog.messages == ["city: left out 1 pictures that cannot be read, the first 0002_c002_00000000_0.jpg"]
    for path in (veri / "image_train").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match="no usable picture"):
        read_domain("city", veri, DomainConfig(layout="veri"))


def test_pictures_whose_names_do_not_match_are_told(tmp_path, caplog):
    paint(tmp_path, "0001_c001_00000000_0.jpg", "0001_c002_00000000_0.jpg", *(f"IMG_{n}.jpg" for n in range(5)))
    assert len(read_domain("mine", tmp_path, DomainConfig(pattern="veri"))) == 2
    told = "mine: left out 5 pictures whose names do not match, the first IMG_0.jpg, IMG_1.jpg, IMG_2.jpg"
    assert caplog.messages == [told]


def test_without_cameras_any_two_pictures_of_a_vehicle_are_a_pair(tmp_path):
    paint(tmp_path, *(f"image/{n:07d}.jpg" for n in range(4)))
    lists = tmp_path / "train_test_split"
    lists.mkdir()
    (lists / "train_list.txt").write_text("0000000 5\n0000001 5\n")
    (lists / "test_list_2.txt").write_text("0000002 7\n0000003 7\n")
    samples = read_domain("public", tmp_path, DomainConfig(layout="vehicleid"))
    assert [(s.domain, s.vehicle) for s in samples] == [("public", "5")] * 2
    assert len({s.camera for s in samples}) == 2
    (lists / "train_list.txt").unlink()
    with pytest.raises(DataError, match="vehicleid has no training part here"):
        read_domain("public", tmp_path, DomainConfig(layout="vehicleid"))


def test_held_out_vehicles_of_one_camera_are_refused_before_training(tmp_path):
    paint(tmp_path, *(f"{vehicle:04d}_c001_0000000{n}_0.jpg" for vehicle in range(8) for n in range(2)))
    with pytest.raises(DataError, match="city: no vehicle that is held out was seen by two cameras"):
        read_parts(config_of(pattern="veri", select=2, calibrate=2), {"city": tmp_path})


def test_too_few_pairs_to_calibrate_on_are_refused_before_training(tmp_path):
    """Of the two vehicles held out to calibrate on two cameras saw both, one of them or none, by the seed."""
    for vehicle in range(8):
        paint(tmp_path, *(f"{vehicle:04d}_c00{1 + vehicle % 2 * n}_0000000{n}_0.jpg" for n in range(2)))
    found = []
    for seed in range(12):
        run = config_of(pattern="veri", select=4, calibrate=2).model_copy(update={"seed": seed})
        try:
            found.append(count_pairs(read_parts(run, {"city": tmp_path}).calibrate["city"]))
        except DataError as exc:
            found.append(str(exc).partition(" by two cameras")[0])
    assert set(found) == {
        (2, 2),
        "the vehicles held out for calibration give 1 pairs of views of one vehicle",
        "city: no vehicle that is held out was seen",
    }


def test_pairs_are_counted_as_a_plain_loop_does():
    rng = np.random.default_rng(0)
    rows = [(f"d{rng.integers(2)}", str(rng.integers(5)), str(rng.integers(4))) for _ in range(40)]
    views = list(dict.fromkeys(rows))
    usable = [(a, b) for a, b in combinations(views, 2) if a[0] == b[0] and a[2] != b[2]]
    same = sum(a[1] == b[1] for a, b in usable)
    assert count_pairs(Sample(Path("x"), *row) for row in rows) == (same, len(usable) - same)
    assert count_pairs([]) == (0, 0)


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ({}, "needs a pattern"),
        ({"layout": "veri", "pattern": "veri"}, "pattern belongs to the layout `pattern`, not to `veri`"),
        ({"layout": "veri", "pictures": "image_test"}, "pictures belongs"),
        ({"layout": "film"}, "layout"),
    ],
)
def test_a_domain_says_one_way_to_read_it(domain, told):
    with pytest.raises(ValueError, match=told):
        config_of(**domain)


@pytest.mark.parametrize("input_hw", [(0, 0), (-16, 16), (1, 1), (10, 10), (32, 24)])
def test_a_network_reads_pictures_of_multiples_of_16(input_hw):
    Preprocessing(input_hw=(16, 144))
    with pytest.raises(ValueError, match=f"multiples of 16 from 16, got {input_hw[0]} and {input_hw[1]}"):
        Preprocessing(input_hw=input_hw)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_learns_from_the_citys_training_part_and_the_pairs_list(name):
    domains = read_config(recipe_path(name)).domains
    assert domains["city"].layout == "veri"
    assert (domains["pairs"].pattern, domains["pairs"].split) == ("pairs", "train.txt")


def test_parts_are_disjoint_by_vehicle(small_city):
    parts = read_parts(config_of(pattern="veri", select=4, calibrate=4), {"city": small_city})
    groups = [parts.fit, parts.select["city"], parts.calibrate["city"]]
    vehicles = [{s.vehicle for s in group} for group in groups]
    assert [len(v) for v in vehicles] == [8, 4, 4]
    assert len(set.union(*vehicles)) == 16
    assert sum(map(len, groups)) == len(read_folder(small_city, "city", "veri").samples)


def test_data_sets_that_are_too_small_say_what_to_lower(small_city):
    with pytest.raises(DataError, match="city: cannot hold out 20 of 16 vehicles; lower"):
        read_parts(config_of(pattern="veri", select=10, calibrate=10), {"city": small_city})
    with pytest.raises(DataError, match="domains are city"):
        read_parts(config_of(pattern="veri"), {"sea": small_city})


def test_a_data_set_beside_others_may_hold_nothing_out(small_city):
    held, none = ({"layout": "pattern", "pattern": "veri", "select": n, "calibrate": n} for n in (4, 0))
    config = config_of(pattern="veri").model_copy(
        update={"domains": {"city": DomainConfig(**held), "town": DomainConfig(**none)}}
    )
    parts = read_parts(config, {"city": small_city, "town": small_city})
    assert list(parts.select) == list(parts.calibrate) == ["city"]
    assert sum(s.domain == "town" for s in parts.fit) == len(read_folder(small_city, "city", "veri").samples)
    with pytest.raises(DataError, match="no data set holds out vehicles: set `select` of one of town"):
        read_parts(config, {"town": small_city})
    with pytest.raises(ValueError, match="calibrate must be 2 or more, or 0"):
        config_of(pattern="veri", calibrate=1)


def test_which_vehicles_served_for_what_is_read_back(tmp_path, small_city):
    parts = read_parts(config_of(pattern="veri", select=4, calibrate=4), {"city": small_city})
    write_vehicles(parts, tmp_path / "vehicles.json")
    found = read_vehicles(tmp_path / "vehicles.json")
    assert [len(found[part]) for part in ("fit", "select", "calibrate")] == [8, 4, 4]
    assert found["before"] == []
    (tmp_path / "vehicles.json").write_text("{}")
    with pytest.raises(DataError, match="which vehicles"):
        read_vehicles(tmp_path / "vehicles.json")


def test_what_weights_were_made_of_is_held_out_by_no_run_that_goes_on(tmp_path, small_city, caplog):
    def parts_of(held_out, seed=0):
        config = config_of(pattern="veri", select=held_out, calibrate=held_out).model_copy(update={"seed": seed})
        return read_parts(config, {"city": small_city})

    first, then = tmp_path / "first/net.safetensors", tmp_path / "then/net.safetensors"
    for weights in (first, then):
        weights.parent.mkdir()
    write_vehicles(parts_of(4), first.with_name("vehicles.json"))
    fitted = read_vehicles(first.with_name("vehicles.json"))["fit"]
    for strange in (parts_of(5), parts_of(4, seed=1)):
        with pytest.raises(DataError, match=r"first/vehicles\.json: the weights begun with were made of \d+ vehicles"):
            going_on(strange, first)
    gone_on = going_on(parts_of(2), first)
    write_vehicles(gone_on, then.with_name("vehicles.json"))
    assert read_vehicles(then.with_name("vehicles.json"))["before"] == fitted
    third = going_on(parts_of(2), then)
    assert set(third.before) == {*fitted, *read_vehicles(then.with_name("vehicles.json"))["fit"]}
    (then.with_name("vehicles.json")).write_text(
        json.dumps({"fit": [], "select": [], "calibrate": [], "before": fitted})
    )
    with pytest.raises(DataError, match="made of 2 vehicles that are held out here"):
        going_on(parts_of(5), then)
    for start in ("none", tmp_path / "first/published.pt"):
        assert going_on(parts_of(5), start).before == frozenset()
    assert not caplog.messages
    assert going_on(parts_of(5), tmp_path / "elsewhere/net.safetensors").before == frozenset()
    assert "elsewhere/vehicles.json: vehicles held out here may be among those" in caplog.text

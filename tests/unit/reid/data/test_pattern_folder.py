import json
from pathlib import Path

import cv2
import pytest

from reid.data import Sample, read_folder, read_kinds, readable, require_positives, split_vehicles
from reid.errors import DataError


def test_reads_veri_names(small_city):
    data = read_folder(small_city, "city", "veri", kinds={"0003": "bus"})
    assert len(data.samples) == 64
    assert {s.camera for s in data.samples} == {"001", "002"}
    assert {s.kind for s in data.samples if s.vehicle == "0003"} == {"bus"}
    assert (data.unmatched, data.singletons) == ((), ())


def test_reads_pair_names_and_lists_what_it_cannot_use(tmp_path, small_city):
    picture = next(small_city.glob("*.jpg")).read_bytes()
    for name in ("car_0001_cam1.jpg", "car_0001_cam2.jpg", "bus_0002_cam1.jpg", "readme.png"):
        (tmp_path / name).write_bytes(picture)
    data = read_folder(tmp_path, "pairs", "pairs")
    assert [(s.vehicle, s.kind, s.camera) for s in data.samples] == [
        ("bus_0002", "bus", "1"),
        ("car_0001", "car", "1"),
        ("car_0001", "car", "2"),
    ]
    assert [path.name for path in data.unmatched] == ["readme.png"]
    assert data.singletons == ("bus_0002",)
    with pytest.raises(DataError, match=r"one picture.*pairs/bus_0002"):
        require_positives(data.samples)
    assert {s.vehicle for s in require_positives(data.samples, drop=True)} == {"car_0001"}


def test_errors_name_what_is_missing(tmp_path, small_city):
    with pytest.raises(DataError, match="no folder"):
        read_folder(tmp_path / "nowhere", "x", "veri")
    with pytest.raises(DataError, match=r"cannot read the split file .*absent\.txt"):
        read_folder(small_city, "x", "veri", split=tmp_path / "absent.txt")
    listed = tmp_path / "list.txt"
    listed.write_text("0000_c001_00000000_0.jpg\ngone.jpg\n")
    with pytest.raises(DataError, match=r"gone\.jpg"):
        read_folder(small_city, "x", "veri", split=listed)
    with pytest.raises(DataError, match="groups"):
        read_folder(small_city, "x", r"(?P<vehicle>\d+)")
    with pytest.raises(DataError, match="no usable picture"):
        read_folder(small_city, "x", "pairs")
    with pytest.raises(DataError, match="vehicle classes"):
        read_kinds(tmp_path / "absent.json")


def test_split_file_limits_the_pictures(tmp_path, small_city):
    listed = tmp_path / "list.txt"
    listed.write_text("0000_c001_00000000_0.jpg\n0000_c002_00000000_0.jpg\n")
    assert len(read_folder(small_city, "x", "veri", split=listed).samples) == 2


def test_kinds_from_json(tmp_path):
    (tmp_path / "flat.json").write_text(json.dumps({"1": "car"}))
    (tmp_path / "deep.json").write_text(json.dumps({"vehicles": {"1": {"class": "bus", "colour": "red"}}}))
    assert read_kinds(tmp_path / "flat.json") == {"1": "car"}
    assert read_kinds(tmp_path / "deep.json") == {"1": "bus"}


def test_split_divides_vehicles_with_like_shares_of_each_class():
    samples = [
        Sample(Path(f"{kind}{v}_{c}"), "d", f"{kind}{v}", str(c), kind)
        for kind, n in (("car", 60), ("bus", 20))
        for v in range(n)
        for c in range(2)
    ]
    parts = split_vehicles(samples, (16, 16), seed=2)
    vehicles = [{s.vehicle for s in part} for part in parts]
    assert [len(v) for v in vehicles] == [48, 16, 16]
    assert set.union(*vehicles) == {s.vehicle for s in samples}
    assert sum(map(len, vehicles)) == len(set.union(*vehicles))
    for held_out in vehicles[1:]:
        assert 2 <= sum(v.startswith("bus") for v in held_out) <= 6
    assert split_vehicles(samples, (16, 16), seed=2) == parts
    with pytest.raises(DataError, match="hold out"):
        split_vehicles(samples, (40, 40), seed=2)


def test_a_pattern_may_read_folders_and_other_labels(tmp_path, small_city):
    picture = next(small_city.glob("*.jpg")).read_bytes()
    for name in ("7/gate-front.jpg", "7/exit-rear.jpg", "9/gate-rear.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture)
    data = read_folder(tmp_path, "own", r"(?P<vehicle>\d+)/(?P<camera>[a-z]+)-(?P<face>[a-z]+)\.")
    assert [(s.vehicle, s.camera, s.label("face")) for s in data.samples] == [
        ("7", "exit", "rear"),
        ("7", "gate", "front"),
        ("9", "gate", "rear"),
    ]
    assert data.singletons == ("9",)


def test_a_split_may_name_paths_and_must_where_names_repeat(tmp_path, small_city):
    picture = next(small_city.glob("*.jpg")).read_bytes()
    for name in ("a/car_1_cam1.jpg", "b/car_1_cam1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture)
    listed = tmp_path / "list.txt"
    listed.write_text("b/car_1_cam1.jpg\n")
    assert [s.path.parent.name for s in read_folder(tmp_path, "x", "pairs", split=listed).samples] == ["b"]
    listed.write_text("car_1_cam1.jpg\n")
    with pytest.raises(DataError, match="more than once"):
        read_folder(tmp_path, "x", "pairs", split=listed)


def test_a_bad_expression_is_named(small_city):
    with pytest.raises(DataError, match="no regular expression"):
        read_folder(small_city, "x", "(")


def test_links_to_folders_are_followed_each_folder_once_and_never_upwards(tmp_path, small_city):
    picture = next(small_city.glob("*.jpg")).read_bytes()
    root = tmp_path / "set"
    for name in ("set/real/car_1_cam1.jpg", "elsewhere/deep/car_2_cam1.jpg", "above_3_cam1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture)
    (root / "a").symlink_to(root / "real")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "once more").symlink_to(tmp_path / "elsewhere" / "deep")
    (root / "real" / "round").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    (tmp_path / "elsewhere" / "round").symlink_to(root / "linked")
    found = read_folder(root, "own", "pairs").samples
    assert [s.path.relative_to(root).as_posix() for s in found] == [
        "linked/deep/car_2_cam1.jpg",
        "real/car_1_cam1.jpg",
    ]


def test_pictures_of_all_kinds_are_read_and_what_cannot_be_decoded_is_told(tmp_path, small_city):
    pixels = cv2.imread(str(next(small_city.glob("*.jpg"))))
    for kind in ("bmp", "webp", "tiff", "JPG", "png"):
        (tmp_path / f"car_1_cam1.{kind}").write_bytes(cv2.imencode(f".{kind.lower()}", pixels)[1].tobytes())
    (tmp_path / "car_1_cam1.heic").write_bytes(b"no picture for OpenCV")
    (tmp_path / "car_1_cam1.txt").write_text("no picture at all")
    found = read_folder(tmp_path, "own", "pairs").samples
    good, bad = readable(found)
    assert {s.path.suffix for s in good} == {".bmp", ".webp", ".tiff", ".JPG", ".png"}
    assert [path.suffix for path in bad] == [".heic"]

"""Every published layout, read from folders of its own; and what each says when something is wrong."""

import json
from pathlib import Path

import pytest

from reid.data import SetOptions, read_kinds, read_set
from reid.errors import DataError


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not decoded by readers")


def write(path: Path, *lines: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))


def items(*attributes: str) -> tuple[str, ...]:
    return (
        '<?xml version="1.0" encoding="gb2312"?>',
        '<TrainingImages Version="1.0"><Items number="1">',
        *(f"<Item {line}/>" for line in attributes),
        "</Items></TrainingImages>",
    )


@pytest.fixture
def veri(tmp_path):
    put(tmp_path, "image_train/0001_c001_00016450_0.jpg", "image_train/0001_c002_00016460_0.jpg")
    put(tmp_path, "image_query/0002_c002_00030600_0.jpg")
    names = ("0002_c002_00030600_0.jpg", "0002_c002_00030605_1.jpg", "0002_c003_00030700_0.jpg")
    put(tmp_path, *(f"image_test/{name}" for name in names), "image_test/0776_c020_00000001_0.jpg")
    return tmp_path


@pytest.fixture
def vehicleid(tmp_path):
    put(tmp_path, *(f"image/{n:07d}.jpg" for n in range(1, 6)))
    write(tmp_path / "train_test_split/train_list.txt", "0000001 5")
    write(tmp_path / "train_test_split/test_list_2.txt", "0000002 7", "0000003 7", "0000004 9")
    write(tmp_path / "train_test_split/test_list_3.txt", "0000002 7", "0000004 9", "0000005 11")
    write(tmp_path / "attribute/color_attr.txt", "7 3")
    return tmp_path


@pytest.fixture
def veriwild(tmp_path):
    put(tmp_path, "images/00001/000001.jpg", "images/00002/000002.jpg", "images/00002/000003.jpg")
    split = tmp_path / "train_test_split"
    write(
        split / "vehicle_info.txt",
        "id/image;Camera ID;Time;Model;Type;Color",
        "00001/000001;12;2018-03-11 09:00:00;Audi;SUV;black",
        "00002/000002;3;2018-03-11 09:00:00;VW;Sedan;white",
        "00002/000003;12;2018-03-12 21:00:00;VW;Sedan;white",
    )
    write(split / "train_list.txt", "00001/000001.jpg")
    write(split / "test_3000.txt", "00002/000003.jpg")
    write(split / "test_3000_query.txt", "00002/000002.jpg")
    return tmp_path


@pytest.fixture
def cityflow(tmp_path):
    put(tmp_path, "image_train/000001.jpg", "image_query/000001.jpg", "image_test/000001.jpg", "image_test/000002.jpg")
    write(tmp_path / "train_label.xml", *items('imageName="000001.jpg" vehicleID="0241" cameraID="c017"'))
    write(tmp_path / "query_label.xml", *items('imageName="000001.jpg" vehicleID="0003" cameraID="c006"'))
    write(
        tmp_path / "test_label.xml",
        *items(*(f'imageName="00000{n}.jpg" vehicleID="0003" cameraID="c007"' for n in (1, 2))),
    )
    write(tmp_path / "test_track.txt", "000001.jpg 000002.jpg ")
    return tmp_path


@pytest.fixture
def inshop(tmp_path):
    names = [f"img/WOMEN/Dresses/id_0000000{i}/02_{n}_{view}.jpg" for i, n, view in ((1, 1, "front"), (2, 3, "back"))]
    put(tmp_path, *names)
    write(
        tmp_path / "Eval/list_eval_partition.txt",
        "2",
        "image_name item_id evaluation_status",
        f"{names[0]}      id_00000001 query      ",
        f"{names[1]}      id_00000002 gallery ",
    )
    return tmp_path


def test_veri_reads_three_parts(veri):
    found = read_set(veri, "veri")
    assert [(s.vehicle, s.camera) for s in found.query] == [("0002", "002")]
    assert (len(found.train), len(found.gallery), found.tracks) == (2, 4, ())
    assert [s.path.parent.name for s in found.pool] == ["image_test"] * 4
    assert found.query[0] == found.gallery[0]
    put(veri, "image_query/0776_c019_00000001_0.jpg")
    assert [s.path.parent.name for s in read_set(veri, "veri").pool] == ["image_test"] * 4 + ["image_query"]


def test_veri_takes_what_its_name_files_say_and_names_what_is_missing(veri):
    write(veri / "name_test.txt", "0002_c002_00030605_1.jpg")
    assert [s.path.name for s in read_set(veri, "veri").gallery] == ["0002_c002_00030605_1.jpg"]
    write(veri / "name_test.txt", "0002_c002_00030605_1.jpg", "0002_c009_00000000_0.jpg")
    with pytest.raises(DataError, match=r"1 pictures named in .*name_test\.txt are missing.*0002_c009_00000000_0\.jpg"):
        read_set(veri, "veri")


def test_veri_may_be_there_to_judge_on_only(veri):
    (veri / "name_train.txt").write_text("")
    assert read_set(veri, "veri").train == ()
    (veri / "name_test.txt").write_text("")
    with pytest.raises(DataError, match="name_test"):
        read_set(veri, "veri")


def test_veri_may_be_there_to_learn_from_only(veri):
    (veri / "name_test.txt").write_text("")
    (veri / "test_track.txt").write_text("")
    with pytest.raises(DataError, match="name_test"):
        read_set(veri, "veri")
    (veri / "name_query.txt").write_text("")
    found = read_set(veri, "veri")
    assert (len(found.train), found.query, found.gallery, found.tracks) == (2, (), (), ())
    (veri / "name_train.txt").write_text("")
    with pytest.raises(DataError, match="name_test"):
        read_set(veri, "veri")


def test_veri_tracks_with_and_without_a_name_in_front(veri):
    write(
        veri / "test_track.txt",
        "0002_c002_1 0002_c002_00030600_0.jpg 0002_c002_00030605_1.jpg ",
        "0002_c003_00030700_0.jpg",
    )
    assert read_set(veri, "veri").tracks == ((0, 1), (2,))
    write(veri / "test_track.txt", "t 0002_c002_00030600_0.jpg gone.jpg")
    with pytest.raises(DataError, match=r"test_track\.txt:1: gone\.jpg"):
        read_set(veri, "veri")
    write(veri / "test_track.txt", "t 0002_c002_00030600_0.jpg 0002_c003_00030700_0.jpg")
    with pytest.raises(DataError, match="one vehicle in one camera"):
        read_set(veri, "veri")


def test_cityflow_refuses_a_track_whose_first_picture_is_not_there(cityflow):
    write(cityflow / "test_track.txt", "000001.jpg", "000099.jpg 000002.jpg")
    with pytest.raises(DataError, match=r"test_track\.txt:2: 000099\.jpg is not in the gallery"):
        read_set(cityflow, "cityflow")


def test_texts_may_begin_with_a_byte_order_mark(veri, tmp_path):
    write(veri / "name_query.txt", "0002_c002_00030600_0.jpg", encoding="utf-8-sig")
    write(veri / "test_track.txt", "0002_c002_00030600_0.jpg 0002_c002_00030605_1.jpg", encoding="utf-8-sig")
    write(veri / "labels.csv", "image,class", "0002_c002_00030600_0.jpg,van", encoding="utf-8-sig")
    found = read_set(veri, "veri")
    assert ([s.kind for s in found.query], found.tracks) == (["van"], ((0, 1),))
    row = json.dumps({"image": "0002_c002_00030600_0.jpg", "class": "bus"})
    write(veri / "labels.jsonl", row, encoding="utf-8-sig")
    assert read_set(veri, "veri").query[0].kind == "bus"
    write(tmp_path / "classes.json", '{"1": "car"}', encoding="utf-8-sig")
    assert read_kinds(tmp_path / "classes.json") == {"1": "car"}


def test_blank_lines_among_labels_say_nothing(veri):
    row = json.dumps({"image": "0002_c002_00030600_0.jpg", "class": "bus"})
    write(veri / "labels.jsonl", "", row, "  ", "")
    assert read_set(veri, "veri").query[0].kind == "bus"


def test_veri_attributes_from_gb2312_xml_and_our_table(veri):
    write(
        veri / "test_label.xml",
        *items('imageName="0002_c002_00030600_0.jpg" vehicleID="0002" cameraID="c002" colorID="5" typeID="3" x="红"'),
        encoding="gb2312",
    )
    write(veri / "list_color.txt", "5 red")
    write(veri / "list_type.txt", "3 van")
    query = read_set(veri, "veri").query[0]
    assert (query.kind, query.label("colour"), query.label("class")) == ("van", "red", "van")
    write(
        veri / "labels.csv",
        "image,vehicle,class,face,twin_of",
        "image_query/0002_c002_00030600_0.jpg,0002,truck,rear,0776",
        "0776_c020_00000001_0.jpg,0776,truck,front,",
        "0002_c003_00030700_0.jpg,0002,truck,front,0776",
        "0001_c001_00016450_0.jpg,0001,car,side,",
    )
    found = read_set(veri, "veri")
    assert (found.query[0].kind, found.query[0].label("face"), found.query[0].label("twin")) == (
        "truck",
        "rear",
        "twin",
    )
    assert found.gallery[-1].label("twin") == "twin"
    assert found.train[0].label("twin") == "single"


def test_veri_reads_the_labels_that_our_sets_write(veri):
    rows = [
        {
            "image": "0002_c002_00030600_0.jpg",
            "vehicle": 2,
            "kind": "bus",
            "twin_of": 776,
            "alike_from": ["front", "side"],
        },
        {"image": "0776_c020_00000001_0.jpg", "vehicle": 776, "kind": "bus", "twin_of": None, "trained_body": False},
        {"image": "0001_c001_00016450_0.jpg", "vehicle": 1, "kind": "car", "twin_of": None, "width": 90},
    ]
    write(veri / "labels.jsonl", *(json.dumps(row) for row in rows))
    found = read_set(veri, "veri")
    query, last, first = found.query[0], found.gallery[-1], found.train[0]
    assert (query.kind, query.label("alike_from"), query.label("twin")) == ("bus", "front side", "twin")
    assert (last.label("twin"), last.label("twin_of"), last.label("trained_body")) == ("twin", "", "false")
    assert (first.kind, first.label("twin"), first.label("width")) == ("car", "single", "90")
    for damage in ("{", "[1]", '{"vehicle": 2}'):
        write(veri / "labels.jsonl", damage)
        with pytest.raises(DataError, match=r"labels\.jsonl"):
            read_set(veri, "veri")


@pytest.mark.parametrize("name", ["0777_c001_00000000_0.jpg", "0001_c021_00000000_0.jpg", "0000_c001_00000000_0.jpg"])
def test_veri_refuses_numbers_beyond_the_set(veri, name):
    put(veri, f"image_test/{name}")
    with pytest.raises(DataError, match=r"vehicles go from 1 to 776, its cameras from 1 to 20"):
        read_set(veri, "veri")


def test_vehicleid_reads_the_smallest_test_or_the_one_asked_for(vehicleid):
    found = read_set(vehicleid, "vehicleid")
    assert [(s.path.name, s.vehicle, s.camera) for s in found.gallery] == [
        ("0000002.jpg", "7", ""),
        ("0000003.jpg", "7", ""),
        ("0000004.jpg", "9", ""),
    ]
    assert (len(found.train), found.query, found.gallery[0].label("colour")) == (1, (), "3")
    assert len({s.vehicle for s in read_set(vehicleid, "vehicleid", SetOptions(size=3)).gallery}) == 3
    with pytest.raises(DataError, match=r"no split file .*test_list_800\.txt; there are 2, 3"):
        read_set(vehicleid, "vehicleid", SetOptions(size=800))
    write(vehicleid / "train_test_split/test_list_2.txt", "0000002 7 8")
    with pytest.raises(DataError, match=r"test_list_2\.txt:1"):
        read_set(vehicleid, "vehicleid")


def test_veriwild_joins_lists_and_cameras(veriwild):
    found = read_set(veriwild, "veriwild")
    assert [(s.vehicle, s.camera, s.kind, s.label("colour")) for s in found.query] == [("00002", "3", "Sedan", "white")]
    assert (found.gallery[0].camera, len(found.train)) == ("12", 1)
    for old, new in (("test_3000.txt", "test_3000_id.txt"), ("test_3000_query.txt", "test_3000_id_query.txt")):
        (veriwild / "train_test_split" / old).rename(veriwild / "train_test_split" / new)
    assert read_set(veriwild, "veriwild") == found
    (veriwild / "train_test_split/test_3000_id_query.txt").unlink()
    with pytest.raises(DataError, match=r"no split file .*test_3000_query\.txt"):
        read_set(veriwild, "veriwild")


def test_veriwild_reads_lists_of_three_columns(veriwild):
    found = read_set(veriwild, "veriwild")
    for name in ("test_3000.txt", "test_3000_query.txt", "train_list.txt"):
        path = veriwild / "train_test_split" / name
        lines = path.read_text().split()
        renamed = {"train_list.txt": "train_list_start0.txt"}.get(name, name.replace("3000", "3000_id"))
        path.unlink()
        write(path.with_name(renamed), *(f"{line.removesuffix('.jpg')}.jpg 0 {n}" for n, line in enumerate(lines)))
    assert read_set(veriwild, "veriwild") == found


def test_veriwild_names_the_line_that_has_no_camera(veriwild):
    write(veriwild / "train_test_split/test_3000.txt", "00009/000009.jpg")
    with pytest.raises(DataError, match=r"test_3000\.txt:1: .*vehicle_info"):
        read_set(veriwild, "veriwild")


def test_cityflow_with_test_truth_and_without(cityflow):
    found = read_set(cityflow, "cityflow")
    assert (found.train[0].vehicle, found.train[0].camera) == ("0241", "017")
    assert ([s.camera for s in found.query], found.tracks) == (["006"], ((0, 1),))
    assert len(found.pool) == 3, "names of query and gallery overlap without being the same picture"
    write(cityflow / "query_label.xml", *items('imageName="000001.jpg" cameraID="c006"'))
    hidden = read_set(cityflow, "cityflow")
    assert (len(hidden.train), hidden.query, hidden.gallery) == (1, (), ())
    (cityflow / "train_label.xml").write_text("<no")
    with pytest.raises(DataError, match=r"train_label\.xml is no label file"):
        read_set(cityflow, "cityflow")


def test_market_leaves_junk_out_and_keeps_distractors(tmp_path):
    put(tmp_path, "bounding_box_train/0002_c1s1_000451_03.jpg", "query/0003_c2s1_000001_00.jpg")
    put(tmp_path, *(f"bounding_box_test/{name}_c3s1_000001_00.jpg" for name in ("-1", "0000", "0003")))
    put(tmp_path, "bounding_box_test/0000_c4s1_000001_00.jpg")
    put(tmp_path, "bounding_box_test/Thumbs.jpg")
    found = read_set(tmp_path, "market")
    assert [s.camera for s in found.gallery] == ["3", "4", "3"]
    assert len({s.vehicle for s in found.gallery}) == 3, "distractors are no vehicle together: they answer no query"
    assert found.query[0].camera == "2"
    assert [path.name for path in found.unmatched] == ["Thumbs.jpg"]


def test_inshop_parts_and_faces(inshop):
    found = read_set(inshop, "inshop")
    assert [(s.vehicle, s.kind, s.label("face")) for s in found.query] == [("id_00000001", "Dresses", "front")]
    assert [(s.vehicle, s.label("face")) for s in found.gallery] == [("id_00000002", "rear")]
    with (inshop / "Eval/list_eval_partition.txt").open("a") as file:
        file.write("img/x.jpg id_3\n")
    with pytest.raises(DataError, match=r"list_eval_partition\.txt:5"):
        read_set(inshop, "inshop")


@pytest.mark.parametrize(
    ("layout", "named"),
    [
        ("veri", "image_train"),
        ("vehicleid", "train_test_split"),
        ("veriwild", "train_test_split"),
        ("cityflow", r"train_label\.xml"),
        ("market", "bounding_box_train"),
        ("inshop", r"list_eval_partition\.txt"),
    ],
)
def test_an_empty_folder_is_refused_by_what_is_missing(tmp_path, layout, named):
    with pytest.raises(DataError, match=named):
        read_set(tmp_path, layout)
    with pytest.raises(DataError, match="no folder"):
        read_set(tmp_path / "absent", layout)


def test_a_pattern_takes_a_table_beside_the_pictures(tmp_path):
    put(tmp_path, "deep/car_1_cam1.jpg", "deep/car_1_cam2.jpg")
    write(tmp_path / "labels.csv", "image,light", "car_1_cam1.jpg,night")
    found = read_set(tmp_path, "pattern", SetOptions(pattern="pairs"))
    assert [(s.kind, s.label("light")) for s in found.gallery] == [("car", "night"), ("car", "")]


def test_a_table_may_name_paths_and_must_where_names_repeat(tmp_path):
    put(tmp_path, "a/car_1_cam1.jpg", "b/car_1_cam1.jpg", "b/car_2_cam1.jpg")

    def lights(*rows):
        write(tmp_path / "labels.csv", "image,light", *rows)
        return [s.label("light") for s in read_set(tmp_path, "pattern", SetOptions(pattern="pairs")).gallery]

    assert lights("a/car_1_cam1.jpg,day", "b/car_1_cam1.jpg,night") == ["day", "night", ""]
    assert lights("b/car_1_cam1.jpg,night", "car_2_cam1.jpg,dusk") == ["", "night", "dusk"]
    for rows in (["car_1_cam1.jpg,night"], ["x/car_2_cam1.jpg,day", "y/car_2_cam1.jpg,night"]):
        with pytest.raises(DataError, match=r"labels of .* name car_\d_cam1\.jpg, which is there more than once"):
            lights(*rows)


def test_options_belong_to_layouts(veri, tmp_path):
    with pytest.raises(DataError, match="belong to the layout `pattern`"):
        read_set(veri, "veri", SetOptions(pattern="pairs"))
    with pytest.raises(DataError, match="test size"):
        read_set(veri, "veri", SetOptions(size=800))
    with pytest.raises(DataError, match="needs a pattern"):
        read_set(tmp_path, "pattern")

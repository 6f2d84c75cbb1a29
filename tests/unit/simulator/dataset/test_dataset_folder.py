"""A set goes on where it stopped, and refuses a folder that is not its own with one line."""

import json

import pytest

from simulator.dataset.folder import SetFolder, read_document
from simulator.dataset.plan import DetectionPlan, ReidPlan
from simulator.dataset.records import read_crops, read_lines, write_lines
from simulator.errors import DatasetError

PLAN = ReidPlan(50, 2)


def test_only_blocks_without_records_are_open(tmp_path):
    folder = SetFolder(tmp_path / "set", PLAN)
    first, *rest = PLAN.blocks()
    assert folder.open_blocks() == [first, *rest]

    write_lines(folder.records_path(first), [{"image": "a.jpg"}])

    again = SetFolder(tmp_path / "set", PLAN)
    assert again.open_blocks() == rest
    assert again.records() == [{"image": "a.jpg"}]
    assert not again.complete


def test_strays_go_and_the_rest_stays(tmp_path):
    folder = SetFolder(tmp_path / "set", PLAN)
    for name in ("a.jpg", "b.jpg"):
        (folder.pictures("train") / name).write_bytes(b"x")

    folder.remove_strays({"a.jpg"})

    assert [path.name for path in folder.pictures("train").iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("other", [ReidPlan(50, 2, seed=1), ReidPlan(50, 2, plates="masked"), DetectionPlan(50, 2)])
def test_another_plan_is_refused(tmp_path, other):
    SetFolder(tmp_path / "set", PLAN)

    with pytest.raises(DatasetError, match="holds another data set") as caught:
        SetFolder(tmp_path / "set", other)

    assert "\n" not in str(caught.value)


def test_another_version_is_refused(tmp_path):
    SetFolder(tmp_path / "set", PLAN)
    path = tmp_path / "set" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"vreid": "0.0.1"}))

    with pytest.raises(DatasetError, match=r"begun by vreid 0\.0\.1"):
        SetFolder(tmp_path / "set", PLAN)


def test_a_strangers_folder_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")

    with pytest.raises(DatasetError, match="not empty and holds no data set"):
        SetFolder(tmp_path, PLAN)

    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"plan": 3}'])
def test_a_damaged_document_is_one_line(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)

    with pytest.raises(DatasetError, match="damaged") as caught:
        read_document(tmp_path)

    assert "\n" not in str(caught.value)


def test_damaged_labels_are_one_line(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"image": "a"}\n{"ima')
    with pytest.raises(DatasetError, match="damaged or missing"):
        read_lines(path)

    path.write_text('{"image": "a"}\n')
    with pytest.raises(DatasetError, match="not of a re-identification set"):
        read_crops(path)


def test_a_folder_without_a_set_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no data set: there is no dataset.json"):
        read_document(tmp_path)

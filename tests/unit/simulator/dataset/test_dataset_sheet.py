"""Contact sheets show what was asked for, and say in one line when there is nothing to show."""

import json

import numpy as np
import pytest

from simulator.errors import DatasetError
from simulator.inspect import SheetRequest, dataset_sheet


def _rows(sheet):
    """Grey levels of the painted vehicles that occur as whole cells."""
    return {v for v in range(20, 200, 20) if (np.abs(sheet.astype(int) - v) <= 2).all(axis=-1).sum() > 1500}


def test_every_vehicle_of_the_part_is_shown(painted):
    folder, _, _ = painted

    assert _rows(dataset_sheet(folder, SheetRequest("train"))) == {20, 40, 60, 80, 100}
    assert _rows(dataset_sheet(folder, SheetRequest("test"))) == {120, 140, 160, 180}
    assert len(_rows(dataset_sheet(folder, SheetRequest("train", vehicles=2)))) == 2


def test_other_seeds_choose_other_vehicles(painted):
    folder, _, _ = painted
    chosen = {frozenset(_rows(dataset_sheet(folder, SheetRequest("train", vehicles=2, seed=s)))) for s in range(6)}

    assert len(chosen) > 1


def test_light_leaves_out_other_cameras(painted):
    folder, _, _ = painted
    every, night = (dataset_sheet(folder, SheetRequest("train", light=light)) for light in (None, "night"))

    assert night.shape[1] < every.shape[1]


def test_twins_stand_side_by_side(painted):
    folder, _, _ = painted
    path = folder / "vehicles.json"
    vehicles = json.loads(path.read_text())
    for facts in vehicles.values():
        facts.pop("twin_of", None)
    vehicles["0004"] |= {"twin_of": 2, "alike_from": ["rear"]}
    path.write_text(json.dumps(vehicles))

    assert _rows(dataset_sheet(folder, SheetRequest("train", twins=True))) == {40, 80}
    with pytest.raises(DatasetError, match="no such pictures"):
        dataset_sheet(folder, SheetRequest("test", twins=True))


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"part": "sundays"}, "no part 'sundays'; a data set has train and test"),
        ({"light": "moon"}, "no light 'moon'; known lights: noon"),
    ],
)
def test_unknown_names_are_refused(request_, says):
    with pytest.raises(DatasetError, match=says):
        SheetRequest(**request_)


def test_missing_pictures_and_unfinished_sets_are_one_line(painted):
    folder, _, records = painted
    with pytest.raises(DatasetError, match="no such pictures: part train, light dusk"):
        dataset_sheet(folder, SheetRequest("train", light="dusk"))

    (folder / "image_train" / records[2].image).unlink()
    with pytest.raises(DatasetError, match="cannot be read"):
        dataset_sheet(folder, SheetRequest("train"))

    document = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(document | {"complete": False}))
    with pytest.raises(DatasetError, match="not complete"):
        dataset_sheet(folder, SheetRequest("train"))

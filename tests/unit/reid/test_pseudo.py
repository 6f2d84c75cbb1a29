import json

import cv2
import numpy as np
import pytest

from reid.config import read_config, recipe_path
from reid.mining.look_alikes import Grouping
from reid.parts import read_parts, read_vehicles, write_vehicles
from reid.pseudo import without_labels

CHANGES = {
    "domains": {"city": {"layout": "pattern", "pattern": "veri", "select": 4, "calibrate": 4}},
}


class Thumbnails:
    """Colours of a few cells, around their middle, at length 1."""

    def embed(self, crops):
        rows = np.stack([cv2.resize(crop, (4, 4), interpolation=cv2.INTER_AREA).ravel() for crop in crops]) / 128.0 - 1
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_groups_take_the_place_of_vehicles_and_the_record_names_those_that_were_used(small_city, tmp_path):
    parts = read_parts(read_config(recipe_path("default"), CHANGES), {"city": small_city})
    learned, found = without_labels(parts, Thumbnails(), Grouping(radius=0.05, neighbours=3), seed=0)
    assert (learned.select, learned.calibrate) == (parts.select, parts.calibrate)
    assert {sample.vehicle.split("-")[0] for sample in learned.fit} == {"group"}
    assert found["city"].groups == len({sample.vehicle for sample in learned.fit}) >= 4
    assert found["city"].pictures == len(learned.fit) == len(parts.fit) - found["city"].noise
    assert found["city"].precision > 0.7
    write_vehicles(learned, tmp_path / "vehicles.json")
    written = read_vehicles(tmp_path / "vehicles.json")["fit"]
    assert set(written) <= {f"city/{sample.vehicle}" for sample in parts.fit}
    assert not any("group" in name for name in written)
    assert json.loads((tmp_path / "vehicles.json").read_text())["select"]
    with pytest.raises(ValueError, match="neighbours"):
        Grouping(neighbours=1)

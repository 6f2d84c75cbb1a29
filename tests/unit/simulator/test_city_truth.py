"""Truth files and masks."""

import numpy as np
import pytest

from simulator.errors import CityDamaged
from simulator.truth import TruthBox, box_of_mask, read_truth, write_truth


def test_truth_survives_writing_and_is_ordered(tmp_path):
    boxes = [TruthBox(2, 1, 1, 0, 0, 5, 6, 0.5), TruthBox(1, 7, 2, 1, 2, 3, 4, 1.0), TruthBox(1, 9, 1, 1, 2, 3, 4, 0.0)]
    path = tmp_path / "truth.txt"

    write_truth(path, boxes)

    assert path.read_text().splitlines()[0] == "1 9 1 1 2 3 4 0.000 -1"
    assert read_truth(path) == [boxes[2], boxes[1], boxes[0]]


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "truth.txt"
    path.write_text("1 2 3 4 5 6 7 1.0 -1\n1 2 x\n")

    with pytest.raises(CityDamaged, match=r"truth\.txt:2"):
        read_truth(path)


def test_the_box_of_a_mask_is_tight():
    mask = np.zeros((20, 30), bool)
    mask[5:9, 10:20] = True

    assert box_of_mask(mask) == (10, 5, 10, 4)
    assert box_of_mask(np.zeros((4, 4), bool)) is None

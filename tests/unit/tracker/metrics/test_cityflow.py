"""CityFlow text: what reads, what is refused and where the error points."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.metrics.cityflow import CityFlowFormatError, CityFlowTracks, format_cityflow, parse_cityflow


def test_reads_windows_line_ends_blank_lines_and_missing_columns():
    tracks = parse_cityflow("1 34 55 1581 346 339 158 -1 -1\r\n\r\n2 34 56 1 2 3 4\r\n")
    assert tracks.camera.tolist() == [1, 2]
    assert tracks.identity.tolist() == [34, 34]
    assert tracks.xywh.tolist() == [[1581, 346, 339, 158], [1, 2, 3, 4]]
    assert tracks.visible.tolist() == [-1, -1]


def test_empty_text_has_no_rows():
    assert len(parse_cityflow("\n \n")) == 0


def test_world_coordinates_of_a_submission_are_ignored():
    text = "1 2 3 0 0 9 9 4481.2 -90.6"
    assert parse_cityflow(text, read_visible=False).visible.tolist() == [-1]
    with pytest.raises(CityFlowFormatError, match=r"visible share must be in \[0, 1\] or -1, got 4481"):
        parse_cityflow(text)


def test_round_trip():
    text = "1 7 1 10.25 20 64 48 0.5 -1\n2 7 3 0 0 40 30 -1 -1\n"
    first = parse_cityflow(text)
    again = parse_cityflow(format_cityflow(first))
    assert np.array_equal(first.xywh, again.xywh)
    assert np.array_equal(first.visible, again.visible)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1 2 3 4 5 6", "expected 7 to 9 columns, got 6"),
        ("1 2 3 4 5 6 7 8 9 10", "expected 7 to 9 columns, got 10"),
        ("1,2,3,4,5,6,7", "expected 7 to 9 columns, got 1"),
        ("1 2 3 x 5 6 7", "x is not a number: 'x'"),
        ("1 2.5 3 4 5 6 7", "identity is not a whole number: 2.5"),
        ("1 2 0 4 5 6 7", "frame numbers start at 1, got 0"),
        ("1 2 3 4 5 0 7", "width and height must be > 0, got 0 and 7"),
        ("1 2 3 nan 5 6 7", "x is not finite: nan"),
        ("1 2 3 4 5 6 inf", "height is not finite: inf"),
        ("1 2 3 4 5 6 7 1.5", r"visible share must be in \[0, 1\] or -1, got 1.5"),
        ("1 2 1e300 4 5 6 7", "a number is too large"),
    ],
)
def test_errors_name_file_and_line(line, complaint):
    with pytest.raises(CityFlowFormatError, match=f"^truth.txt:3: {complaint}$"):
        parse_cityflow(f"1 1 1 0 0 9 9\n\n{line}\n", "truth.txt")


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="expected 1 rows"):
        CityFlowTracks(np.zeros(1, int), np.zeros(2, int), np.zeros(1, int), np.zeros((1, 4)), np.zeros(1))

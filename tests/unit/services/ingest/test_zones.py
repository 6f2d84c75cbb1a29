import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.types import Detections, Frame
from services.ingest.cameras import CameraSettings
from services.ingest.zones import MASK_BGR, Zones, hidden

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
TOP = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))


def detections(*boxes):
    n = len(boxes)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.ones(n, np.float32), np.full(n, 2, np.int64))


@pytest.mark.parametrize(
    ("include", "exclude", "kept"),
    [
        ((), (), [0, 1, 2]),
        ((LEFT,), (), [0, 2]),
        ((), (LEFT,), [1]),
        ((LEFT,), (TOP,), [2]),
        ((LEFT, TOP), (), [0, 1, 2]),
    ],
)
def test_a_vehicle_counts_where_it_stands(include, exclude, kept):
    # The third reaches up into the top half but stands in the lower one.
    found = detections([0, 0, 20, 20], [60, 0, 80, 20], [10, 10, 30, 90])
    left = Zones(include, exclude).keep(found, 100, 100)
    np.testing.assert_array_equal(left.boxes_xyxy, found.boxes_xyxy[kept])
    assert len(left.scores) == len(left.class_ids) == len(kept)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 80), st.floats(0, 80)), max_size=8))
def test_include_and_exclude_of_one_area_part_the_vehicles(corners):
    found = detections(*[[x, y, x + 20, y + 20] for x, y in corners])
    inside = Zones((LEFT,), ()).keep(found, 100, 100)
    outside = Zones((), (LEFT,)).keep(found, 100, 100)
    assert len(inside) + len(outside) == len(found)


def test_a_mask_is_painted_before_anybody_looks():
    camera = CameraSettings(id="c", url="rtsp://h/c", mask=[LEFT])
    frames = [Frame("c", "s", k, k, "host", np.full((10, 20, 3), 200, np.uint8)) for k in range(2)]
    for frame in hidden(iter(frames), camera):
        assert (frame.image[:, :10] == MASK_BGR).all()
        assert (frame.image[:, 11:] == 200).all()


@pytest.mark.parametrize("polygon", [((0.0, 0.0), (1.0, 1.0)), ((0.0, 0.0), (2.0, 0.0), (1.0, 1.0))])
def test_a_polygon_has_three_corners_within_the_picture(polygon):
    with pytest.raises(ValueError, match="validation error"):
        CameraSettings(id="c", url="rtsp://h/c", include=[polygon])

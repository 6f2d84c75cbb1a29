"""Clips with the truth drawn in, and sheets of a city's vehicles, on a tiny city of grey frames."""

import av
import numpy as np
import pytest

from simulator.city import City, CityCamera, CityVehicle
from simulator.errors import CityDamaged, CityError
from simulator.inspect import city_sheet, write_overlay
from simulator.inspect.city_sheet import best_boxes
from simulator.inspect.drawing import colour_of, draw_box, fit
from simulator.inspect.overlay import draw_truth, overlay_frames, wall_size
from simulator.truth import TruthBox, write_truth
from simulator.video import ClipWriter

SIZE = (160, 96)
BOXES = [
    TruthBox(1, 7, 1, 20, 40, 60, 40, 1.0),
    TruthBox(1, 7, 2, 24, 40, 60, 40, 0.4),
    TruthBox(2, 7, 3, 30, 30, 80, 50, 0.9),
    TruthBox(2, 8, 1, 60, 40, 30, 30, 0.3),
]


@pytest.fixture
def city(tmp_path):
    cameras = []
    for number, (name, frames) in enumerate((("gate", 3), ("quay", 5)), 1):
        path = tmp_path / f"{name}.mp4"
        with ClipWriter(path, SIZE, 10) as writer:
            for _ in range(frames):
                writer.write(np.full((SIZE[1], SIZE[0], 3), 60 * number, np.uint8))
        cameras.append(CityCamera(name, number, path, *SIZE, frames, {}))
    vehicles = (
        CityVehicle(7, "suv", "car", "red", ("roof",), ("a", "b")),
        CityVehicle(8, "van", "truck", "white", (), ("a", "b")),
    )
    write_truth(tmp_path / "ground_truth.txt", BOXES)
    return City("tiny", 1, "lane", 10.0, 0.0, tuple(cameras), vehicles, tmp_path / "ground_truth.txt", tmp_path)


def test_boxes_lie_where_the_truth_says(city):
    frames = list(overlay_frames(city, city.cameras[:1]))

    assert len(frames) == 3
    bottom, left = 40 + 40 - 1, 20
    assert tuple(frames[0][bottom, left + 30]) == colour_of(7)
    assert tuple(frames[0][60, left]) == colour_of(7)
    assert tuple(frames[2][bottom, left + 30]) != colour_of(7)


def test_hidden_vehicles_are_dashed():
    share = {}
    for visible in (1.0, 0.4):
        image = np.zeros((96, 160, 3), np.uint8)
        draw_truth(image, [TruthBox(1, 7, 1, 20, 40, 60, 40, visible)], {7: "car"})
        share[visible] = (image[79, 20:80] == colour_of(7)).all(axis=-1).mean()

    assert share[1.0] == 1.0
    assert 0.3 < share[0.4] < 0.8


def test_the_wall_shows_all_cameras_until_the_longest_ends(city):
    frames = list(overlay_frames(city, city.cameras))

    assert wall_size(city.cameras) == (320, 96)
    assert len(frames) == 5
    assert frames[0].shape == (96, 320, 3)
    assert abs(int(frames[4][90, 5, 0]) - 60) > 20
    assert abs(int(frames[4][90, 165, 0]) - 120) <= 4


def test_the_clip_is_playable_h264(city, tmp_path):
    calls = []
    out = tmp_path / "wall.mp4"

    written = write_overlay(city, out, progress=lambda done, total: calls.append((done, total)))

    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height) == (320, 96)
        assert sum(1 for _ in container.decode(video=0)) == written == 5
    assert calls[-1] == (5, 5)


def test_one_camera_alone_and_unknown_ones(city, tmp_path):
    assert write_overlay(city, tmp_path / "gate.mp4", "gate") == 3
    with pytest.raises(CityError, match="no camera 'moat'; the city has gate, quay"):
        write_overlay(city, tmp_path / "moat.mp4", "moat")
    assert not (tmp_path / "moat.mp4").exists()


def test_the_sheet_shows_well_seen_vehicles_only(city):
    sheet = city_sheet(city)
    assert sheet.shape[0] < 2 * 130

    write_truth(city.truth_path, [box for box in BOXES if box.visible < 0.6])
    with pytest.raises(CityError, match="no camera sees a vehicle well enough"):
        city_sheet(city)


def test_a_damaged_clip_is_one_line(city):
    city.cameras[0].path.write_bytes(b"no clip")

    with pytest.raises(CityDamaged, match=r"gate.mp4 cannot be decoded") as caught:
        list(overlay_frames(city, city.cameras))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(10, 300), (300, 10), (1, 1), (100, 132)])
def test_pictures_keep_their_shape_in_a_cell(shape):
    cell = fit(np.full((*shape, 3), 255, np.uint8), (132, 100))

    assert cell.shape == (100, 132, 3)
    bright = (cell == 255).all(axis=-1)
    height, width = bright.any(axis=1).sum(), bright.any(axis=0).sum()
    assert height == 100 or width == 132
    assert abs(width / height - shape[1] / shape[0]) <= 0.12 * shape[1] / shape[0] + 1 / min(height, width)


def test_dashes_stay_on_the_outline():
    image = np.zeros((60, 60, 3), np.uint8)
    draw_box(image, (10, 10, 40, 40), (255, 0, 0), dashed=True)

    assert not image[11:40, 11:40].any()
    assert image[10].any()


def test_whole_vehicles_come_before_larger_ones_that_are_cut():
    whole, cut = TruthBox(1, 7, 1, 20, 40, 30, 30, 1.0), TruthBox(1, 7, 2, 0, 40, 60, 40, 1.0)
    hidden = TruthBox(1, 7, 3, 20, 40, 50, 50, 0.3)

    assert best_boxes([cut, hidden, whole], {1: SIZE}) == {(7, 1): whole}
    assert best_boxes([cut, hidden], {1: SIZE}) == {(7, 1): cut}

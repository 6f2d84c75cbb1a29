import cv2
import numpy as np
import pytest

from detector.colour import COLOURS, colour_probabilities

PAINT_BGR = {
    "white": (245, 245, 245),
    "silver": (175, 172, 170),
    "grey": (100, 102, 104),
    "black": (22, 20, 20),
    "red": (35, 30, 190),
    "orange": (20, 120, 240),
    "yellow": (30, 210, 240),
    "green": (60, 120, 40),
    "blue": (160, 80, 30),
    "brown": (30, 52, 88),
    "beige": (160, 195, 215),
}


def painted_car(paint, light=1.0):
    """A car's silhouette in front of a road: body, dark glass, tyres, some noise."""
    crop = np.full((96, 128, 3), 105, np.uint8)
    cv2.rectangle(crop, (8, 40), (120, 78), paint, -1)
    cv2.rectangle(crop, (28, 16), (100, 42), paint, -1)
    cv2.rectangle(crop, (36, 22), (92, 38), (55, 50, 48), -1)
    for x in (30, 98):
        cv2.circle(crop, (x, 78), 12, (25, 25, 25), -1)
    noise = np.random.default_rng(1).normal(0, 6, crop.shape)
    return np.clip(crop * light + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", COLOURS)
def test_names_the_paint(name):
    probabilities = colour_probabilities(painted_car(PAINT_BGR[name]))
    assert max(probabilities, key=probabilities.__getitem__) == name
    assert sum(probabilities.values()) == pytest.approx(1.0)
    assert tuple(probabilities) == COLOURS


@pytest.mark.parametrize("name", ["red", "blue", "green", "yellow"])
def test_shade_does_not_change_a_strong_colour(name):
    probabilities = colour_probabilities(painted_car(PAINT_BGR[name], light=0.7))
    assert max(probabilities, key=probabilities.__getitem__) == name


@pytest.mark.parametrize("hw", [(1, 1), (2, 1), (3, 400)])
def test_tiny_crops_have_an_answer(hw):
    assert sum(colour_probabilities(np.full((*hw, 3), 128, np.uint8)).values()) == pytest.approx(1.0)


def test_refuses_an_empty_crop():
    with pytest.raises(ValueError, match="crop must be"):
        colour_probabilities(np.zeros((0, 3, 3), np.uint8))

"""The sensor, the weather and the motion blur, as functions over arrays."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from simulator.motion import blur_motion, motion_px
from simulator.renderer.looks import LIGHTS
from simulator.renderer.optics import look_at, perspective
from simulator.sensor import Sensor, sensor_of
from simulator.weather import lens_drops, rain_streaks

GREY = np.full((90, 160, 3), 120, np.uint8)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_sensor_without_habits_changes_nothing():
    assert (Sensor(noise=0.0).capture(GREY, rng()) == GREY).all()


def test_same_seed_same_picture():
    sensor = Sensor(noise=6.0, blur_px=0.4, vignette=0.2, drift=0.1, rain=0.7, jpeg_quality=70)

    first = sensor.capture(GREY, rng(1), 3.0)

    assert (first == sensor.capture(GREY, rng(1), 3.0)).all()
    assert (first != sensor.capture(GREY, rng(2), 3.0)).any()


def test_noise_is_stronger_in_the_dark():
    dark = Sensor(noise=8.0).capture(np.full_like(GREY, 60), rng())
    light = Sensor(noise=8.0).capture(np.full_like(GREY, 190), rng())

    assert dark.std() > 1.2 * light.std() > 4


def test_warmth_moves_red_against_blue():
    out = Sensor(noise=0.0, warmth=0.1).capture(GREY, rng())

    assert out[..., 0].mean() > out[..., 1].mean() > out[..., 2].mean()


def test_corners_lose_light_and_the_middle_does_not():
    out = Sensor(noise=0.0, vignette=0.3).capture(GREY, rng())

    assert out[45, 80, 0] >= 119
    assert out[0, 0, 0] < 95


def test_exposure_wanders_slowly_and_within_bounds():
    sensor = Sensor(gain=1.2, drift=0.05, phase=0.3)
    values = np.array([sensor.exposure_at(0.1 * k) for k in range(1000)])

    assert values.min() >= 1.2 * 0.95
    assert values.max() <= 1.2 * 1.05
    assert np.ptp(values) > 0.03
    assert np.abs(np.diff(values)).max() < 0.003


@pytest.mark.parametrize("name", ["night", "dusk"])
def test_darkness_brings_noise_and_long_shutters(name):
    camera = SimpleNamespace(name="c", gain=1.0, warmth=0.0, noise=2.0)

    day, dark = sensor_of(camera, LIGHTS["noon"]), sensor_of(camera, LIGHTS[name])

    assert dark.noise > 1.5 * day.noise
    assert dark.shutter_s > 5 * day.shutter_s


def test_rain_falls_anew_in_every_frame_and_drops_stay():
    source = rng()
    scene = rng(9).integers(0, 255, GREY.shape).astype(np.uint8)

    assert (rain_streaks(GREY, 0.8, source) != rain_streaks(GREY, 0.8, source)).any()
    assert (lens_drops(scene, 0.8, 5) == lens_drops(scene, 0.8, 5)).all()
    assert (lens_drops(scene, 0.8, 5) != scene).any()


def test_motion_blur_smears_along_the_motion_and_leaves_the_rest():
    image, mask = np.zeros((60, 120, 3), np.uint8), np.zeros((60, 120), np.uint32)
    image[25:35, 50:70], mask[25:35, 50:70] = 200, 7

    out = blur_motion(image, mask, {7: (12.0, 0.0)})

    assert 0 < out[30, 47, 0] < 200  # beyond the edge
    assert 0 < out[30, 53, 0] < 200  # within it
    assert out[30, 60, 0] >= 198
    assert out[22].max() == 0
    assert out[:, :40].max() == out[:, 80:].max() == 0
    assert abs(int(out.sum()) - int(image.sum())) < 0.02 * int(image.sum())


def test_still_vehicles_stay_sharp():
    image = rng().integers(0, 255, (40, 40, 3)).astype(np.uint8)

    assert (blur_motion(image, np.ones((40, 40), np.uint32), {1: (0.3, 0.2)}) == image).all()


def test_motion_in_the_picture_grows_with_nearness_and_follows_the_heading():
    eye, target = (0.0, 6.0, 0.0), (0.0, 0.0, 30.0)
    projection = perspective(50, 16 / 9) @ look_at(eye, target)

    near = motion_px(projection, (640, 360), (0.0, 15.0, math.pi / 2), 1.0)
    far = motion_px(projection, (640, 360), (0.0, 60.0, math.pi / 2), 1.0)

    assert abs(near[0]) > 3 * abs(far[0]) > 3
    assert near[1] == pytest.approx(0, abs=1e-6)
    assert motion_px(projection, (640, 360), (0.0, -15.0, 0.0), 1.0) == (0.0, 0.0)

"""Makes one picture look as if another camera had taken it. Works on one uint8 BGR picture; knows no labels.

Order is that of the way through a camera: the box is cut, the plate masked, the scene lit, the lens blurs, the sensor
is small and noisy, the stream compressed. Erasing comes last and stands for what passes in front.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from reid.preprocess import resize_crop
from reid.types import Image


class AugmentSettings(BaseModel):
    """How often and how hard. Probabilities are per picture; 0 turns a step off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: float = Field(0.5, ge=0, le=1, description="Mirror left and right.")
    box_jitter: float = Field(0.7, ge=0, le=1, description="A detector's box is never quite the same.")
    box_jitter_share: float = Field(0.08, ge=0, le=0.4, description="Most a side moves, of its length.")
    plate: float = Field(0.3, ge=0, le=1, description="Mask where a number plate would be: not to be learned from.")
    exposure: float = Field(0.5, ge=0, le=1, description="Brightness, contrast and gamma.")
    exposure_stops: float = Field(0.6, ge=0, le=3, description="Most that brightness changes, in stops.")
    white_balance: float = Field(0.4, ge=0, le=1, description="A gain per colour.")
    white_balance_gain: float = Field(0.08, ge=0, le=0.5, description="Most that a colour's gain departs from 1.")
    grey: float = Field(0.05, ge=0, le=1, description="No colour: infra-red light at night.")
    blur: float = Field(0.3, ge=0, le=1, description="Out of focus, or moving.")
    downscale: float = Field(0.4, ge=0, le=1, description="Far away: fewer pixels.")
    downscale_least: float = Field(0.25, gt=0, le=1, description="Smallest factor, relative to network input size.")
    far: float = Field(
        0.0, ge=0, le=1, description="At the end of the street: haze, very few pixels, compressed as such."
    )
    far_least: float = Field(0.08, gt=0, le=0.4, description="Smallest factor of that, relative to network input size.")
    noise: float = Field(0.3, ge=0, le=1, description="A sensor's noise.")
    jpeg: float = Field(0.4, ge=0, le=1, description="Compression.")
    erase: float = Field(0.4, ge=0, le=1, description="Something stands in front.")
    erase_most: float = Field(0.25, gt=0, le=0.5, description="Most that it hides, of the area.")


#: What is far away is smaller than this, relative to network input size, and hidden by haze up to that share.
FAR_MOST, HAZE_MOST = 0.4, 0.45

#: Every step by the name of its probability.
STEPS = (
    *("flip", "box_jitter", "plate", "exposure", "white_balance", "grey"),
    *("blur", "downscale", "far", "noise", "jpeg", "erase"),
)


@dataclass(frozen=True, slots=True)
class Haze:
    """A share of the light comes from the air, as grey as this, in [0, 255]."""

    share: float
    light: float


OFF = AugmentSettings.model_validate(dict.fromkeys(STEPS, 0.0))


def augment(picture: Image, input_hw: tuple[int, int], settings: AugmentSettings, rng: np.random.Generator) -> Image:
    """Applies a random selection of the steps.

    Args:
        picture: uint8 (H, W, 3) BGR of any size; not changed.
        input_hw: Network input height and width, px.
        settings: How often and how hard.
        rng: Source of all chance.

    Returns:
        uint8 (*input_hw, 3) BGR, owning its pixels.
    """
    if rng.random() < settings.box_jitter:
        picture = jitter_box(picture, settings.box_jitter_share, rng)
    image = resize_crop(picture, input_hw).copy()
    if rng.random() < settings.flip:
        image = np.ascontiguousarray(image[:, ::-1])
    if rng.random() < settings.plate:
        mask_plate(image, rng)
    if rng.random() < settings.exposure:
        image = expose(image, settings.exposure_stops, rng)
    if rng.random() < settings.white_balance:
        gains = rng.uniform(1 - settings.white_balance_gain, 1 + settings.white_balance_gain, 3)
        image = np.clip(image * gains, 0, 255).astype(np.uint8)
    if rng.random() < settings.grey:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    image = through_camera(image, input_hw, settings, rng)
    if rng.random() < settings.erase:
        erase(image, settings.erase_most, rng)
    return image


def through_camera(
    image: Image, input_hw: tuple[int, int], settings: AugmentSettings, rng: np.random.Generator
) -> Image:
    """What lens, sensor and stream do to the light: blur, few pixels, noise, compression."""
    if rng.random() < settings.blur:
        image = blur(image, rng)
    if rng.random() < settings.downscale:
        factor = rng.uniform(settings.downscale_least, 1.0)
        small = (max(8, round(input_hw[0] * factor)), max(8, round(input_hw[1] * factor)))
        image = resize_crop(resize_crop(image, small), input_hw)
    if settings.far and rng.random() < settings.far:
        image = from_afar(image, input_hw, settings.far_least, rng)
    if rng.random() < settings.noise:
        image = np.clip(image + rng.normal(0, rng.uniform(2, 12), image.shape), 0, 255).astype(np.uint8)
    if rng.random() < settings.jpeg:
        image = compress(image, int(rng.integers(25, 90)))
    return image


def jitter_box(picture: Image, share: float, rng: np.random.Generator) -> Image:
    """Moves each side of the box in or out; outside the picture its edge pixels are repeated."""
    height, width = picture.shape[:2]
    top, bottom = np.round(rng.uniform(-share, share, 2) * height).astype(int)
    left, right = np.round(rng.uniform(-share, share, 2) * width).astype(int)
    outside = [max(0, int(side)) for side in (top, bottom, left, right)]
    inside = [max(0, -int(side)) for side in (top, bottom, left, right)]
    cut = picture[inside[0] : max(inside[0] + 1, height - inside[1]), inside[2] : max(inside[2] + 1, width - inside[3])]
    padded: Image = cv2.copyMakeBorder(cut, outside[0], outside[1], outside[2], outside[3], cv2.BORDER_REPLICATE)
    return padded


def expose(image: Image, stops: float, rng: np.random.Generator) -> Image:
    """Changes brightness, gamma and contrast by one look-up table."""
    levels = np.linspace(0, 1, 256)
    levels = levels ** rng.uniform(0.7, 1.4) * 2 ** rng.uniform(-stops, stops)
    levels = (levels - 0.5) * rng.uniform(0.75, 1.2) + 0.5
    mapped: Image = cv2.LUT(image, np.clip(levels * 255, 0, 255).astype(np.uint8))
    return mapped


def blur(image: Image, rng: np.random.Generator) -> Image:
    """Out of focus (Gaussian) or moving (along a line)."""
    if rng.random() < 0.6:
        soft: Image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
        return soft
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), rng.uniform(-30, 30), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    moved: Image = cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6))
    return moved


def from_afar(image: Image, input_hw: tuple[int, int], least: float, rng: np.random.Generator) -> Image:
    """As a stream shows vehicles at the end of the street, enlarged again."""
    factor = least ** rng.uniform(math.log(FAR_MOST) / math.log(least), 1.0)
    extent = max(8, round(input_hw[0] * factor)), max(8, round(input_hw[1] * factor))
    soft = rng.uniform(0.3, 0.8) if rng.random() < 0.5 else 0.0
    haze = Haze(rng.uniform(0, HAZE_MOST), rng.uniform(90, 200))
    return resize_crop(streamed(image, extent, haze, soft, int(rng.integers(15, 75))), input_hw)


def streamed(image: Image, extent_hw: tuple[int, int], haze: Haze, soft: float, quality: int) -> Image:
    """A vehicle in few pixels of a stream: behind haze, softened, compressed at that size.

    A video codec spends next to nothing on small things: compression at their own few pixels is what stays of them.

    Args:
        image: uint8 (H, W, 3) BGR.
        extent_hw: Height and width that are left, px.
        haze: Before it.
        soft: Deviation of a Gaussian, px; 0 for none.
        quality: Of JPEG, 1 to 100.
    """
    small = np.clip(resize_crop(image, extent_hw) * (1 - haze.share) + haze.light * haze.share, 0, 255).astype(np.uint8)
    if soft:
        small = np.asarray(cv2.GaussianBlur(small, (0, 0), soft), np.uint8)
    return compress(small, quality)


def compress(image: Image, quality: int) -> Image:
    """Through JPEG and back."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def mask_plate(image: Image, rng: np.random.Generator) -> None:
    """Smears a plate-like rectangle in the lower middle, in place: its own mean colour, a grey, or a coarse blur.

    Where plates are is not known, so this teaches not to rely on what stands there, wherever it stands exactly.
    """
    height, width = image.shape[:2]
    w = max(2, round(rng.uniform(0.12, 0.28) * width))
    h = max(2, round(w / rng.uniform(1.8, 4.7) * height / width))
    x = int(np.clip(round(rng.uniform(0.28, 0.72) * width - w / 2), 0, max(0, width - w)))
    y = int(np.clip(round(rng.uniform(0.5, 0.92) * height - h / 2), 0, max(0, height - h)))
    plate = image[y : y + h, x : x + w]
    choice = rng.random()
    if choice < 0.4:
        plate[:] = plate.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    elif choice < 0.7:
        plate[:] = int(rng.integers(30, 240))
    else:
        plate[:] = cv2.blur(plate, (max(3, w // 2), max(3, h // 2)))


def erase(image: Image, most: float, rng: np.random.Generator) -> None:
    """Hides 2 % of the area or more, in place: a rectangle anywhere, or a bar that comes in from a side.

    Bars stand for what really passes in front of vehicles: poles, other roofs, the edge of the view.

    Source:
        Zhong et al. 2017, "Random Erasing Data Augmentation", with one dull colour instead of noise per pixel, and
        with bars.
    """
    height, width = image.shape[:2]
    share = rng.uniform(0.02, most)
    if rng.random() < 0.65:
        ratio = np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
        h = int(np.clip(round(np.sqrt(share * height * width * ratio)), 1, height))
        w = int(np.clip(round(np.sqrt(share * height * width / ratio)), 1, width))
        y = int(rng.integers(0, height - h + 1))
        x = int(rng.integers(0, width - w + 1))
    elif rng.random() < 0.5:
        h, w = height, max(1, round(share * width))
        y, x = 0, int(rng.choice([0, width - w, int(rng.integers(0, width - w + 1))]))
    else:
        h, w = max(1, round(share * height)), width
        y, x = int(rng.choice([0, height - h])), 0
    colour = rng.uniform(10, 230) + rng.uniform(-40, 40, 3)
    image[y : y + h, x : x + w] = np.clip(colour, 0, 255).astype(np.uint8)

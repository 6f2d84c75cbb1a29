"""The one place that says how a crop becomes network input. Needs NumPy and OpenCV; never torch.

Outside the network: resize to ``input_hw``, aspect ratio not kept. Inside it (and inside every exported graph): BGR to
RGB, scale to [0, 1], subtract the mean, divide by the deviation. So whoever runs a model hands it uint8 pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from reid.types import Image


class Preprocessing(BaseModel):
    """How pixels are prepared. Part of the model's identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_hw: tuple[int, int] = Field(description="Network input height and width in pixels, multiples of 16.")
    mean_rgb: tuple[float, float, float] = Field((0.485, 0.456, 0.406), description="Subtracted, in [0, 1] units.")
    std_rgb: tuple[float, float, float] = Field((0.229, 0.224, 0.225), description="Divided by, in [0, 1] units.")
    resize: str = Field("area-or-linear", pattern="^area-or-linear$", description="Area to shrink, linear to enlarge.")

    @field_validator("input_hw")
    @classmethod
    def _can_be_halved_four_times(cls, input_hw: tuple[int, int]) -> tuple[int, int]:
        if any(side < 16 or side % 16 for side in input_hw):
            raise ValueError(f"height and width must be multiples of 16 from 16, got {input_hw[0]} and {input_hw[1]}")
        return input_hw


def check_crop(crop: Image) -> None:
    """Refuses what is no picture.

    Raises:
        ValueError: ``crop`` is not uint8 (H, W, 3) or has no pixels.
    """
    if crop.dtype != np.uint8 or crop.ndim != 3 or crop.shape[2] != 3 or crop.size == 0:
        raise ValueError(f"a crop must be uint8 (H, W, 3) with pixels, got {crop.dtype} {crop.shape}")


def resize_crop(crop: Image, input_hw: tuple[int, int]) -> Image:
    """Resizes to network size: by area when the picture holds more pixels than that, else linearly.

    Args:
        crop: uint8 (H, W, 3).
        input_hw: Height and width wanted, px.

    Returns:
        uint8 (*input_hw, 3); ``crop`` itself when it already has that size.
    """
    height, width = input_hw
    if crop.shape[:2] == (height, width):
        return crop
    shrinks = crop.shape[0] * crop.shape[1] > height * width
    resized: Image = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized


def to_batch(crops: Sequence[Image], input_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Stacks crops of any size into network input.

    Args:
        crops: uint8 (H, W, 3) BGR each.
        input_hw: Height and width wanted, px.

    Returns:
        uint8 (N, *input_hw, 3), BGR, in the order of ``crops``.

    Raises:
        ValueError: A crop is not uint8 (H, W, 3) or has no pixels.
    """
    batch = np.empty((len(crops), *input_hw, 3), np.uint8)
    for row, crop in enumerate(crops):
        check_crop(crop)
        batch[row] = resize_crop(crop, input_hw)
    return batch

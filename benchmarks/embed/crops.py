"""Crops of vehicles to embed: from the bundled city, or from a folder of pictures. Embeds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data import read_picture
from simulator.city import DEMO, City, load_city
from simulator.truth import TruthBox, read_truth

Image = NDArray[np.uint8]

_SUFFIXES = (".jpg", ".jpeg", ".png")
_MIN_WIDTH_PX = 32
_MIN_VISIBLE = 0.5
#: Frames of a clip between two that crops are cut from.
_STEP = 25


class NoCropsError(Exception):
    """There is nothing to embed; the message says where nothing was found."""


def city_crops(count: int, place: str | Path = DEMO) -> list[Image]:
    """Vehicles cut out of a rendered city by its truth, all sizes and cameras mixed.

    Args:
        count: Most crops wanted.
        place: Folder of a rendered city, or the name of a bundled one.

    Returns:
        uint8 (H, W, 3) BGR each, the same ones for the same arguments, in a shuffled order.

    Raises:
        NoCropsError: The city shows no vehicle large enough.
        CityError: There is no such city.
    """
    city = load_city(place)
    crops = list(_cut(city))
    if not crops:
        raise NoCropsError(f"{city.folder} shows no vehicle {_MIN_WIDTH_PX} px wide or more")
    order = np.random.default_rng(0).permutation(len(crops))[:count]
    return [crops[i] for i in order]


def folder_crops(folder: Path, count: int) -> list[Image]:
    """Pictures of a folder and the folders in it, evenly spread over their sorted paths.

    Args:
        folder: Holds `.jpg`, `.jpeg` or `.png` files, a vehicle each.
        count: Most crops wanted.

    Returns:
        uint8 (H, W, 3) BGR each; what is no picture is left out.

    Raises:
        NoCropsError: There is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise NoCropsError(f"no folder {folder}")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    step = max(1, len(paths) // count)
    read = map(read_picture, paths[::step])
    crops = list(islice((picture for picture in read if picture is not None), count))
    if not crops:
        raise NoCropsError(f"no .jpg or .png picture in {folder}")
    return crops


def _cut(city: City) -> Iterator[Image]:
    boxes: dict[tuple[int, int], list[TruthBox]] = {}
    for box in read_truth(city.truth_path):
        if box.width >= _MIN_WIDTH_PX and box.visible >= _MIN_VISIBLE:
            boxes.setdefault((box.camera, box.frame), []).append(box)
    for camera in city.cameras:
        capture = cv2.VideoCapture(str(camera.path))
        number = 0
        try:
            while capture.grab():
                number += 1
                if number % _STEP == 1 and (wanted := boxes.get((camera.number, number))):
                    _, frame = capture.retrieve()
                    for box in wanted:
                        left, top = max(0, int(box.left)), max(0, int(box.top))
                        right, bottom = int(box.left + box.width), int(box.top + box.height)
                        if (crop := frame[top:bottom, left:right]).size:
                            yield np.ascontiguousarray(crop, np.uint8)
        finally:
            capture.release()

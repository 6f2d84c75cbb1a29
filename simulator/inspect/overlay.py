"""Clips with the truth drawn over them: who is where and how much of each is visible. One camera, or all on a wall."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from simulator.city import City, CityCamera
from simulator.errors import CityError
from simulator.inspect.clips import read_clip
from simulator.inspect.drawing import INK, PAPER, Image, colour_of, draw_box, draw_label
from simulator.truth import TruthBox, read_truth
from simulator.video import ClipWriter

#: Vehicles of which less can be seen get a dashed box.
HIDDEN_BELOW = 0.6
_CRF = 23

Progress = Callable[[int, int], None]


def write_overlay(city: City, out: Path, camera_id: str | None = None, progress: Progress = lambda *_: None) -> int:
    """Writes an MP4 (H.264) of one camera, or of all side by side.

    Args:
        city: Rendered.
        out: File to write; overwritten.
        camera_id: Which camera; None for a wall of all.
        progress: Called with frames done and in all.

    Returns:
        Frames written.

    Raises:
        CityError: The city has no such camera, or a clip or the truth is damaged.
        OSError: The file cannot be written.
    """
    cameras = [_camera(city, camera_id)] if camera_id is not None else list(city.cameras)
    total = max(camera.frames for camera in cameras)
    width, height = wall_size(cameras)
    written = 0
    with ClipWriter(out, (width, height), max(1, round(city.fps)), _CRF) as writer:
        for picture in overlay_frames(city, cameras):
            writer.write(picture)
            written += 1
            progress(written, total)
    return written


def overlay_frames(city: City, cameras: Sequence[CityCamera]) -> Iterator[Image]:
    """The same frames as arrays, uint8 RGB; a camera whose clip has ended stays dark.

    Raises:
        CityDamaged: A clip or the truth is damaged.
    """
    boxes: dict[tuple[int, int], list[TruthBox]] = defaultdict(list)
    for box in read_truth(city.truth_path):
        boxes[box.camera, box.frame].append(box)
    kinds = {vehicle.id: vehicle.kind for vehicle in city.vehicles}
    columns, width, height = _grid(cameras)
    for moments in zip_longest(*(read_clip(camera) for camera in cameras)):
        wall = np.full((height * math.ceil(len(cameras) / columns), width * columns, 3), PAPER, np.uint8)
        for place, (camera, moment) in enumerate(zip(cameras, moments, strict=True)):
            if moment is None:
                continue
            number, image = moment
            draw_truth(image, boxes[camera.number, number], kinds)
            draw_label(image, f"{camera.id}  {number / city.fps:.1f} s  frame {number}", (0, 0), INK)
            top, left = place // columns * height, place % columns * width
            wall[top : top + camera.height, left : left + camera.width] = image
        yield wall


def draw_truth(image: Image, boxes: Sequence[TruthBox], kinds: dict[int, str]) -> None:
    """Draws the boxes of one frame into it, the nearest vehicles last.

    Args:
        image: uint8 (H, W, 3) RGB.
        boxes: Of this frame.
        kinds: Class by vehicle.
    """
    for box in sorted(boxes, key=lambda one: one.top + one.height):
        colour = colour_of(box.vehicle_id)
        corners = (box.left, box.top, box.left + box.width - 1, box.top + box.height - 1)
        draw_box(image, corners, colour, dashed=box.visible < HIDDEN_BELOW)
        share = "" if box.visible > 0.99 else f" {box.visible:.0%}"
        draw_label(image, f"{box.vehicle_id} {kinds.get(box.vehicle_id, '')}{share}", (box.left, box.top), colour)


def wall_size(cameras: Sequence[CityCamera]) -> tuple[int, int]:
    """Width and height of the wall, px, both even."""
    columns, width, height = _grid(cameras)
    rows = math.ceil(len(cameras) / columns)
    return width * columns, height * rows


def _grid(cameras: Sequence[CityCamera]) -> tuple[int, int, int]:
    """Columns of the wall, and width and height of a cell, which are even."""
    columns = math.ceil(math.sqrt(len(cameras)))
    width, height = max(camera.width for camera in cameras), max(camera.height for camera in cameras)
    return columns, width + width % 2, height + height % 2


def _camera(city: City, camera_id: str) -> CityCamera:
    try:
        return city.camera(camera_id)
    except KeyError as exc:
        raise CityError(str(exc.args[0])) from exc

"""Owns which pictures of a tracked vehicle are worth keeping. Never holds on to a frame: crops own their pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.single_camera.assignment import areas, intersections, iou_matrix
from tracker.single_camera.settings import CropSettings
from tracker.types import Crop

Image = NDArray[np.uint8]

_SHARPNESS_SIDE_PX = 96
_JITTER = 0.25
_SAME_PLACE_IOU = 0.5


@dataclass(frozen=True, slots=True)
class View:
    """One vehicle in one frame.

    Attributes:
        t_ns: Capture time, UTC nanoseconds.
        frame: Frame number in the source.
        box_xyxy: Left, top, right, bottom, source px.
        promise: Quality before sharpness, in [0, 1]; 0 where no crop may be taken.
        touching: It may be another vehicle, because two tracks were close or this one had been lost.
        parked: It has stood in one place for long.
    """

    t_ns: int
    frame: int
    box_xyxy: tuple[float, float, float, float]
    promise: float
    touching: bool = False
    parked: bool = False


def occlusions(boxes_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of every box that boxes in front of it cover; in front is what stands lower in the picture.

    Returns:
        (N,), in [0, 1]: the summed covered area, at most 1.

    >>> occlusions(np.array([[0.0, 0, 10, 10], [5, 2, 15, 12]])).tolist()
    [0.4, 0.0]
    """
    common = intersections(boxes_xyxy, boxes_xyxy)
    in_front = boxes_xyxy[:, 3] > boxes_xyxy[:, 3, None]  # row: box, column: the other
    result: NDArray[np.float64] = np.minimum((common * in_front).sum(axis=1) / areas(boxes_xyxy), 1.0)
    return result


def promises(
    boxes_xyxy: NDArray[np.float64],
    scores: NDArray[np.float64],
    image_hw: tuple[int, int],
    settings: CropSettings,
) -> NDArray[np.float64]:
    """Confidence x size x (1 - occlusion), less where the border cuts: the best quality that a crop could have.

    Args:
        boxes_xyxy: (N, 4), all boxes of the frame, source px.
        scores: (N,), in [0, 1].
        image_hw: Height and width of the frame, px.
        settings: Limits and scales.

    Returns:
        (N,), in [0, 1]; 0 for boxes too small or too much covered.
    """
    height, width = image_hw
    hidden = occlusions(boxes_xyxy)
    side = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    size = np.minimum(np.sqrt(side[:, 0] * side[:, 1]) / settings.full_size_px, 1.0)
    far = np.array([width, height]) - settings.border_px
    clipped = (boxes_xyxy[:, :2] <= settings.border_px).any(axis=1) | (boxes_xyxy[:, 2:] >= far).any(axis=1)
    value = scores * size * (1.0 - hidden) * np.where(clipped, settings.clipped_factor, 1.0)
    usable = (hidden <= settings.max_occlusion) & (side >= settings.min_side_px).all(axis=1)
    return np.where(usable, value, 0.0)


def sharpness(image: Image, half_variance: float) -> float:
    """How much detail a picture of a vehicle holds at about the size that a network sees, in its green channel.

    Args:
        image: uint8 (H, W, 3) BGR.
        half_variance: Variance of the Laplacian at which the result is one half.

    Returns:
        variance / (variance + half_variance), in [0, 1); 0 for a flat picture.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy", variance of the Laplacian.
    """
    green = cv2.extractChannel(image, 1)
    height, width = green.shape
    factor = max(1, max(height, width) // _SHARPNESS_SIDE_PX)
    small = (width // factor, height // factor)
    if factor > 1 and min(small) > 0:  # whole factors keep the reduction cheap
        whole = green[: small[1] * factor, : small[0] * factor]
        green = cv2.resize(whole, small, interpolation=cv2.INTER_AREA)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(green, cv2.CV_16S))
    variance = float(deviation[0, 0]) ** 2
    return variance / (variance + half_variance)


@dataclass(frozen=True, slots=True)
class _Held:
    """A crop and the view it shows: part of the path, and place on it in box sizes."""

    crop: Crop
    part: int
    place: float

    def novelty(self, other: _Held, stretch: float) -> float:
        """How different the views are: 1 for a stretch driven, or for another part of the path."""
        return abs(self.place - other.place) / stretch + (self.part != other.part)


class CropChooser:
    """Keeps the best picture of every stretch of a vehicle's path.

    The path is measured in box sizes moved, and grows too where the box changes its size or aspect, as it does when a
    vehicle turns; so a stretch is a viewpoint and a parked car is one stretch. When there are more than twice ``count``
    stretches, neighbours are joined: memory is bounded, the pictures stay spread.
    Where the track may have changed over to another vehicle a new part begins; pictures of two parts never compete, so
    that there are some from either side to compare. Of many parts that show the vehicle in one place, as it waits
    beside passing traffic, the first and the newest suffice for that.
    """

    def __init__(self, settings: CropSettings) -> None:
        self._settings = settings
        self._best: dict[tuple[int, int], _Held] = {}  # by part and stretch
        self._stretch = settings.view_step
        self._path = 0.0
        self._part = 0
        self._anchor: tuple[float, float, float, float] | None = None  # cx, cy, sqrt(area), aspect

    def offer(self, view: View, image: Image) -> None:
        """Looks at a view and copies its pixels if it is the best of its stretch so far.

        Args:
            view: The vehicle in the newest frame.
            image: uint8 (H, W, 3) BGR, the whole frame; not kept.
        """
        self._advance(view.box_xyxy)
        stretch = (self._part, int(self._path / self._stretch))
        held = self._best.get(stretch)
        to_beat = held.crop.quality * self._settings.better_by if held else 0.0
        if view.promise <= to_beat:
            return
        cut = _cut(image, view.box_xyxy, self._settings.padding)
        quality = view.promise * sharpness(cut, self._settings.half_sharp_variance) if cut.size else 0.0
        if quality <= to_beat:
            return
        box = np.array(view.box_xyxy, np.float32)
        crop = Crop(_owned(cut, self._settings.max_side_px), view.t_ns, view.frame, box, min(quality, 1.0))
        self._forget_between(box)
        self._best[stretch] = _Held(crop, self._part, self._path)
        if len(self._best) > 2 * self._settings.count:
            self._widen()
            self._thin()

    def begin_part(self) -> None:
        """From the next view on, pictures may show another vehicle."""
        self._part += 1

    def chosen(self) -> tuple[Crop, ...]:
        """At most ``count`` crops that differ in view, best first.

        After the best one, each is the one with the largest product of quality and novelty beside those taken, novelty
        counting up to 1; less than half a stretch apart is the same view.
        """
        left = sorted(self._best.values(), key=lambda held: (-held.crop.quality, held.crop.t_ns))
        taken: list[_Held] = []
        while left and len(taken) < self._settings.count:
            taken.append(left.pop(0))
            novelty = {id(held): min(held.novelty(t, self._stretch) for t in taken) for held in left}
            left = [held for held in left if novelty[id(held)] >= 0.5]
            left.sort(key=lambda held: (-held.crop.quality * min(novelty[id(held)], 1.0), held.crop.t_ns))
        return tuple(sorted((held.crop for held in taken), key=lambda crop: (-crop.quality, crop.t_ns)))

    def keep_from(self, t_ns: int) -> None:
        """Forgets what was seen before ``t_ns``: it was another vehicle."""
        self._best = {stretch: held for stretch, held in self._best.items() if held.crop.t_ns >= t_ns}

    def _advance(self, box: tuple[float, float, float, float]) -> None:
        """Adds the movement since the anchor to the path, once it is more than a detector's jitter."""
        x1, y1, x2, y2 = box
        here = ((x1 + x2) / 2, (y1 + y2) / 2, math.sqrt((x2 - x1) * (y2 - y1)), (x2 - x1) / (y2 - y1))
        if self._anchor is None:
            self._anchor = here
            return
        cx, cy, size, aspect = self._anchor
        moved = math.hypot(here[0] - cx, here[1] - cy) / size
        moved += abs(math.log(here[2] / size)) + abs(math.log(here[3] / aspect))
        if moved >= _JITTER:
            self._path += moved
            self._anchor = here

    def _forget_between(self, box: NDArray[np.float32]) -> None:
        """Forgets what former parts, but for the first, showed in the place of the present part's ``box`` (4,)."""
        former = [(stretch, held) for stretch, held in self._best.items() if held.part != self._part]
        if not former:
            return
        boxes = np.stack([held.crop.box_xyxy for _, held in former]).astype(np.float64)
        here = iou_matrix(box[None].astype(np.float64), boxes)[0] >= _SAME_PLACE_IOU
        same = [entry for entry, overlaps in zip(former, here, strict=True) if overlaps]
        first = min((held.part for _, held in same), default=0)
        for stretch, held in same:
            if held.part != first:
                del self._best[stretch]

    def _widen(self) -> None:
        """Doubles the stretches, keeping the better crop of each two; with several parts only if that joins any."""
        wider = 2 * self._stretch
        joined: dict[tuple[int, int], _Held] = {}
        for held in self._best.values():
            stretch = (held.part, int(held.place / wider))
            if stretch not in joined or held.crop.quality > joined[stretch].crop.quality:
                joined[stretch] = held
        one_part = len({part for part, _ in self._best}) == 1
        if one_part or len(joined) < len(self._best):
            self._stretch, self._best = wider, joined

    def _thin(self) -> None:
        """Gives up the poorest crops of former parts while there are too many."""
        while len(self._best) > 2 * self._settings.count:
            former = [stretch for stretch in self._best if stretch[0] != self._part] or list(self._best)
            del self._best[min(former, key=lambda stretch: self._best[stretch].crop.quality)]


def _cut(image: Image, box: tuple[float, float, float, float], padding: float) -> Image:
    """The part of the frame inside the padded box, a view; no pixels when the box lies outside."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    dx, dy = padding * (x2 - x1), padding * (y2 - y1)
    left, top = max(0, math.floor(x1 - dx)), max(0, math.floor(y1 - dy))
    right, bottom = min(width, math.ceil(x2 + dx)), min(height, math.ceil(y2 + dy))
    return image[top : max(top, bottom), left : max(left, right)]


def _owned(cut: Image, max_side_px: int) -> Image:
    """A copy of the pixels, scaled down where the longest side exceeds ``max_side_px``."""
    height, width = cut.shape[:2]
    scale = max_side_px / max(height, width)
    if scale >= 1:
        return cut.copy()
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)

"""Decides in which input size each live camera's frames are looked at: by what is seen there, and by the time left.

A larger size is for a camera in which many vehicles are small and both sizes often differ in what they find: the larger
one has more pixels to go by and is mostly right. Where either is not so it costs time and brings nothing.

Owns the choice. Opens no detector and sees no picture: it is fed with what was measured, by a clock that is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections
from tracker.single_camera.assignment import iou_matrix

InputSize = tuple[int, int]
Reason = Literal["small vehicles", "no small vehicles", "no time"]
Floats = NDArray[np.float32]

#: How often the choice is thought over.
REVIEW_S = 5.0
#: A frame of a camera is looked at in two sizes so often; less often once enough is known.
COMPARE_S, COMPARE_LATER_S = 2.0, 10.0
#: Boxes from this score count, and are found in the other size where any box overlaps them so much.
SURE, SAME_IOU = 0.25, 0.5
#: What only one size finds counts once while it stays in its place: a parked car, or a sign taken for one.
STANDING_IOU = 0.8
#: A vehicle narrower than this in the smaller input is small.
SMALL_PX = 32.0
#: Boxes compared before anything is concluded; beyond the most, older ones count half.
LEAST_BOXES, MOST_BOXES = 60, 400
#: A larger size is taken where so large a share of the boxes is small and so large a share found in one size only.
TAKE_SMALL, TAKE_DIFFERENT = 0.45, 0.05
#: It is given up where either share falls below these.
LEAVE_SMALL, LEAVE_DIFFERENT = 0.35, 0.02
#: Share of the time for which the network thread may be expected to work after a larger size was taken, and from
#: which larger sizes are given up.
ROOM, CROWDED = 0.6, 0.8
#: A camera keeps its size for so long; one that lost it for want of time does not ask again for longer.
KEEP_S, RETRY_S = 60.0, 300.0
_NEWEST_WEIGHT = 0.1
_PEAK_FADE = 0.99


@dataclass(frozen=True, slots=True)
class SizeChange:
    """A camera's frames are looked at in another size from now on.

    Attributes:
        camera_id: Which camera.
        size: Width and height of the detector's input, px.
        reason: Why.
        small: Share of the vehicles that are small in the smaller of both sizes; NaN if too few were seen.
        different: Share of the vehicles that only one of both sizes finds; NaN likewise.
    """

    camera_id: str
    size: InputSize
    reason: Reason
    small: float
    different: float


@dataclass(slots=True)
class _Evidence:
    """How the boxes of one size differ from those of the next larger one in one camera."""

    one_sided: float = 0.0
    both: float = 0.0
    narrow: float = 0.0
    seen: float = 0.0
    at_s: float = -math.inf
    only: list[Floats] = field(default_factory=lambda: [np.zeros((0, 4), np.float32)] * 2)

    @property
    def boxes(self) -> float:
        return self.one_sided + self.both

    @property
    def different(self) -> float:
        return self.one_sided / self.boxes if self.boxes >= LEAST_BOXES else math.nan

    @property
    def small(self) -> float:
        return self.narrow / self.seen if self.boxes >= LEAST_BOXES and self.seen else math.nan

    @property
    def calls_for_more(self) -> bool:
        return self.small >= TAKE_SMALL and self.different >= TAKE_DIFFERENT

    @property
    def calls_for_less(self) -> bool:
        return self.small < LEAVE_SMALL or self.different < LEAVE_DIFFERENT

    def add(self, smaller: Detections, larger: Detections, small_px: float) -> None:
        """Takes in one frame; ``small_px`` is the width in it below which a vehicle is small."""
        if self.boxes > MOST_BOXES:
            self.one_sided, self.both = self.one_sided / 2, self.both / 2
            self.narrow, self.seen = self.narrow / 2, self.seen / 2
        widths = _sure(larger)[:, 2] - _sure(larger)[:, 0]
        self.narrow += int((widths < small_px).sum())
        self.seen += len(widths)
        only_larger, both = only_here(larger, smaller)
        only_smaller, _ = only_here(smaller, larger)
        self.one_sided += self._news(0, only_larger) + self._news(1, only_smaller)
        self.both += both

    def _news(self, side: int, boxes: Floats) -> int:
        before, self.only[side] = self.only[side], boxes
        if not len(boxes) or not len(before):
            return len(boxes)
        return int((_overlaps(boxes, before) < STANDING_IOU).sum())


@dataclass(slots=True)
class _Camera:
    rung: int = 0
    keeps_until_s: float = -math.inf
    looked: int = 0
    rate: float = 0.0
    evidence: dict[int, _Evidence] = field(default_factory=dict)
    upwards: bool = True

    def over(self, rung: int) -> _Evidence:
        """What the next larger size finds beyond the one of ``rung``."""
        return self.evidence.setdefault(rung, _Evidence())


class SizeChooser:
    """The input sizes of all live cameras of a process. The network thread calls; ``size_of``, ``busy_share`` any."""

    def __init__(self, usual: InputSize, larger: Sequence[InputSize], monotonic_s: Callable[[], float]) -> None:
        """Starts with the usual size for every camera.

        Args:
            usual: Width and height of the detector's input where nothing else is known, px.
            larger: Sizes that a camera may get instead; those with no more pixels than ``usual`` are left out.
            monotonic_s: A clock that never goes back.
        """
        beyond = sorted({size for size in larger if _pixels(size) > _pixels(usual)}, key=_pixels)
        self._sizes = (usual, *beyond)
        self._monotonic_s = monotonic_s
        self._cameras: dict[str, _Camera] = {}
        self._frame_s: dict[InputSize, float] = {}
        self._worked_s = 0.0
        self._reviewed_s = monotonic_s()
        self._busy_share = math.nan

    @property
    def sizes(self) -> tuple[InputSize, ...]:
        """All sizes, the usual one first, then larger ones."""
        return self._sizes

    @property
    def busy_share(self) -> float:
        """Share of the last review's time in which the network thread worked; NaN before the first."""
        return self._busy_share

    def size_of(self, camera_id: str) -> InputSize:
        """In which size to look at a camera's frames now."""
        camera = self._cameras.get(camera_id)
        return self._sizes[0 if camera is None else camera.rung]

    def worked(self, seconds: float) -> None:
        """The network thread worked for so long: detecting, tracking and embedding."""
        self._worked_s += seconds

    def looked(self, camera_id: str) -> None:
        """A frame of a camera whose size is chosen here was looked at."""
        self._cameras.setdefault(camera_id, _Camera()).looked += 1

    def took(self, size: InputSize, frames: int, seconds: float) -> None:
        """So many frames took the detector so long in this size."""
        each_s, known_s = seconds / frames, self._frame_s.get(size)
        self._frame_s[size] = each_s if known_s is None else known_s + _NEWEST_WEIGHT * (each_s - known_s)

    def second_look(self, camera_id: str) -> InputSize | None:
        """In which other size a frame of a camera is to be looked at too; None where that is not due.

        What is asked for is counted as done: call ``compared`` with what was found.
        """
        camera = self._cameras.get(camera_id)
        # While there is no time for a larger size, there is none to find out what it would bring.
        if camera is None or len(self._sizes) == 1 or not self._busy_share <= ROOM:
            return None
        up = camera.rung == 0 or (camera.upwards and camera.rung + 1 < len(self._sizes))
        evidence = camera.over(camera.rung if up else camera.rung - 1)
        pause_s = COMPARE_S if evidence.boxes < LEAST_BOXES else COMPARE_LATER_S
        now_s = self._monotonic_s()
        if now_s - evidence.at_s < pause_s:
            return None
        evidence.at_s, camera.upwards = now_s, not camera.upwards
        return self._sizes[camera.rung + (1 if up else -1)]

    def compared(
        self, camera_id: str, picture: tuple[int, int], found: Detections, other: InputSize, found_there: Detections
    ) -> None:
        """What one frame showed in two sizes.

        Args:
            camera_id: The frame's camera.
            picture: Width and height of the frame, px.
            found: In the size that the camera has.
            other: The size that ``second_look`` named.
            found_there: In that size.
        """
        camera = self._cameras[camera_id]
        above = self._sizes.index(other) > camera.rung
        rung = camera.rung if above else camera.rung - 1
        smaller, larger = (found, found_there) if above else (found_there, found)
        width, height = self._sizes[rung]
        scale = min(width / picture[0], height / picture[1])
        camera.over(rung).add(smaller, larger, SMALL_PX / scale)

    def forget(self, camera_id: str) -> None:
        """A camera is no longer read here."""
        self._cameras.pop(camera_id, None)

    def review(self) -> list[SizeChange]:
        """Thinks the choice over where it is due.

        Returns:
            What changes from now on. At most one camera gets a larger size at a time, so that what it costs is seen
            before another does; smaller ones are given as many as it takes.
        """
        now_s = self._monotonic_s()
        elapsed_s = now_s - self._reviewed_s
        if elapsed_s < REVIEW_S:
            return []
        self._busy_share, self._worked_s, self._reviewed_s = self._worked_s / elapsed_s, 0.0, now_s
        for camera in self._cameras.values():
            # The rate of busy times counts: a camera that is still now costs little now.
            camera.rate, camera.looked = max(camera.looked / elapsed_s, _PEAK_FADE * camera.rate), 0
        if self._busy_share > CROWDED:
            return list(self._make_room(now_s))
        return [*self._given_up(now_s), *self._taken(now_s)]

    def _make_room(self, now_s: float) -> Iterator[SizeChange]:
        share = self._busy_share
        larger = [(name, camera) for name, camera in self._cameras.items() if camera.rung]
        for name, camera in sorted(larger, key=lambda pair: (_worth(pair[1]), pair[0])):
            if share <= ROOM:
                return
            share -= self._price(camera, camera.rung - 1)
            yield self._change(name, camera.rung - 1, "no time", now_s + RETRY_S)

    def _given_up(self, now_s: float) -> Iterator[SizeChange]:
        for name, camera in self._cameras.items():
            if camera.rung and now_s >= camera.keeps_until_s and camera.over(camera.rung - 1).calls_for_less:
                yield self._change(name, camera.rung - 1, "no small vehicles", now_s + KEEP_S)

    def _taken(self, now_s: float) -> Iterator[SizeChange]:
        last = len(self._sizes) - 1
        waiting = [
            (camera.over(camera.rung).small, name, camera)
            for name, camera in self._cameras.items()
            if camera.rung < last and now_s >= camera.keeps_until_s and camera.over(camera.rung).calls_for_more
        ]
        for _, name, camera in sorted(waiting, key=lambda each: (-each[0], each[1])):
            if self._busy_share + self._price(camera, camera.rung) <= ROOM:
                yield self._change(name, camera.rung + 1, "small vehicles", now_s + KEEP_S)
                return

    def _price(self, camera: _Camera, rung: int) -> float:
        """Share of the network thread's time that the next larger size than ``rung`` costs a camera more."""
        less_s, more_s = (self._frame_s.get(size, math.nan) for size in self._sizes[rung : rung + 2])
        return camera.rate * max(0.0, more_s - less_s)

    def _change(self, camera_id: str, rung: int, reason: Reason, until_s: float) -> SizeChange:
        camera = self._cameras[camera_id]
        evidence = camera.over(min(rung, camera.rung))
        camera.rung, camera.keeps_until_s = rung, until_s
        return SizeChange(camera_id, self._sizes[rung], reason, evidence.small, evidence.different)


def only_here(here: Detections, there: Detections) -> tuple[Floats, int]:
    """Sure boxes of one detector in a frame that another's boxes do not show, (N, 4), and how many they do show."""
    sure = _sure(here)
    if not len(sure) or not len(there):
        return sure, 0
    alone = _overlaps(sure, there.boxes_xyxy) < SAME_IOU
    return sure[alone], int((~alone).sum())


def _overlaps(boxes: Floats, others: Floats) -> NDArray[np.float64]:
    """The largest IoU of each box with any of the others; there is at least one."""
    return np.asarray(iou_matrix(boxes.astype(np.float64), others.astype(np.float64)).max(axis=1))


def _pixels(size: InputSize) -> int:
    return size[0] * size[1]


def _sure(found: Detections) -> Floats:
    return found.boxes_xyxy[found.scores >= SURE]


def _worth(camera: _Camera) -> float:
    small = camera.over(camera.rung - 1).small
    return 0.0 if math.isnan(small) else small

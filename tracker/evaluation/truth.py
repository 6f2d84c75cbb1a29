"""Truth tracklets: who passed which camera when. Owns their making from boxes, and wrong clocks; opens no file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tracker.metrics.cityflow import CityFlowTracks
from tracker.metrics.mtmc import plain_boxes
from tracker.multi_camera.types import Point

SECOND_NS = 1_000_000_000
#: Seconds, either way, beyond which no time and no step of a clock goes (63 years): in nanoseconds, their sums and
#: differences fit into 64 bits.
LARGEST_S = 2e9
#: A vehicle whose boxes stop so long has left the view; when it comes back it begins another tracklet.
GAP_S = 3.0
#: What frames are taken to measure when nobody says: a box beyond them makes them larger.
FRAME_PX = (1920.0, 1080.0)
DEFAULT_FPS = 10.0
FRONT, SIDE, REAR = range(3)
#: By how much the box of a vehicle that comes closer, or goes away, changes its area at least.
NEARER = 1.3


@dataclass(frozen=True, slots=True)
class TruthTracklet:
    """One passage of one vehicle through one camera, as the truth has it.

    Attributes:
        camera_id: Where.
        vehicle_id: Who.
        start_ns: First box, true time.
        end_ns: Last box, true time.
        boxes: Boxes that the metrics ask for; what the tracklet weighs.
        entry: Centre of the first box, fractions of the frame.
        exit: Centre of the last box.
        shift_ns: How far the camera's clock was ahead when the tracklet began.
        side: What it showed mostly: FRONT, SIDE or REAR.
        width_px: Largest width of its boxes.
        vehicle_class: Index into ``detector.types.VEHICLE_CLASSES``; -1 where the truth does not tell.
        look: Number of its model and colour; -1 where the truth does not tell.
    """

    camera_id: str
    vehicle_id: int
    start_ns: int
    end_ns: int
    boxes: int
    entry: Point
    exit: Point
    shift_ns: int = 0
    side: int = SIDE
    width_px: float = 160.0
    vehicle_class: int = -1
    look: int = -1

    @property
    def shown_start_ns(self) -> int:
        """Start as the camera's clock shows it."""
        return self.start_ns + self.shift_ns

    @property
    def shown_end_ns(self) -> int:
        """End as the camera's clock shows it."""
        return self.end_ns + self.shift_ns


@dataclass(frozen=True, slots=True)
class SceneClock:
    """How frames of a scene become times.

    Attributes:
        offsets_s: Seconds by which a camera starts later, by camera number. When it is not empty, only cameras named
            are read.
        fps: Frames a second by camera number; ``DEFAULT_FPS`` for others.
    """

    offsets_s: Mapping[int, float] = field(default_factory=dict)
    fps: Mapping[int, float] = field(default_factory=dict)

    def seconds(self, camera: int, frame: float) -> float:
        """When a 1-based frame was taken: frame / fps after the camera's start.

        Raises:
            ValueError: That is beyond ``LARGEST_S``.
        """
        at_s = self.offsets_s.get(camera, 0.0) + frame / self.fps.get(camera, DEFAULT_FPS)
        if not abs(at_s) <= LARGEST_S:
            raise ValueError(f"frame {frame:.0f} of {camera_name(camera)} is at {at_s:.0f} s, beyond {LARGEST_S:.0f} s")
        return at_s


def camera_name(number: int) -> str:
    """The name of CityFlow's cameras.

    >>> camera_name(7)
    'c007'
    """
    return f"c{number:03d}"


def tracklets_of(tracks: CityFlowTracks, clock: SceneClock) -> list[TruthTracklet]:
    """Passages of vehicles, from boxes.

    A vehicle whose boxes stop for ``GAP_S`` and go on has passed twice. Boxes too small or too hidden to be asked for
    (see ``tracker.metrics.mtmc``) belong to a passage but weigh nothing.

    Args:
        tracks: Boxes.
        clock: Of the scene.

    Returns:
        By start.

    Raises:
        ValueError: A time is beyond ``LARGEST_S``.
    """
    frame_px = _frame_sizes(tracks)
    plain = plain_boxes(tracks)
    found = []
    for camera, vehicle, rows in _passages(tracks, clock):
        size = frame_px[camera]
        first, last = (tracks.xywh[r] for r in (rows[0], rows[-1]))
        start_s, end_s = (clock.seconds(camera, float(tracks.frame[r])) for r in (rows[0], rows[-1]))
        found.append(
            TruthTracklet(
                camera_id=camera_name(camera),
                vehicle_id=vehicle,
                start_ns=round(start_s * SECOND_NS),
                end_ns=round(end_s * SECOND_NS),
                boxes=int(plain[rows].sum()),
                entry=_centre(first, size),
                exit=_centre(last, size),
                side=_side(first, last),
                width_px=float(tracks.xywh[rows, 2].max()),
            )
        )
    return sorted(found, key=lambda t: (t.start_ns, t.camera_id, t.vehicle_id))


def _passages(tracks: CityFlowTracks, clock: SceneClock) -> Iterator[tuple[int, int, NDArray[np.intp]]]:
    """Camera, vehicle and the rows of each passage, rows by frame."""
    if not len(tracks):
        return
    order = np.lexsort((tracks.frame, tracks.identity, tracks.camera))
    camera, vehicle, frame = tracks.camera[order], tracks.identity[order], tracks.frame[order]
    fps = np.array([clock.fps.get(int(c), DEFAULT_FPS) for c in camera])
    another = (np.diff(camera) != 0) | (np.diff(vehicle) != 0) | (np.diff(frame) >= GAP_S * fps[1:])
    for rows in np.split(order, np.flatnonzero(another) + 1):
        number = int(tracks.camera[rows[0]])
        if not clock.offsets_s or number in clock.offsets_s:
            yield number, int(tracks.identity[rows[0]]), rows


def _frame_sizes(tracks: CityFlowTracks) -> dict[int, NDArray[np.float64]]:
    """Width and height of each camera's frames: at least ``FRAME_PX``, and as far as its boxes reach."""
    sizes = {}
    for camera in np.unique(tracks.camera):
        boxes = tracks.xywh[tracks.camera == camera]
        sizes[int(camera)] = np.maximum((boxes[:, :2] + boxes[:, 2:]).max(axis=0), FRAME_PX)
    return sizes


def _centre(xywh: NDArray[np.float64], size: NDArray[np.float64]) -> Point:
    x, y = np.clip((xywh[:2] + xywh[2:] / 2) / size, 0.0, 1.0)
    return float(x), float(y)


def _side(first: NDArray[np.float64], last: NDArray[np.float64]) -> int:
    """Who comes closer shows the front, who goes away the rear."""
    growth = float(last[2] * last[3]) / max(float(first[2] * first[3]), 1e-9)
    if growth > NEARER:
        return FRONT
    return REAR if growth < 1 / NEARER else SIDE


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A camera's clock that jumps, as after somebody set it.

    Attributes:
        camera_id: Whose.
        by_s: How far it is ahead from then on.
        at_s: When, seconds after the first tracklet's start.
    """

    camera_id: str
    by_s: float
    at_s: float


def with_skew(tracklets: Sequence[TruthTracklet], skew_s: float, seed: int) -> list[TruthTracklet]:
    """The same tracklets seen by clocks that are wrong by ``skew_s``, ahead or behind by lot.

    The lot of a camera hangs on its name and the seed alone, so that another hour before it has the same clock.
    """
    shift_ns = {}
    for camera in {t.camera_id for t in tracklets}:
        ahead = np.random.default_rng([seed, zlib.crc32(camera.encode())]).random() < 0.5
        shift_ns[camera] = round((skew_s if ahead else -skew_s) * SECOND_NS)
    return [replace(t, shift_ns=t.shift_ns + shift_ns[t.camera_id]) for t in tracklets]


def with_step(tracklets: Sequence[TruthTracklet], step: ClockStep) -> list[TruthTracklet]:
    """The same tracklets with one camera's clock jumping."""
    at_ns = min(t.start_ns for t in tracklets) + round(step.at_s * SECOND_NS)
    by_ns = round(step.by_s * SECOND_NS)
    return [
        replace(t, shift_ns=t.shift_ns + by_ns) if t.camera_id == step.camera_id and t.start_ns >= at_ns else t
        for t in tracklets
    ]

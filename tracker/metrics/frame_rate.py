"""Owns how single-camera tracking fares at other frame rates. Opens no file; detections are given or drawn from truth.

Every rate sees the same detections, thinned, and every truth frame counts at every rate, tracks being filled over gaps
of up to a second as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracker.metrics.cityflow import UNKNOWN_VISIBILITY, CityFlowTracks
from tracker.metrics.mtmc import MtmcRules, MtmcScore, evaluate_mtmc, refuse_doubles
from tracker.metrics.tracklets import TrackletBoxes, labelled_tracks
from tracker.single_camera.paths import PathFollower
from tracker.single_camera.settings import TrackerSettings

Floats = NDArray[np.float64]

#: Every vehicle counts in every camera: this is about one camera at a time.
SINGLE_CAMERA_RULES = MtmcRules(min_cameras=1)
#: Detections are drawn for so many frames of all cameras at most, 55 hours at 10 a second: about a gigabyte.
MOST_FRAMES = 2_000_000
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DetectedFrame:
    """What a detector says of one frame.

    Attributes:
        frame: 1-based number, as in the truth.
        boxes_xyxy: float64 (N, 4), source px.
        scores: float64 (N,), in [0, 1], highest first.
    """

    frame: int
    boxes_xyxy: Floats
    scores: Floats


#: Frames of every camera by its number, ascending, those without a vehicle among them.
Detected = Mapping[int, Sequence[DetectedFrame]]


@dataclass(frozen=True, slots=True)
class DetectorNoise:
    """How a detector errs.

    Attributes:
        recall: Share found of vehicles that are large and in plain view.
        half_width_px: Width at which half of these are found.
        half_visible: Visible share at which half of these are found.
        centre_share: Standard deviation of a box's centre, in sides.
        size_share: Standard deviation of the log of a side.
        false_alarms: Mean number of boxes on nothing, per frame.
    """

    recall: float = 0.95
    half_width_px: float = 14.0
    half_visible: float = 0.3
    centre_share: float = 0.02
    size_share: float = 0.03
    false_alarms: float = 0.05


def simulate_detections(
    truth: CityFlowTracks, noise: DetectorNoise, rng: np.random.Generator
) -> dict[int, list[DetectedFrame]]:
    """Detections as a detector would give them on the pictures behind the truth.

    Small and hidden vehicles are found less often and with lower scores; boxes jitter; some lie on nothing.

    Args:
        truth: Boxes; unknown visibility counts as plain view.
        noise: Sizes of the errors.
        rng: Drawn from camera by camera, frame by frame.

    Returns:
        Every frame from each camera's first to its last with a box.

    Raises:
        ValueError: These are more than ``MOST_FRAMES``.
    """
    _refuse_endless(truth)
    result: dict[int, list[DetectedFrame]] = {}
    for camera in np.unique(truth.camera).tolist():
        own = truth.select(truth.camera == camera)
        order = np.argsort(own.frame, kind="stable")
        edges = np.searchsorted(own.frame[order], np.arange(own.frame.min(), own.frame.max() + 2))
        extent = (own.xywh[:, :2] + own.xywh[:, 2:]).max(axis=0)
        result[camera] = [
            _detect(int(own.frame.min()) + k, own.xywh[rows], own.visible[rows], extent, (noise, rng))
            for k, rows in enumerate(np.split(order, edges[1:-1]))
        ]
    return result


def _refuse_endless(truth: CityFlowTracks) -> None:
    spans = []
    for camera in np.unique(truth.camera).tolist():
        frames = truth.frame[truth.camera == camera]
        spans.append((int(frames.max() - frames.min()) + 1, camera, int(frames.min()), int(frames.max())))
    total = sum(span for span, *_ in spans)
    if total > MOST_FRAMES:
        _, camera, first, last = max(spans)
        raise ValueError(
            f"truth goes from frame {first} to {last} in camera {camera}: detections are drawn for at most "
            f"{MOST_FRAMES} frames of all cameras, got {total}"
        )


def _detect(
    frame: int, xywh: Floats, visible: Floats, extent: Floats, chance: tuple[DetectorNoise, np.random.Generator]
) -> DetectedFrame:
    noise, rng = chance
    plain = np.where(visible == UNKNOWN_VISIBILITY, 1.0, visible)
    seen = _rises(xywh[:, 2] / noise.half_width_px - 1, 0.2) * _rises(plain - noise.half_visible, 0.07)
    found = rng.random(len(xywh)) < noise.recall * seen
    centres = xywh[:, :2] + xywh[:, 2:] * (0.5 + noise.centre_share * rng.standard_normal((len(xywh), 2)))
    sides = xywh[:, 2:] * np.exp(noise.size_share * rng.standard_normal((len(xywh), 2)))
    scores = np.clip(0.85 * seen + 0.08 * rng.standard_normal(len(xywh)), 0.11, 0.98)
    alarms = int(rng.poisson(noise.false_alarms))
    centres = np.concatenate([centres[found], rng.uniform(0, extent, (alarms, 2))])
    sides = np.concatenate([sides[found], rng.uniform(16, 60, (alarms, 2))])
    scores = np.concatenate([scores[found], rng.uniform(0.1, 0.5, alarms)])
    order = np.argsort(-scores, kind="stable")
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    return DetectedFrame(frame, boxes[order], scores[order])


def _rises(x: Floats, width: float) -> Floats:
    """Smooth step from 0 to 1 around 0."""
    return np.asarray(1.0 / (1.0 + np.exp(-x / width)), np.float64)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many frames a tracker gets to see.

    Attributes:
        fps: Frames a second.
        drop: Share of these that is lost at random, in [0, 1).
    """

    fps: float
    drop: float = 0.0


def thinned(frames: Sequence[DetectedFrame], fps: float, rate: Rate, rng: np.random.Generator) -> list[DetectedFrame]:
    """The frames that a slower pipeline would get to see, left out as evenly as can be.

    Args:
        frames: Of one camera, ascending.
        fps: Their rate.
        rate: The slower one.
        rng: For the losses.

    Raises:
        ValueError: ``rate`` is faster than ``fps``, or a share of losses is none.
    """
    if not 0 < rate.fps <= fps:
        raise ValueError(f"frames a second must be in (0, {fps:g}], got {rate.fps:g}")
    if not 0 <= rate.drop < 1:
        raise ValueError(f"the share of dropped frames must be in [0, 1), got {rate.drop:g}")
    number = np.floor(np.array([frame.frame for frame in frames]) * rate.fps / fps + 1e-9)
    kept = np.diff(number, prepend=-1) > 0
    kept &= rng.random(len(frames)) >= rate.drop
    return [frame for frame, keep in zip(frames, kept, strict=True) if keep]


def track(frames: Sequence[DetectedFrame], camera: int, fps: float, settings: TrackerSettings) -> list[TrackletBoxes]:
    """The tracks of one camera that are long enough to be told, as they are told but for what needs pictures.

    Gaps of up to a second are filled. The picture is taken to reach as far as the boxes do.

    Args:
        frames: What the tracker gets to see, ascending.
        camera: Number for the result.
        fps: Of the frame numbers.
        settings: Of the tracker.
    """
    corners = [detected.boxes_xyxy[:, 2:].max(axis=0) for detected in frames if len(detected.boxes_xyxy)]
    width, height = np.ceil(np.max(corners, axis=0)).astype(int).tolist() if corners else (1, 1)
    follower = PathFollower(settings, (width, height))
    for detected in frames:
        follower.update(round(detected.frame / fps * _NS), detected.frame, detected.boxes_xyxy, detected.scores)
    result = []
    for path in follower.finish():
        boxes = path.boxes_xyxy.astype(np.float64)
        xywh = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        result.append(TrackletBoxes(f"{camera}/{path.track_id}", camera, path.frames, xywh).interpolated(fps))
    return result


def score_tracking(truth: CityFlowTracks, tracklets: Sequence[TrackletBoxes]) -> MtmcScore:
    """IDF1 and HOTA of every camera by itself, pooled: a vehicle is another one in every camera.

    Raises:
        ValueError: The truth holds two boxes of one vehicle in one frame of one camera.
    """
    refuse_doubles(truth)  # here, where vehicles still have the numbers that the truth gives them
    pairs = np.stack([truth.camera, truth.identity], axis=1)
    alone = replace(truth, identity=np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1))
    labels = {tracklet.key: tracklet.key for tracklet in tracklets}
    return evaluate_mtmc(alone, labelled_tracks(tracklets, labels), SINGLE_CAMERA_RULES)


@dataclass(frozen=True, slots=True)
class Material:
    """What a tracker is judged on.

    Attributes:
        truth: Of all cameras.
        detected: Of the same cameras, every frame.
        fps: Of the frame numbers.
    """

    truth: CityFlowTracks
    detected: Detected
    fps: float


def score_at_rate(material: Material, rate: Rate, settings: TrackerSettings, rng: np.random.Generator) -> MtmcScore:
    """Scores one tracker at one frame rate; ``rng`` picks the dropped frames.

    Raises:
        ValueError: The rate is out of range.
    """
    tracklets: list[TrackletBoxes] = []
    for camera, frames in sorted(material.detected.items()):
        seen = thinned(frames, material.fps, rate, rng)
        tracklets += track(seen, camera, material.fps, settings)
    return score_tracking(material.truth, tracklets)

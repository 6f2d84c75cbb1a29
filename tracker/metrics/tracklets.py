"""Owns the step from tracklets to scored boxes: filling gaps, naming the vehicle behind each. Never scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.metrics.cityflow import UNKNOWN_VISIBILITY, CityFlowTracks
from tracker.metrics.overlaps import LabelledBoxes, overlaps

MAX_GAP_S = 1.0


@dataclass(frozen=True, slots=True)
class TrackletBoxes:
    """One tracklet as the metrics see it.

    Attributes:
        key: Names the tracklet, for example its sighting id; unique within an evaluation.
        camera: Camera number, as in the truth.
        frames: int64 (N,), 1-based frame numbers, strictly ascending.
        xywh: float64 (N, 4), left, top, width, height in source pixels.
    """

    key: str
    camera: int
    frames: NDArray[np.int64]
    xywh: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.xywh.shape != (len(self.frames), 4):
            raise ValueError(f"xywh must be ({len(self.frames)}, 4), got {self.xywh.shape}")

    def interpolated(self, fps: float, max_gap_s: float = MAX_GAP_S) -> TrackletBoxes:
        """The same tracklet with its short gaps filled; see ``interpolate_gaps``."""
        frames, boxes = interpolate_gaps(self.frames, self.xywh, fps, max_gap_s)
        return TrackletBoxes(self.key, self.camera, frames, boxes)


def interpolate_gaps(
    frames: NDArray[np.int64], boxes: NDArray[np.float64], fps: float, max_gap_s: float = MAX_GAP_S
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Fills missing frames between two boxes of a tracklet by straight lines, where the two lie close in time.

    Args:
        frames: int64 (N,), frame numbers, strictly ascending.
        boxes: float (N, 4), any box form that is linear in its corners.
        fps: Frames a second of that camera, > 0.
        max_gap_s: Two boxes at most so far apart (seconds from one to the next) are joined; longer gaps stay open.

    Returns:
        Frames int64 (M,) and boxes float64 (M, 4), M >= N, ascending; the given rows are among them unchanged.

    Raises:
        ValueError: Frames do not ascend, or ``fps`` is not positive.

    >>> frames, boxes = interpolate_gaps(np.array([1, 3]), np.array([[0, 0, 8, 8], [4, 2, 8, 8]]), fps=10.0)
    >>> frames.tolist(), boxes[1].tolist()
    ([1, 2, 3], [2.0, 1.0, 8.0, 8.0])
    """
    if not fps > 0:
        raise ValueError(f"fps must be > 0, got {fps}")
    step = np.diff(frames)
    if (step <= 0).any():
        raise ValueError("frames must be strictly ascending")
    values = np.asarray(boxes, np.float64)
    if not len(frames):
        return np.asarray(frames, np.int64), values
    fill = np.where(step <= max_gap_s * fps + 1e-9, step, 1)
    start = np.repeat(np.arange(len(step)), fill)
    offset = np.arange(len(start)) - np.repeat(np.cumsum(fill) - fill, fill)
    share = (offset / step[start])[:, None]
    filled_frames = np.append(frames[start] + offset, frames[-1]).astype(np.int64)
    between = values[start] + share * (values[start + 1] - values[start])
    return filled_frames, np.concatenate([between, values[-1:]])


def labelled_tracks(tracklets: Sequence[TrackletBoxes], labels: Mapping[str, str]) -> CityFlowTracks:
    """Turns tracklets and the identity published for each into boxes to be scored.

    Args:
        tracklets: In any order.
        labels: Identity by tracklet key. Tracklets without a label were not published: their boxes are left out.

    Returns:
        One row per box, identities numbered from 1 in the order of their names, visibility unknown.

    >>> boxes = TrackletBoxes("a", 3, np.array([1]), np.array([[0.0, 0.0, 40.0, 40.0]]))
    >>> labelled_tracks([boxes], {"a": "v"}).identity.tolist(), len(labelled_tracks([boxes], {}))
    ([1], 0)
    """
    published = [tracklet for tracklet in tracklets if tracklet.key in labels and len(tracklet.frames)]
    if not published:
        return CityFlowTracks.empty()
    number = {name: k for k, name in enumerate(sorted({labels[t.key] for t in published}), start=1)}
    sizes = [len(t.frames) for t in published]
    total = sum(sizes)
    return CityFlowTracks(
        np.repeat(np.array([t.camera for t in published], np.int64), sizes),
        np.repeat(np.array([number[labels[t.key]] for t in published], np.int64), sizes),
        np.concatenate([t.frames for t in published]).astype(np.int64),
        np.concatenate([t.xywh for t in published]).astype(np.float64),
        np.full(total, UNKNOWN_VISIBILITY),
    )


def majority_vehicles(
    truth: CityFlowTracks, tracklets: Sequence[TrackletBoxes], min_iou: float = 0.5
) -> dict[str, int | None]:
    """Names the truth vehicle that each tracklet lies on most of the time.

    Every box votes for the truth box of its (camera, frame) with the largest IoU, where that is at least ``min_iou``.

    Returns:
        Vehicle by tracklet key; None where no box lies on a vehicle. Ties go to the smaller vehicle number.
    """
    numbered = labelled_tracks(tracklets, {t.key: f"{k:09d}" for k, t in enumerate(tracklets)})
    row = numbered.identity
    top = 1 + max(int(truth.frame.max(initial=0)), int(numbered.frame.max(initial=0)))
    joined = overlaps(
        LabelledBoxes(truth.camera * top + truth.frame, truth.identity, truth.xywh),
        LabelledBoxes(numbered.camera * top + numbered.frame, row, numbered.xywh),
    )
    order = np.lexsort((-joined.iou, joined.predicted_box))
    order = order[joined.iou[order] >= min_iou]
    first = np.unique(joined.predicted_box[order], return_index=True)[1]
    votes = order[first]
    present = np.unique(row)
    keys = [tracklet.key for tracklet in tracklets if len(tracklet.frames)]
    result: dict[str, int | None] = {tracklet.key: None for tracklet in tracklets}
    vehicles = np.unique(truth.identity)
    counts = np.zeros((len(present), len(vehicles)), np.int64)
    np.add.at(counts, (joined.predicted_id[joined.predicted_box[votes]], joined.truth_id[joined.truth_box[votes]]), 1)
    for k, key in enumerate(keys):
        if counts[k].any():
            result[key] = int(vehicles[np.argmax(counts[k])])
    return result


def oracle_labels(truth: CityFlowTracks, tracklets: Sequence[TrackletBoxes], min_iou: float = 0.5) -> dict[str, str]:
    """Labels as a perfect association would give them: the bound for the same tracklets (``oracle_idf1``).

    Returns:
        ``vehicle-<number>`` of the majority vehicle by tracklet key, ``clutter-<key>`` for tracklets on none.
    """
    vehicles = majority_vehicles(truth, tracklets, min_iou)
    return {key: f"clutter-{key}" if vehicle is None else f"vehicle-{vehicle}" for key, vehicle in vehicles.items()}

"""Owns the rules by which multi-camera tracking is judged here and in CityFlow. Never reads a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.metrics.cityflow import UNKNOWN_VISIBILITY, CityFlowTracks
from tracker.metrics.hota import hota_score
from tracker.metrics.identity import identity_score
from tracker.metrics.matching import best_pairs
from tracker.metrics.overlaps import LabelledBoxes, Overlaps, overlaps


@dataclass(frozen=True, slots=True)
class MtmcRules:
    """Which boxes count.

    Attributes:
        min_width_px: Truth boxes narrower than this, in source pixels, are too small to ask for.
        min_visible: Truth boxes with a known visible share below this are too hidden to ask for.
        min_cameras: A vehicle counts when it has valid boxes in at least so many cameras; predicted identities seen by
            fewer are dropped.
        min_iou: IoU from which a predicted box lies on a truth box.
    """

    min_width_px: float = 32.0
    min_visible: float = 0.40
    min_cameras: int = 2
    min_iou: float = 0.5

    def __post_init__(self) -> None:
        if self.min_width_px < 0 or not 0 <= self.min_visible <= 1:
            raise ValueError(
                f"min_width_px must be >= 0 and min_visible in [0, 1], got {self.min_width_px} and {self.min_visible}"
            )
        if self.min_cameras < 1 or not 0 < self.min_iou <= 1:
            raise ValueError(f"min_cameras must be >= 1 and min_iou in (0, 1], got {self.min_cameras}, {self.min_iou}")


CITYFLOW_RULES = MtmcRules()


@dataclass(frozen=True, slots=True)
class MtmcScore:
    """What ``evaluate_mtmc`` found; every measure is in [0, 1], higher is better.

    Attributes:
        idf1: Under the rules.
        idf1_all: Without the camera rule: one-camera vehicles and identities count like all others.
        idp: Under the rules.
        idr: Under the rules.
        hota: Under the rules.
        det_a: Detection factor of ``hota``.
        ass_a: Association factor of ``hota``.
        idtp: Boxes that carry their vehicle's identity.
        idfp: Predicted boxes that do not.
        idfn: Truth boxes without such a box.
        vehicles: Truth vehicles that counted.
        identities: Predicted identities that counted.
    """

    idf1: float
    idf1_all: float
    idp: float
    idr: float
    hota: float
    det_a: float
    ass_a: float
    idtp: int
    idfp: int
    idfn: int
    vehicles: int
    identities: int


def evaluate_mtmc(truth: CityFlowTracks, predicted: CityFlowTracks, rules: MtmcRules = CITYFLOW_RULES) -> MtmcScore:
    """Scores predicted identities across cameras.

    A timestep is a (camera, frame); all cameras are pooled into one sequence and every truth frame counts, whether or
    not anything was predicted there.

    1. A truth box is plain when it is wide and visible enough (unknown visibility is enough). A vehicle counts when it
       has plain boxes in ``min_cameras`` cameras; its plain boxes are the truth.
    2. Predictions are matched one to one with plain boxes first (largest summed IoU, each at least ``min_iou``).
       Unmatched predictions with IoU >= ``min_iou`` to a box too small or too hidden are dropped.
    3. Predicted identities left with fewer than ``min_cameras`` cameras are dropped.
    4. Predictions on vehicles of too few cameras stay: they are false positives.

    Args:
        truth: The vehicles; ``visible`` is read.
        predicted: The identities; ``visible`` is ignored. Gaps are scored as they are: see ``interpolate_gaps``.
        rules: Which boxes count.

    Returns:
        The score; measures are 0 where truth or prediction is empty under the rules.

    Raises:
        ValueError: The truth holds two boxes of one vehicle in one frame of one camera.

    Source: Tang et al. 2019, "CityFlow", and the AI City Challenge (IDF1 pooled over cameras, vehicles of at least
        two cameras). The rules for small and hidden boxes and for identities of one camera are
        this project's, so that a detector is not punished for seeing more than the annotators asked for.
    """
    refuse_doubles(truth)
    joined = _join(truth, predicted)
    plain = plain_boxes(truth, rules)
    kept = ~_on_ignored(joined, plain, rules.min_iou)

    wanted = plain & spans(truth.identity, truth.camera, plain, rules.min_cameras)
    spanning = kept & spans(predicted.identity, predicted.camera, kept, rules.min_cameras)
    judged = joined.select(wanted, spanning)
    identity = identity_score(judged, rules.min_iou)
    hota = hota_score(judged)
    return MtmcScore(
        idf1=identity.idf1,
        idf1_all=identity_score(joined.select(plain, kept), rules.min_iou).idf1,
        idp=identity.idp,
        idr=identity.idr,
        hota=hota.hota,
        det_a=hota.det_a,
        ass_a=hota.ass_a,
        idtp=identity.idtp,
        idfp=identity.idfp,
        idfn=identity.idfn,
        vehicles=len(judged.truth_counts),
        identities=len(judged.predicted_counts),
    )


def plain_boxes(truth: CityFlowTracks, rules: MtmcRules = CITYFLOW_RULES) -> NDArray[np.bool_]:
    r"""Which truth boxes are wide and visible enough to ask for: bool (N,).

    >>> from tracker.metrics.cityflow import parse_cityflow
    >>> plain_boxes(parse_cityflow("1 1 1 0 0 32 9 0.4\n1 1 2 0 0 31 9 1\n1 1 3 0 0 40 9 -1")).tolist()
    [True, False, True]
    """
    seen = (truth.visible == UNKNOWN_VISIBILITY) | (truth.visible >= rules.min_visible)
    result: NDArray[np.bool_] = seen & (truth.xywh[:, 2] >= rules.min_width_px)
    return result


def _join(truth: CityFlowTracks, predicted: CityFlowTracks) -> Overlaps:
    """Pools the cameras: one timestep per (camera, frame)."""
    top = 1 + max(int(truth.frame.max(initial=0)), int(predicted.frame.max(initial=0)))
    return overlaps(
        LabelledBoxes(truth.camera * top + truth.frame, truth.identity, truth.xywh),
        LabelledBoxes(predicted.camera * top + predicted.frame, predicted.identity, predicted.xywh),
    )


def _on_ignored(joined: Overlaps, plain: NDArray[np.bool_], min_iou: float) -> NDArray[np.bool_]:
    """Predictions that lie on a box too small or too hidden and belong to no plain box: bool (P,)."""
    near = joined.iou >= min_iou
    candidate = np.flatnonzero(near & plain[joined.truth_box])
    step = joined.truth_step[joined.truth_box[candidate]]
    chosen = best_pairs(joined.truth_box[candidate], joined.predicted_box[candidate], step, joined.iou[candidate])
    on_ignored = np.zeros(len(joined.predicted_id), bool)
    on_ignored[joined.predicted_box[near & ~plain[joined.truth_box]]] = True
    on_ignored[joined.predicted_box[candidate[chosen]]] = False
    return on_ignored


def spans(
    identity: NDArray[np.int64], camera: NDArray[np.int64], counted: NDArray[np.bool_], min_cameras: int
) -> NDArray[np.bool_]:
    """Rows whose identity has ``counted`` rows in at least ``min_cameras`` cameras: bool (N,).

    >>> spans(np.array([1, 1, 2, 2]), np.array([7, 8, 7, 8]), np.array([True, True, True, False]), 2).tolist()
    [True, True, False, False]
    """
    seen = np.unique(np.stack([identity[counted], camera[counted]], axis=1), axis=0)
    ids, cameras = np.unique(seen[:, 0], return_counts=True)
    return np.isin(identity, ids[cameras >= min_cameras])


def refuse_doubles(truth: CityFlowTracks) -> None:
    """Checks that a vehicle has one box in a frame of a camera.

    Raises:
        ValueError: One has more; it is named as it is numbered here.
    """
    rows = np.stack([truth.camera, truth.identity, truth.frame], axis=1)
    unique, count = np.unique(rows, axis=0, return_counts=True)
    if (count > 1).any():
        camera, vehicle, frame = unique[count > 1][0].tolist()
        raise ValueError(f"truth holds vehicle {vehicle} more than once in frame {frame} of camera {camera}")

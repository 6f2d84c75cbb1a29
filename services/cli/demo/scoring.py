"""Scores a run against the city's truth. Pure: it is given sightings and events and asks nobody."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.types import Sighting
from tracker.metrics.cityflow import CityFlowTracks
from tracker.metrics.latency import LabelHistory, labels_at
from tracker.metrics.mtmc import MtmcScore, evaluate_mtmc
from tracker.metrics.tracklets import TrackletBoxes, labelled_tracks, oracle_labels

#: The latency that `idf1` without more means.
DEFAULT_LATENCY_S = 10.0
LATENCIES: tuple[tuple[str, float], ...] = (("0s", 0.0), ("2s", 2.0), ("10s", DEFAULT_LATENCY_S), ("end", math.inf))


@dataclass(frozen=True, slots=True)
class Run:
    """What was seen and what was said of it.

    Attributes:
        truth: Of the city, frames 1-based.
        tracklets: By sighting id, gaps of up to a second filled.
        closed_at_ns: When each tracklet's last box was captured.
        history: Every label as published.
    """

    truth: CityFlowTracks
    tracklets: Sequence[TrackletBoxes]
    closed_at_ns: Mapping[str, int]
    history: LabelHistory

    def score(self, labels: Mapping[str, str]) -> MtmcScore:
        """Scores one labelling of the tracklets."""
        return evaluate_mtmc(self.truth, labelled_tracks(self.tracklets, labels))

    def published(self, latency_s: float) -> dict[str, str]:
        """Identity by sighting as published so long after its tracklet closed."""
        return labels_at(self.closed_at_ns, self.history, latency_s)

    def oracle_idf1(self) -> float:
        """IDF1 of the same tracklets with perfect association."""
        return self.score(oracle_labels(self.truth, self.tracklets)).idf1


def tracklet_boxes(sighting: Sighting, camera_number: int, fps: float) -> TrackletBoxes:
    """A sighting as the metrics want it: frames 1-based, boxes as left, top, width, height, short gaps filled."""
    boxes = sighting.boxes_xyxy.astype(np.float64)
    xywh: NDArray[np.float64] = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return TrackletBoxes(sighting.sighting_id, camera_number, sighting.frames.astype(np.int64) + 1, xywh).interpolated(
        fps
    )


def summary(run: Run) -> dict[str, object]:
    """The identity part of the report: idf1 and its relatives, rounded to four digits."""
    scores = {name: run.score(run.published(latency_s)) for name, latency_s in LATENCIES}
    main = scores["10s"]
    return {
        "idf1": round(main.idf1, 4),
        "idf1_at": {name: round(score.idf1, 4) for name, score in scores.items()},
        "idf1_all": round(main.idf1_all, 4),
        "idp": round(main.idp, 4),
        "idr": round(main.idr, 4),
        "hota": round(main.hota, 4),
        "oracle_idf1": round(run.oracle_idf1(), 4),
    }

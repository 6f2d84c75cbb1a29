"""Sightings as association sees them. Owns the conversion only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reid.types import Detail
from services.types import Sighting
from tracker.boxes import box_sizes
from tracker.multi_camera.types import Observation, Point


def to_observation(sighting: Sighting, detail: Detail) -> Observation:
    """What association needs of a sighting: time and place of both ends, embedding, attributes.

    Args:
        sighting: With its newest boxes.
        detail: What small pictures still show, of the model that embedded it.
    """
    return Observation(
        sighting_id=sighting.sighting_id,
        revision=sighting.revision,
        final=sighting.final,
        camera_id=sighting.camera_id,
        start_ns=sighting.start_ns,
        end_ns=sighting.end_ns,
        entry=_centre(sighting, 0),
        exit=_centre(sighting, -1),
        embedding=_unit(sighting.embedding),
        class_probs=np.asarray(sighting.class_probs, np.float32),
        colour=dict(sighting.colour),
        model_id=sighting.model_id,
        detail=detail.share(_size_px(sighting)),
    )


def _size_px(sighting: Sighting) -> float:
    """Square root of the area of its largest box, 0 when it has none."""
    return float(box_sizes(sighting.boxes_xyxy).max(initial=0.0))


def _centre(sighting: Sighting, index: int) -> Point | None:
    width, height = sighting.frame_size
    if len(sighting.boxes_xyxy) == 0 or width <= 0 or height <= 0:
        return None
    x1, y1, x2, y2 = (float(v) for v in sighting.boxes_xyxy[index])
    return min(max((x1 + x2) / (2 * width), 0.0), 1.0), min(max((y1 + y2) / (2 * height), 0.0), 1.0)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = vector.astype(np.float32)[None, :]
    return np.asarray(wide[0] / np.maximum(np.linalg.norm(wide, axis=1), 1e-6), np.float32)

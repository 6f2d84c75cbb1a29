"""Which crops of a track are worth an embedding: those that could change a decision. Embeds nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.ingest.track_memory import CropName, crop_name
from tracker.single_camera.assignment import iou_matrix
from tracker.types import Contact, Crop

#: Two boxes of a track that overlap so much show it from the same side.
SAME_VIEW_IOU = 0.5
#: A picture of the same side is news only when it is better by this factor: less moves the vector by less than noise.
NEWS = 1.5


def worth_embedding(
    crops: Sequence[Crop], embedded: Sequence[Crop], contacts: Sequence[Contact] = ()
) -> tuple[Crop, ...]:
    """The crops to describe a track by, with those embedded already in place of ones that say nothing new.

    A vehicle that waits at a light gives a slightly better picture now and then; each would cost an embedding and
    change nothing. Past a contact it may be another vehicle in the same place: no picture from before stands for it.

    Args:
        crops: Those chosen now, best first.
        embedded: Those whose vectors are known.
        contacts: Of the track, by time.

    Returns:
        As many as ``crops`` or fewer, in their order; none twice.
    """
    if not crops or not embedded:
        return tuple(crops)
    known = {crop_name(crop) for crop in embedded}
    overlaps = iou_matrix(_boxes(crops), _boxes(embedded))
    overlaps[_parts(crops, contacts)[:, None] != _parts(embedded, contacts)] = 0.0
    chosen: dict[CropName, Crop] = {}
    for crop, row in zip(crops, overlaps, strict=True):
        best = int(row.argmax())
        stale = row[best] >= SAME_VIEW_IOU and crop.quality < NEWS * embedded[best].quality
        kept = embedded[best] if stale and crop_name(crop) not in known else crop
        chosen.setdefault(crop_name(kept), kept)
    return tuple(chosen.values())


def _boxes(crops: Sequence[Crop]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.stack([crop.box_xyxy for crop in crops]).astype(np.float64)


def _parts(crops: Sequence[Crop], contacts: Sequence[Contact]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """How many contacts lie before each crop, int64 (N,)."""
    return np.searchsorted([contact.t_ns for contact in contacts], [crop.t_ns for crop in crops], side="right")

"""What looks wrong in a gallery: identities that are one vehicle, or two, parked vehicles seen twice, stray exemplars.

Pure: sightings in, findings out. Changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reid.types import Calibration
from services.types import Sighting

Kind = Literal["duplicate", "bimodal", "parked", "stray"]
Held = tuple[Sighting, str]

#: As sure as this a pair of identities is called one vehicle.
SURE = 0.99
#: Two halves of an identity are called two vehicles where one vehicle is less probable than this.
DOUBTFUL = 0.05
#: Boxes that overlap so much are a vehicle that did not move.
PARKED_IOU = 0.8
_PARKED_GAP_NS = 600 * 10**9


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks wrong.

    Attributes:
        kind: duplicate: two identities look like one vehicle. bimodal: one looks like two. parked: a vehicle that did
            not move was seen twice. stray: an exemplar looks unlike its sighting, as when something hid the vehicle.
        identity_ids: Concerned.
        sighting_ids: Concerned: those to split off, the one to remove, the one with the exemplar.
        exemplar: Which exemplar is stray; -1 otherwise.
        probability: That it is one vehicle, by the calibration.
    """

    kind: Kind
    identity_ids: tuple[str, ...]
    sighting_ids: tuple[str, ...]
    exemplar: int
    probability: float


def findings(held: Sequence[Held], calibration: Calibration) -> list[Finding]:
    """All findings, by kind, then identity.

    Args:
        held: Sightings of one model with their identities; those without a decision are passed over.
        calibration: Of that model.
    """
    by_identity: dict[str, list[Sighting]] = defaultdict(list)
    for sighting, identity_id in held:
        if identity_id:
            by_identity[identity_id].append(sighting)
    found = _duplicates(by_identity, calibration)
    for identity_id, sightings in sorted(by_identity.items()):
        found += _bimodal(identity_id, sightings, calibration)
        found += _parked(identity_id, sightings, calibration)
        found += _stray(identity_id, sightings, calibration)
    return found


def _duplicates(by_identity: dict[str, list[Sighting]], calibration: Calibration) -> list[Finding]:
    names = sorted(by_identity)
    if len(names) < 2:
        return []
    centres = np.stack([_centre(by_identity[name]) for name in names])
    found = []
    for row, name in enumerate(names[:-1]):
        similarities = centres[row + 1 :] @ centres[row]
        for place in np.flatnonzero(similarities > 0.5).tolist():
            other = names[row + 1 + place]
            probability = calibration.probability(float(similarities[place]))
            if probability >= SURE and not _at_two_places(by_identity[name], by_identity[other]):
                found.append(Finding("duplicate", (name, other), (), -1, probability))
    return found


def _bimodal(identity_id: str, sightings: list[Sighting], calibration: Calibration) -> list[Finding]:
    """Two halves by 2-means from the most unlike pair, each of at least two sightings."""
    if len(sightings) < 4:
        return []
    vectors = np.stack([s.embedding for s in sightings])
    similarities = vectors @ vectors.T
    first, second = np.unravel_index(int(np.argmin(similarities)), similarities.shape)
    centres = vectors[[first, second]]
    for _ in range(10):
        half = (vectors @ centres.T).argmax(axis=1)
        if half.min() == half.max():
            return []
        centres = np.stack([_unit(vectors[half == side].mean(axis=0)) for side in (0, 1)])
    probability = calibration.probability(float(centres[0] @ centres[1]))
    sizes = np.bincount(half, minlength=2)
    if probability >= DOUBTFUL or sizes.min() < 2:
        return []
    smaller = int(np.argmin(sizes))
    leaving = tuple(s.sighting_id for s, side in zip(sightings, half.tolist(), strict=True) if side == smaller)
    return [Finding("bimodal", (identity_id,), leaving, -1, probability)]


def _parked(identity_id: str, sightings: list[Sighting], calibration: Calibration) -> list[Finding]:
    found = []
    ordered = sorted(sightings, key=lambda s: (s.camera_id, s.start_ns, s.sighting_id))
    for before, after in pairwise(ordered):
        near = before.camera_id == after.camera_id and after.start_ns - before.end_ns < _PARKED_GAP_NS
        if not near or not len(before.boxes_xyxy) or not len(after.boxes_xyxy):
            continue
        still = min(
            iou(before.boxes_xyxy[0], before.boxes_xyxy[-1]),
            iou(before.boxes_xyxy[-1], after.boxes_xyxy[0]),
            iou(after.boxes_xyxy[0], after.boxes_xyxy[-1]),
        )
        probability = calibration.probability(float(before.embedding @ after.embedding))
        if still >= PARKED_IOU and probability >= 0.5:
            shorter = min((before, after), key=lambda s: (s.end_ns - s.start_ns, s.quality))
            found.append(Finding("parked", (identity_id,), (shorter.sighting_id,), -1, probability))
    return found


def _stray(identity_id: str, sightings: list[Sighting], calibration: Calibration) -> list[Finding]:
    found = []
    for sighting in sightings:
        for place, exemplar in enumerate(sighting.exemplars):
            others = np.delete(sighting.exemplars, place, axis=0)
            closest = max([float(exemplar @ sighting.embedding), *(others @ exemplar).tolist()])
            probability = calibration.probability(closest)
            if probability < DOUBTFUL and len(others):
                found.append(Finding("stray", (identity_id,), (sighting.sighting_id,), place, probability))
    return found


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes x1, y1, x2, y2.

    >>> iou(np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2])) == 1 / 3
    True
    """
    width = min(float(a[2]), float(b[2])) - max(float(a[0]), float(b[0]))
    height = min(float(a[3]), float(b[3])) - max(float(a[1]), float(b[1]))
    if width <= 0 or height <= 0:
        return 0.0
    areas = float((a[2] - a[0]) * (a[3] - a[1])) + float((b[2] - b[0]) * (b[3] - b[1]))
    return width * height / (areas - width * height)


def _at_two_places(left: list[Sighting], right: list[Sighting]) -> bool:
    """Whether one camera saw both at the same time, which one vehicle cannot be."""
    return any(
        a.camera_id == b.camera_id and a.start_ns < b.end_ns and b.start_ns < a.end_ns for a in left for b in right
    )


def _centre(sightings: list[Sighting]) -> NDArray[np.float32]:
    return _unit(np.stack([s.embedding for s in sightings]).mean(axis=0))


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (vector / max(float(np.linalg.norm(vector)), 1e-6)).astype(np.float32)
    return unit

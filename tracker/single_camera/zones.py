"""Owns where vehicles come into a camera's view and where they leave it. Never follows a vehicle, opens no file.

Zones are drawn by the operator or learned from where tracks begin and end. A track that breaks inside the picture ends
just anywhere; what many ends share is a zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull

from tracker.single_camera.settings import ZoneSettings
from tracker.types import Tracklet

Floats = NDArray[np.float64]
#: Fractions of frame width and height, as the association's.
Point = tuple[float, float]
Polygon = tuple[Point, ...]
Kind = Literal["entry", "exit"]


@dataclass(frozen=True, slots=True)
class Zone:
    """One area through which vehicles come or go.

    Attributes:
        kind: Which of the two.
        polygon: Corners in order, fractions of frame width and height.
        centre: Mean of the ends seen there; of the corners where it is drawn.
        share: Of all ends of this kind that lie in zones, in [0, 1]; 0 where nothing was counted.
        drawn: By the operator, not learned.
    """

    kind: Kind
    polygon: Polygon
    centre: Point
    share: float = 0.0
    drawn: bool = False

    def contains(self, point: Point) -> bool:
        """Whether a point lies inside, by even-odd rule.

        >>> Zone("exit", ((0.0, 0.0), (0.2, 0.0), (0.2, 1.0), (0.0, 1.0)), (0.1, 0.5)).contains((0.1, 0.4))
        True
        """
        x, y = point
        inside = False
        for (x1, y1), (x2, y2) in zip(self.polygon, (*self.polygon[1:], self.polygon[0]), strict=True):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
        return inside


@dataclass(frozen=True, slots=True)
class CameraZones:
    """The zones of one camera.

    Attributes:
        zones: Entries before exits, largest share first.
    """

    zones: tuple[Zone, ...] = ()

    def of(self, kind: Kind) -> tuple[Zone, ...]:
        """The zones of one kind."""
        return tuple(zone for zone in self.zones if zone.kind == kind)

    def at(self, point: Point, kind: Kind) -> Zone | None:
        """The first zone of a kind that a point lies in."""
        return next((zone for zone in self.of(kind) if zone.contains(point)), None)


class ZoneBook:
    """Learns one camera's zones online, over all its sessions; drawn zones of a kind stay as they are.

    Of each kind a random sample of the ends seen so far is kept, so that memory is bounded and every end had the same
    chance. Zones are groups of ends with enough others close by (density clustering), learned anew when the sample has
    changed by an eighth.

    Source: Ester et al. 1996, "A density-based algorithm for discovering clusters"; Vitter 1985, "Random sampling with
    a reservoir". Departure: the least number of neighbours grows with the sample.
    """

    def __init__(self, settings: ZoneSettings, rng: np.random.Generator, drawn: Sequence[Zone] = ()) -> None:
        self._settings = settings
        self._rng = rng
        self._drawn = tuple(drawn)
        self._ends: dict[Kind, list[Point]] = {"entry": [], "exit": []}
        self._seen: dict[Kind, int] = {"entry": 0, "exit": 0}
        self._learned: dict[Kind, tuple[Zone, ...]] = {"entry": (), "exit": ()}
        self._changed: dict[Kind, int] = {"entry": 0, "exit": 0}

    @property
    def zones(self) -> CameraZones:
        """The zones as known now."""
        result: list[Zone] = []
        for kind in self._ends:
            drawn = [zone for zone in self._drawn if zone.kind == kind]
            result += drawn or self._learn(kind)
        return CameraZones(tuple(result))

    def learn(self, tracklet: Tracklet, frame_size: tuple[int, int], *, began: bool = True, ended: bool = True) -> None:
        """Takes in where a finished track began and ended.

        Args:
            tracklet: Final.
            frame_size: Width and height, px.
            began: Its beginning counts: it neither continues another track nor was split off one.
            ended: Its end counts: the vehicle was on its way.
        """
        entry, exit_ = ends(tracklet, frame_size)
        if began:
            self._add("entry", entry)
        if ended:
            self._add("exit", exit_)

    def _add(self, kind: Kind, point: Point) -> None:
        self._seen[kind] += 1
        sample = self._ends[kind]
        if len(sample) < self._settings.sample:
            sample.append(point)
        else:
            place = int(self._rng.integers(self._seen[kind]))
            if place >= len(sample):
                return
            sample[place] = point
        self._changed[kind] += 1

    def _learn(self, kind: Kind) -> tuple[Zone, ...]:
        sample = self._ends[kind]
        if len(sample) >= self._settings.least_ends and self._changed[kind] * 8 >= len(sample):
            self._learned[kind] = _clusters(np.array(sample), kind, self._settings)
            self._changed[kind] = 0
        return self._learned[kind]


def ends(tracklet: Tracklet, frame_size: tuple[int, int]) -> tuple[Point, Point]:
    """Centres of the first and last box as fractions of frame width and height, within [0, 1]."""
    boxes = tracklet.boxes_xyxy[[0, -1]].astype(np.float64)
    centres = np.clip((boxes[:, :2] + boxes[:, 2:]) / 2 / np.array(frame_size), 0.0, 1.0)
    (x1, y1), (x2, y2) = centres.tolist()
    return (x1, y1), (x2, y2)


def drawn_zones(entries: Sequence[Polygon], exits: Sequence[Polygon]) -> tuple[Zone, ...]:
    """Zones as an operator draws them.

    Args:
        entries: Polygons, corners as fractions of frame width and height.
        exits: As entries.

    Raises:
        ValueError: A polygon has fewer than three corners, or one outside the picture.
    """
    result = []
    kinds: tuple[tuple[Kind, Sequence[Polygon]], ...] = (("entry", entries), ("exit", exits))
    for kind, polygons in kinds:
        for polygon in polygons:
            corners = np.array(polygon, np.float64).reshape(-1, 2)
            if len(corners) < 3 or not ((corners >= 0) & (corners <= 1)).all():
                raise ValueError(f"a zone has at least 3 corners in [0, 1], got {polygon!r}")
            x, y = corners.mean(axis=0).tolist()
            result.append(Zone(kind, tuple(polygon), (x, y), drawn=True))
    return tuple(result)


def _clusters(points: Floats, kind: Kind, settings: ZoneSettings) -> tuple[Zone, ...]:
    """Groups of points (N, 2) that lie densely, as zones, largest first."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    near = apart <= settings.radius
    core = near.sum(axis=1) > max(settings.least_neighbours, settings.least_share * len(points))
    if not core.any():
        return ()
    count, label = connected_components(csr_matrix(near[np.ix_(core, core)]), directed=False)
    # An end beside a dense place belongs to it.
    closest = np.where(core[None], apart, np.inf)
    group = np.full(len(points), -1)
    at = closest.argmin(axis=1)
    joined = closest[np.arange(len(points)), at] <= settings.radius
    group[joined] = label[(np.cumsum(core) - 1)[at[joined]]]
    sizes = np.bincount(group[joined], minlength=count)
    order = np.lexsort((np.arange(count), -sizes)).tolist()
    return tuple(_zone(points[group == k], kind, sizes[k] / sizes.sum(), settings.margin) for k in order)


def _zone(points: Floats, kind: Kind, share: float, margin: float) -> Zone:
    """The hull of points (N, 2), grown by a margin on every side."""
    corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) * margin
    grown = (points[:, None] + corners).reshape(-1, 2)
    hull = np.clip(grown[ConvexHull(grown).vertices], 0.0, 1.0)
    x, y = points.mean(axis=0).tolist()
    return Zone(kind, tuple((float(a), float(b)) for a, b in hull), (x, y), float(share))

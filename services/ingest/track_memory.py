"""Owns what is remembered of a track between its revisions: pictures embedded, crop keys, earlier parts. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reid.types import Detail
from services.types import MAX_EXEMPLARS
from tracker.boxes import box_sizes
from tracker.single_camera.parts import joined
from tracker.types import Crop, TrackKey, Tracklet

#: A crop counts at least this much in a mean, so that a track of poor crops only still has one.
LEAST_WEIGHT = 1e-3
#: Tracks of a chain that are named, the living one among them: the first and the newest.
MOST_TRACK_KEYS = 64

CropName = tuple[int, int]


def crop_name(crop: Crop) -> CropName:
    """Names a crop within its track: a track has one box at a time."""
    return crop.t_ns, crop.frame


@dataclass(frozen=True, slots=True)
class EmbeddedCrop:
    """A crop and what was made of it.

    Attributes:
        crop: The picture.
        colour: Probability by colour name.
        vectors: float32 (D,), L2 = 1, by model.
    """

    crop: Crop
    colour: Mapping[str, float]
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def weight(self) -> float:
        """What it counts in a mean."""
        return max(self.crop.quality, LEAST_WEIGHT)


@dataclass(slots=True)
class TrackMemory:
    """One track, or several joined.

    Attributes:
        sighting_id: None until its first revision.
        revision: Of the last sighting.
        embedded: The crops of the newest revision and of the earlier part.
        crop_keys: Of the exemplars of the last sighting.
        earlier: What was joined before the living track.
        earlier_keys: Its tracks, in order: the first and the newest.
        colours: Summed probabilities of every crop ever embedded, by quality.
    """

    sighting_id: str | None = None
    revision: int = 0
    embedded: dict[CropName, EmbeddedCrop] = field(default_factory=dict)
    crop_keys: dict[CropName, str] = field(default_factory=dict)
    earlier: Tracklet | None = None
    earlier_keys: tuple[TrackKey, ...] = ()
    colours: dict[str, float] = field(default_factory=dict)

    def whole(self, tracklet: Tracklet) -> Tracklet:
        """The tracklet with what was joined before it."""
        return tracklet if self.earlier is None else joined(self.earlier, tracklet)

    def add(self, embedded: EmbeddedCrop) -> None:
        """Remembers a crop and counts its colour."""
        self.embedded[crop_name(embedded.crop)] = embedded
        for name, probability in embedded.colour.items():
            self.colours[name] = self.colours.get(name, 0.0) + embedded.weight * probability

    def pictures(self) -> tuple[Crop, ...]:
        """The crops remembered, best first."""
        crops = [part.crop for part in self.embedded.values()]
        return tuple(sorted(crops, key=lambda crop: (-crop.quality, crop.t_ns)))

    def keep(self, crops: Sequence[Crop]) -> None:
        """Forgets all other crops; their colours stay counted."""
        names = {crop_name(crop) for crop in crops}
        self.embedded = {name: kept for name, kept in self.embedded.items() if name in names}

    def colour(self) -> dict[str, float]:
        """Colour over all crops ever seen, weighted by quality; empty for none."""
        total = sum(self.colours.values())
        return {name: value / total for name, value in self.colours.items()} if total > 0 else {}

    def has(self, crop: Crop, model_id: str) -> bool:
        """Whether a model has described a crop."""
        known = self.embedded.get(crop_name(crop))
        return known is not None and model_id in known.vectors

    def vectors(self, crops: Sequence[Crop], model_id: str) -> NDArray[np.float32]:
        """Embeddings of ``crops`` by a model that has described them, float32 (N, D)."""
        return np.stack([self.embedded[crop_name(crop)].vectors[model_id] for crop in crops])

    def go_on(
        self, ended: Tracklet, usable: Sequence[Crop], later: TrackMemory, model_id: str, most_boxes: int
    ) -> TrackMemory:
        """This memory with ``ended``, the whole of its last revision, going on with the track that ``later`` remembers.

        Of the crops up to then the few most different stay, of the boxes at most ``most_boxes``, of the tracks' keys
        at most ``MOST_TRACK_KEYS`` with the living one's: chains stay bounded.
        """
        kept = [usable[i] for i in pick_diverse(self.vectors(usable, model_id), MAX_EXEMPLARS)]
        rows = thin(len(ended.times_ns), most_boxes)
        part = replace(
            ended,
            times_ns=ended.times_ns[rows],
            frames=ended.frames[rows],
            boxes_xyxy=ended.boxes_xyxy[rows],
            crops=tuple(kept),
        )
        self.earlier = part
        keys = (*self.earlier_keys, ended.key)
        self.earlier_keys = keys if len(keys) < MOST_TRACK_KEYS else (keys[0], *keys[2 - MOST_TRACK_KEYS :])
        self.keep(kept)
        self.embedded |= later.embedded
        for name, value in later.colours.items():
            self.colours[name] = self.colours.get(name, 0.0) + value
        return self

    def split(self, begin_ns: int) -> TrackMemory:
        """Takes out what belongs to the other vehicle that this track has followed since ``begin_ns``."""
        other = TrackMemory()
        mine = [kept for kept in self.embedded.values() if kept.crop.t_ns < begin_ns]
        for kept in [kept for kept in self.embedded.values() if kept.crop.t_ns >= begin_ns]:
            other.add(kept)
        self.embedded, self.colours = {}, {}
        for kept in mine:
            self.add(kept)
        return other


def picture_details(crops: Sequence[Crop], detail: Detail) -> NDArray[np.float64]:
    """How much of a vehicle's likeness is left in each of ``crops``, at least one, by its size: float64 (N,)."""
    sizes = box_sizes(np.stack([crop.box_xyxy for crop in crops]))
    return np.array([detail.share(float(size)) for size in sizes], np.float64)


def pick_diverse(vectors: NDArray[np.float32], most: int) -> list[int]:
    """Indices of up to ``most`` unit vectors (N, D) that differ: the first, then the least like those picked.

    >>> pick_diverse(np.float32([[1, 0], [0.99, 0.14], [0, 1]]), 2)
    [0, 2]
    """
    picked = [0]
    nearest = vectors @ vectors[0]
    while len(picked) < min(most, len(vectors)):
        nearest[picked] = np.inf
        picked.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, vectors @ vectors[picked[-1]])
    return picked


def thin(count: int, most: int) -> NDArray[np.int64]:
    """Ascending indices of at most ``most`` of ``count`` items, evenly spread, first and last among them.

    >>> thin(5, 3).tolist(), thin(2, 3).tolist()
    ([0, 2, 4], [0, 1])
    """
    if count <= most:
        return np.arange(count, dtype=np.int64)
    return np.linspace(0, count - 1, most).round().astype(np.int64)

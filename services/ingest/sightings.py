"""Turns tracklet revisions into sightings: embeds their crops once, averages, picks exemplars. Does no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.colour import colour_probabilities, mean_colour
from reid.types import Embedder
from services.crops import encode_jpeg, new_crop_key
from services.ids import IdFactory
from services.ingest.crop_choice import worth_embedding
from services.ingest.settings import IngestSettings
from services.types import MAX_EXEMPLARS, Sighting
from tracker.types import Crop, TrackKey, Tracklet

#: A crop counts at least this much in a mean, so that a track of poor crops only still has one.
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A sighting on its way to the store.

    Attributes:
        sighting: The revision.
        new_crops: Key and JPEG of the exemplars that no earlier revision had; written first.
        obsolete_crop_keys: Keys that earlier revisions had and this one has not; removed once it is acknowledged.
    """

    sighting: Sighting
    new_crops: tuple[tuple[str, bytes], ...] = ()
    obsolete_crop_keys: tuple[str, ...] = ()


@dataclass(slots=True)
class _EmbeddedCrop:
    crop: Crop
    vector: NDArray[np.float32]
    colour: Mapping[str, float]


@dataclass(slots=True)
class _Track:
    """What is remembered of a track between its revisions."""

    sighting_id: str
    revision: int = 0
    embedded: dict[tuple[int, int], _EmbeddedCrop] = field(default_factory=dict)
    crop_keys: dict[tuple[int, int], str] = field(default_factory=dict)


class SightingBuilder:
    """Builds sightings for all cameras of a process. One caller at a time."""

    def __init__(self, embedder: Embedder, id_factory: IdFactory, settings: IngestSettings) -> None:
        """Starts without tracks.

        Args:
            embedder: Crops of all cameras go through it in one call.
            id_factory: Gives the ids of sightings.
            settings: Bounds on crops and boxes.
        """
        self._embedder = embedder
        self._id_factory = id_factory
        self._settings = settings
        self._tracks: dict[TrackKey, _Track] = {}
        self._skipped: Counter[str] = Counter()

    @property
    def skipped(self) -> Mapping[str, int]:
        """Finished tracklets that became no sighting, by reason."""
        return dict(self._skipped)

    def build(self, due: Sequence[tuple[Tracklet, tuple[int, int]]]) -> list[Outgoing]:
        """Sightings of the tracklets that have a usable crop, in order.

        Args:
            due: Tracklet revisions, each with the width and height of its camera's frames in pixels.

        Returns:
            At most one per tracklet. A tracklet without a usable crop is left out until a later revision has one.
        """
        usable = [(tracklet, size, self._usable(tracklet)) for tracklet, size in due]
        self._embed([(tracklet.key, crops) for tracklet, _, crops in usable])
        out = []
        for tracklet, size, crops in usable:
            if crops:
                out.append(self._outgoing(tracklet, size, crops))
            elif tracklet.final and tracklet.key not in self._tracks:
                self._skipped["no_usable_crop"] += 1
            if tracklet.final:
                self._tracks.pop(tracklet.key, None)
        return out

    def _usable(self, tracklet: Tracklet) -> tuple[Crop, ...]:
        least = self._settings.min_crop_px
        large = [crop for crop in tracklet.crops if min(crop.image.shape[:2]) >= least]
        track = self._tracks.get(tracklet.key)
        return worth_embedding(large, [part.crop for part in track.embedded.values()] if track else [])

    def _embed(self, wanted: Sequence[tuple[TrackKey, tuple[Crop, ...]]]) -> None:
        """Embeds in one call what is not embedded yet and forgets what is no longer among a track's crops."""
        fresh: list[tuple[_Track, Crop]] = []
        for key, crops in wanted:
            if not crops:
                continue
            if key not in self._tracks:
                self._tracks[key] = _Track(self._id_factory())
            track = self._tracks[key]
            names = {_name(crop) for crop in crops}
            track.embedded = {name: kept for name, kept in track.embedded.items() if name in names}
            fresh += [(track, crop) for crop in crops if _name(crop) not in track.embedded]
        if not fresh:
            return
        vectors = self._embedder.embed([crop.image for _, crop in fresh])
        for (track, crop), vector in zip(fresh, vectors, strict=True):
            track.embedded[_name(crop)] = _EmbeddedCrop(crop, vector, colour_probabilities(crop.image))

    def _outgoing(self, tracklet: Tracklet, frame_size: tuple[int, int], crops: tuple[Crop, ...]) -> Outgoing:
        track = self._tracks[tracklet.key]
        parts = [track.embedded[_name(crop)] for crop in crops]
        vectors = np.stack([part.vector for part in parts])
        weights = np.array([max(part.crop.quality, _LEAST_WEIGHT) for part in parts], np.float32)
        exemplars = pick_diverse(vectors, MAX_EXEMPLARS)
        new_crops, obsolete = self._crop_keys(track, [crops[i] for i in exemplars])
        track.revision += 1
        kept = thin(len(tracklet.times_ns), self._settings.max_boxes)
        sighting = Sighting(
            sighting_id=track.sighting_id,
            revision=track.revision,
            final=tracklet.final,
            track_keys=(tracklet.key,),
            camera_id=tracklet.key.camera_id,
            start_ns=int(tracklet.times_ns[0]),
            end_ns=int(tracklet.times_ns[-1]),
            times_ns=tracklet.times_ns[kept],
            frames=tracklet.frames[kept],
            boxes_xyxy=tracklet.boxes_xyxy[kept],
            class_probs=tracklet.class_probs,
            colour=mean_colour([(part.colour, float(weight)) for part, weight in zip(parts, weights, strict=True)]),
            embedding=weighted_mean(vectors, weights),
            exemplars=vectors[exemplars],
            quality=float(np.clip(tracklet.quality, 0.0, 1.0)),
            model_id=self._embedder.spec.model_id,
            crop_keys=tuple(track.crop_keys[_name(crops[i])] for i in exemplars),
            frame_size=frame_size,
        )
        return Outgoing(sighting, new_crops, obsolete)

    @staticmethod
    def _crop_keys(track: _Track, exemplars: list[Crop]) -> tuple[tuple[tuple[str, bytes], ...], tuple[str, ...]]:
        """Gives new exemplars a key, drops those of former ones."""
        names = {_name(crop) for crop in exemplars}
        obsolete = tuple(key for name, key in track.crop_keys.items() if name not in names)
        track.crop_keys = {name: key for name, key in track.crop_keys.items() if name in names}
        new = []
        for crop in exemplars:
            if _name(crop) not in track.crop_keys:
                track.crop_keys[_name(crop)] = new_crop_key()
                new.append((track.crop_keys[_name(crop)], encode_jpeg(crop.image)))
        return tuple(new), obsolete


def _name(crop: Crop) -> tuple[int, int]:
    """Names a crop within its track: a track has one box at a time."""
    return crop.t_ns, crop.frame


def weighted_mean(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of unit vectors (N, D) by weights (N,) > 0, brought back to L2 norm 1; (D,).

    Where the vectors cancel out, the one of greatest weight.
    """
    mean: NDArray[np.float32] = (vectors * weights[:, None]).sum(axis=0) / weights.sum()
    norm = float(np.linalg.norm(mean))
    unit: NDArray[np.float32] = vectors[int(weights.argmax())] if norm < 1e-3 else mean / np.float32(norm)
    return unit


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

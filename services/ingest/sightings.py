"""Turns tracklet revisions into sightings: embeds their crops once, averages, picks exemplars. Does no I/O.

Appearance is known here first, so here tracks are split where they changed over to another vehicle and joined where one
vehicle's track was broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.colour import colour_probabilities
from reid.types import Embedder, EmbedderSpec
from services.crops import encode_jpeg, new_crop_key
from services.ids import IdFactory
from services.ingest.crop_choice import worth_embedding
from services.ingest.settings import IngestSettings
from services.ingest.track_memory import EmbeddedCrop, TrackMemory, crop_name, pick_diverse, picture_details, thin
from services.privacy.guard import PictureGuard
from services.rolling.roster import OpenModels
from services.types import MAX_EXEMPLARS, ModelVectors, Sighting
from services.vectors import mean_direction
from tracker.single_camera.jumps import find_jump
from tracker.single_camera.settings import TrackletSettings
from tracker.types import Contact, Crop, TrackKey, Tracklet

#: A track's first revision is described by so many of its best crops, unless it may be two vehicles': it comes a second
#: after the vehicle did, and what was seen until then gives way to what is seen later.
FIRST_LOOK = 2
#: Width and height of a camera's frames in pixels.
Size = tuple[int, int]
#: Makes two tracklets of one at one of its contacts; the second under a fresh key.
Splitter = Callable[[Tracklet, Contact], tuple[Tracklet, Tracklet]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A sighting on its way to the store.

    Attributes:
        sighting: The revision.
        new_crops: Key and JPEG of the exemplars that no earlier revision had; written first.
        obsolete_crop_keys: Keys that earlier revisions had and this one has not; removed once it is acknowledged.
        trace: W3C traceparent of the step that made it; empty where none is recorded.
    """

    sighting: Sighting
    new_crops: tuple[tuple[str, bytes], ...] = ()
    obsolete_crop_keys: tuple[str, ...] = ()
    trace: str = ""


class SightingBuilder:
    """Builds sightings for all cameras of a process. One caller at a time."""

    def __init__(
        self,
        embedder: Embedder,
        id_factory: IdFactory,
        settings: IngestSettings,
        tracklets: TrackletSettings | None = None,
        models: Callable[[], OpenModels] | None = None,
        guard: PictureGuard | None = None,
    ) -> None:
        """Starts without tracks.

        Args:
            embedder: Crops of all cameras go through it in one call.
            id_factory: Gives the ids of sightings.
            settings: Bounds on crops and boxes.
            tracklets: What it takes to split or join tracks.
            models: The site's, while it may change its model: asked at each call; None for the embedder alone.
            guard: What pictures must look like that are kept; None for the rule without a detector of plates.
        """
        self._guard = guard or PictureGuard()
        self._models = models or (lambda: OpenModels(embedder))
        self._open = OpenModels(embedder)
        self._id_factory = id_factory
        self._settings = settings
        self._tracklets = tracklets or TrackletSettings()
        self._tracks: dict[TrackKey, TrackMemory] = {}
        self._skipped: Counter[str] = Counter()
        self._split = 0
        self._joined = 0

    @property
    def skipped(self) -> Mapping[str, int]:
        """Finished tracklets that became no sighting, by reason."""
        return dict(self._skipped)

    @property
    def split_tracks(self) -> int:
        """Tracks split so far because their pictures turned into those of another vehicle."""
        return self._split

    @property
    def joined_tracks(self) -> int:
        """Tracks joined so far to one that had ended shortly before."""
        return self._joined

    def forget(self, sighting_ids: Collection[str]) -> list[TrackKey]:
        """Drops all that is remembered of these sightings, pictures among it; returns the tracks they were of."""
        keys = [key for key, track in self._tracks.items() if track.sighting_id in sighting_ids] if sighting_ids else []
        for key in keys:
            del self._tracks[key]
        return keys

    def build(self, due: Sequence[tuple[Tracklet, Size]], split: Splitter | None = None) -> list[Outgoing]:
        """Sightings of the tracklets that have a usable crop, in order.

        Splitting and joining compare the crops that sightings are described by. Past a contact one more may be
        embedded in a place that was seen before.

        Args:
            due: Tracklet revisions, each with the frame size of its camera. One that continues another stands in the
                same call as the last revision of that one, after it.
            split: Asked to split a tracklet; none is split without it.

        Returns:
            One per tracklet; none for one that goes on in another, two for one that was split. A tracklet without a
            usable crop is described by those of its last sighting, and left out until there is one.
        """
        self._open = self._models()
        self._embed([tracklet for tracklet, _ in due])
        followers = {tracklet.continues: tracklet for tracklet, _ in due if tracklet.continues is not None}
        out: list[Outgoing] = []
        for tracklet, size in due:
            *former, last = self._parts(tracklet, split)
            for part in former:
                out += self._outgoing(part, size)
            if tracklet.key in followers and self._join(last, followers[tracklet.key]):
                continue
            out += self._outgoing(last, size)
        return out

    def _large(self, tracklet: Tracklet) -> list[Crop]:
        least = self._settings.min_crop_px
        return [crop for crop in tracklet.crops if min(crop.image.shape[:2]) >= least]

    def _usable(self, track: TrackMemory, tracklet: Tracklet) -> tuple[Crop, ...]:
        crops = self._large(tracklet)
        if not crops:
            return track.pictures()
        if track.revision == 0 and not tracklet.final and not tracklet.contacts:
            crops = crops[:FIRST_LOOK]
        return worth_embedding(crops, [part.crop for part in track.embedded.values()], tracklet.contacts)

    @property
    def _spec(self) -> EmbedderSpec:
        """Of the model that decides in this call."""
        return self._open.active.spec

    def _described(self, track: TrackMemory, tracklet: Tracklet) -> tuple[Crop, ...]:
        """The crops worth an embedding that have one; which are worth it may look different once others have theirs."""
        return tuple(crop for crop in self._usable(track, tracklet) if track.has(crop, self._spec.model_id))

    def _embed(self, tracklets: Sequence[Tracklet]) -> None:
        """Embeds in one call what is not embedded yet and forgets what is no longer among a track's crops."""
        wanted: list[tuple[TrackMemory, Crop]] = []
        for tracklet in tracklets:
            if not (tracklet.key in self._tracks or self._large(tracklet)):
                continue
            track = self._tracks.setdefault(tracklet.key, TrackMemory())
            crops = self._usable(track, track.whole(tracklet))
            track.keep(crops)
            wanted += [(track, crop) for crop in crops]
        for track, crop in wanted:
            if crop_name(crop) not in track.embedded:
                track.add(EmbeddedCrop(crop, colour_probabilities(crop.image)))
        for embedder in self._open.each:
            model_id = embedder.spec.model_id
            fresh = [(track, crop) for track, crop in wanted if not track.has(crop, model_id)]
            if fresh:
                vectors = embedder.embed([crop.image for _, crop in fresh])
                for (track, crop), vector in zip(fresh, vectors, strict=True):
                    track.embedded[crop_name(crop)].vectors[model_id] = vector

    def _join(self, ended: Tracklet, later: Tracklet) -> bool:
        """Lets the sighting of ``ended`` go on with ``later``, if their pictures say that they are one vehicle."""
        track, new = self._tracks.get(ended.key), self._tracks.get(later.key)
        if track is None or new is None:
            return False
        whole = track.whole(ended)
        usable, continued = self._described(track, whole), self._described(new, later)
        if not usable or not continued:
            return False
        model_id = self._spec.model_id
        alike = float((track.vectors(usable, model_id) @ new.vectors(continued, model_id).T).max())
        # Small pictures get no allowance here, as they do where tracks are split: IDF1 falls with it.
        if self._spec.calibration.log_likelihood_ratio(alike) < self._tracklets.join_nats:
            return False
        self._tracks[later.key] = track.go_on(whole, usable, new, model_id, self._settings.max_boxes)
        del self._tracks[ended.key]
        self._joined += 1
        return True

    def _parts(self, tracklet: Tracklet, split: Splitter | None) -> tuple[Tracklet, ...]:
        """The tracklet, or the vehicles that it was, one after another."""
        track = self._tracks.get(tracklet.key)
        if split is None or track is None or not tracklet.contacts:
            return (tracklet,)
        crops = self._described(track, tracklet)
        if not crops:
            return (tracklet,)
        times_ns = np.array([crop.t_ns for crop in crops], np.int64)
        vectors = track.vectors(crops, self._spec.model_id)
        calibration = self._spec.calibration
        details = picture_details(crops, calibration.detail)
        jump = find_jump(tracklet.contacts, times_ns, vectors, details, calibration, self._tracklets.split_nats)
        if jump is None:
            return (tracklet,)
        first, second = split(tracklet, jump)
        self._tracks[second.key] = track.split(jump.t_ns)
        self._split += 1
        return (*self._parts(first, split), *self._parts(second, split))

    def _outgoing(self, tracklet: Tracklet, frame_size: Size) -> list[Outgoing]:
        """The sighting of a tracklet; none without a usable crop."""
        track = self._tracks.get(tracklet.key)
        whole = tracklet if track is None else track.whole(tracklet)
        crops = () if track is None else self._described(track, whole)
        if tracklet.final:
            self._tracks.pop(tracklet.key, None)
        if track is None or not crops:
            self._skipped["no_usable_crop"] += int(tracklet.final and (track is None or track.sighting_id is None))
            return []
        return [self._sighting(track, whole, crops, frame_size)]

    def _sighting(self, track: TrackMemory, tracklet: Tracklet, crops: tuple[Crop, ...], frame_size: Size) -> Outgoing:
        parts = [track.embedded[crop_name(crop)] for crop in crops]
        weights = np.array([part.weight for part in parts], np.float32)
        vectors = track.vectors(crops, self._spec.model_id)
        exemplars = pick_diverse(vectors, MAX_EXEMPLARS)
        new_crops, obsolete = self._crop_keys(track, [crops[i] for i in exemplars])
        track.sighting_id = track.sighting_id or self._id_factory()
        track.revision += 1
        kept = thin(len(tracklet.times_ns), self._settings.max_boxes)
        sighting = Sighting(
            sighting_id=track.sighting_id,
            revision=track.revision,
            final=tracklet.final,
            track_keys=(*track.earlier_keys, tracklet.key),
            camera_id=tracklet.key.camera_id,
            start_ns=int(tracklet.times_ns[0]),
            end_ns=int(tracklet.times_ns[-1]),
            times_ns=tracklet.times_ns[kept],
            frames=tracklet.frames[kept],
            boxes_xyxy=tracklet.boxes_xyxy[kept],
            class_probs=tracklet.class_probs,
            colour=track.colour(),
            embedding=mean_direction(vectors, weights),
            exemplars=vectors[exemplars],
            quality=float(np.clip(tracklet.quality, 0.0, 1.0)),
            model_id=self._spec.model_id,
            crop_keys=tuple(track.crop_keys[crop_name(crops[i])] for i in exemplars),
            frame_size=frame_size,
            beside=self._beside(track, crops, weights, exemplars),
        )
        return Outgoing(sighting, new_crops, obsolete)

    def _beside(
        self, track: TrackMemory, crops: Sequence[Crop], weights: NDArray[np.float32], exemplars: list[int]
    ) -> ModelVectors | None:
        """What the second model makes of the same pictures, where there is one and it has seen them all."""
        other = self._open.other
        if other is None or not all(track.has(crop, other.spec.model_id) for crop in crops):
            return None
        vectors = track.vectors(crops, other.spec.model_id)
        return ModelVectors(other.spec.model_id, mean_direction(vectors, weights), vectors[exemplars])

    def _crop_keys(
        self, track: TrackMemory, exemplars: list[Crop]
    ) -> tuple[tuple[tuple[str, bytes], ...], tuple[str, ...]]:
        """Gives new exemplars a key, drops those of former ones."""
        names = {crop_name(crop) for crop in exemplars}
        obsolete = tuple(key for name, key in track.crop_keys.items() if name not in names)
        track.crop_keys = {name: key for name, key in track.crop_keys.items() if name in names}
        new = []
        for crop in exemplars:
            if crop_name(crop) not in track.crop_keys:
                track.crop_keys[crop_name(crop)] = new_crop_key()
                kept = self._guard.stored(crop.image, self._spec.input_hw)
                new.append((track.crop_keys[crop_name(crop)], encode_jpeg(kept)))
        return tuple(new), obsolete

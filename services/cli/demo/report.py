"""The report of a demo that ran to its end: what was seen, scored against the truth, asked over gRPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from services.cli.demo.pictures import cut_pictures
from services.cli.demo.scoring import Run, summary, tracklet_boxes
from services.client import MatcherClient, SearchOptions
from services.crops import CropStore
from services.errors import InputError
from services.identity.history import all_events, label_history
from services.identity.store import CameraRecord, IdentityStore
from services.matcher.types import SearchFilter
from services.types import Sighting
from tracker.evaluation.baselines.greedy import join_greedily
from tracker.metrics.cityflow import CityFlowTracks, parse_cityflow
from tracker.metrics.tracklets import TrackletBoxes, majority_vehicles

if TYPE_CHECKING:
    from reid.types import Embedder
    from simulator.city import City

#: Greedy joining gets the best of these thresholds: it is the baseline, so it is given every advantage.
_THRESHOLDS = np.arange(0.30, 0.98, 0.02)


def read_truth(city: City) -> CityFlowTracks:
    """The boxes of all vehicles."""
    return parse_cityflow(city.truth_path.read_text(encoding="utf-8"), city.truth_path.name)


def build_run(city: City, store: IdentityStore) -> tuple[Run, list[Sighting], int]:
    """What the store holds of a playing, ready to be scored.

    Returns:
        The run, its sightings by start, and how many identities they were given at the end.
    """
    pairs = sorted(store.scan_sightings(), key=lambda pair: pair[0].start_ns)
    sightings = [sighting for sighting, _ in pairs]
    numbers = {camera.id: camera.number for camera in city.cameras}
    tracklets = [tracklet_boxes(s, numbers[s.camera_id], city.fps) for s in sightings]
    closed = {s.sighting_id: s.end_ns for s in sightings}
    identities = {identity for _, identity in pairs if identity is not None}
    return Run(read_truth(city), tracklets, closed, label_history(all_events(store))), sightings, len(identities)


def query_rank1(
    city: City, truth: CityFlowTracks, tracklets: Sequence[TrackletBoxes], client: MatcherClient
) -> dict[str, float | int]:
    """Asks for every multi-camera vehicle with its largest picture of each camera, that camera left out.

    Returns:
        ``rank1``: share of queries whose first answer is a sighting of the right vehicle; ``queries``: how many.
    """
    vehicle_of = majority_vehicles(truth, tracklets)
    pictures = cut_pictures(city, truth)
    hits = 0
    for picture in pictures:
        options = SearchOptions(k=1, wanted=SearchFilter(exclude_camera_ids=frozenset({picture.camera_id})))
        answer = client.search_image(picture.encoded(), options, as_is=True)
        hits += bool(answer.matches) and vehicle_of.get(answer.matches[0].sighting_id) == picture.vehicle
    return {"rank1": round(hits / len(pictures), 4) if pictures else 0.0, "queries": len(pictures)}


def greedy_idf1(run: Run, sightings: Sequence[Sighting], crops: CropStore, embedder: Embedder) -> float:
    """IDF1 of the same tracklets joined greedily on another embedder's vectors, with the best threshold there is."""
    kept, vectors = [], []
    for sighting in sightings:
        if sighting.crop_keys:
            images = [_decoded(crops.get(key)) for key in sighting.crop_keys]
            mean = embedder.embed(images).mean(axis=0)
            kept.append(sighting)
            vectors.append(mean / np.linalg.norm(mean))
    if not kept:
        return 0.0
    stacked: NDArray[np.float32] = np.stack(vectors).astype(np.float32)
    best = 0.0
    for threshold in _THRESHOLDS:
        joined = join_greedily(
            stacked,
            [s.camera_id for s in kept],
            [s.start_ns for s in kept],
            [s.end_ns for s in kept],
            float(threshold),
        )
        labels = {s.sighting_id: f"g{label}" for s, label in zip(kept, joined, strict=True)}
        best = max(best, run.score(labels).idf1)
    return best


def camera_part(city: City, records: Sequence[CameraRecord]) -> tuple[dict[str, Any], dict[str, int], float]:
    """Per camera what it offered and what was inferred, the sums, and the worst frame age.

    Offered are the frames of the city, whether or not they reached this machine's decoder.
    """
    by_id: Mapping[str, CameraRecord] = {record.camera_id: record for record in records}
    cameras: dict[str, Any] = {}
    for camera in city.cameras:
        stats = dict(by_id[camera.id].stats) if camera.id in by_id else {}
        state = by_id[camera.id].state if camera.id in by_id else "down"
        cameras[camera.id] = {"state": state, **stats, "frames_offered": camera.frames}
    frames = {
        "offered": sum(camera["frames_offered"] for camera in cameras.values()),
        "inferred": int(sum(camera.get("frames_inferred", 0) for camera in cameras.values())),
    }
    age_p99_s = max((camera.get("frame_age_p99_s", 0.0) for camera in cameras.values()), default=0.0)
    return cameras, frames, round(age_p99_s, 3)


def report(
    city: City, store: IdentityStore, client: MatcherClient, crops: CropStore, untrained: Embedder
) -> dict[str, Any]:
    """The document of `vreid demo --once --json`, but for what only the runner knows."""
    run, sightings, identities = build_run(city, store)
    cameras, frames, age_p99_s = camera_part(city, store.list_cameras())
    return {
        "cameras": cameras,
        "frames": frames,
        "frame_age_p99_s": age_p99_s,
        "sightings": len(sightings),
        "identities": identities,
        **summary(run),
        "greedy_idf1": round(greedy_idf1(run, sightings, crops, untrained), 4),
        "query": query_rank1(city, run.truth, run.tracklets, client),
    }


def _decoded(jpeg: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError("a crop of this run is no picture")
    return np.asarray(image, np.uint8)

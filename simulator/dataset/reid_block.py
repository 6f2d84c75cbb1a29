"""Photographs one block of vehicles for a re-identification set, each in its cameras until it has its pictures.

Owns who passes which camera in which light, and what is kept of a picture. Deterministic by plan and block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.dataset.arranging import Passage, Stand, arrange
from simulator.dataset.boxes import cut, jitter, match_detections
from simulator.dataset.plan import PARTS, Block, ReidPlan
from simulator.dataset.records import CropRecord
from simulator.dataset.standpoints import LEAST_PX, Standpoint, standpoints
from simulator.dataset.studio import Photo, Seen, Studio, light_of
from simulator.splits import UNTRAINED_BODIES
from simulator.vehicles.identity import with_plate, without_plate
from simulator.views import FACES, VIEWS, face_index, view_index

LEAST_VISIBLE = 0.6
#: As serving writes its pictures.
_JPEG_QUALITY = 92
_ROUNDS = 3
_CROWD = (8, 14)
_FRUITLESS = 6
#: Of the vehicles that the detector finds, those cut along the mask all the same: its boxes are not the only ones.
_MASK_SHARE = 0.25
_FRAMES_PER_BLOCK = 10_000

Sessions = dict[tuple[int, str], list[Passage]]


class ReidBlock:
    """One block under way."""

    def __init__(self, plan: ReidPlan, block: Block, studio: Studio, folder: Path) -> None:
        """Draws the vehicles.

        Args:
            plan: Of the set.
            block: Which part of it.
            studio: Takes the pictures.
            folder: Where crops are written.
        """
        self._plan, self._block, self._studio, self._folder = plan, block, studio, folder
        self._part = PARTS[block.part]
        self._rng = np.random.default_rng([plan.seed, self._part.number, block.index])
        self._standpoints = {point.number: point for point in standpoints(self._part)}
        self._fleet = plan.fleet(self._part)[block.first : block.first + block.count]
        self._tried: dict[int, set[int]] = defaultdict(set)
        self._frames: dict[int, int] = defaultdict(int)
        self._records: list[CropRecord] = []

    def shoot(self) -> Iterator[int]:
        """Takes all pictures; yields how many crops each gave."""
        sessions = self._assign(dict.fromkeys((look.vehicle_id for look in self._fleet), self._plan.cameras_each))
        for _ in range(_ROUNDS):
            for (number, light), passages in sorted(sessions.items()):
                yield from self._session(self._standpoints[number], light, passages)
            missing = _missing(sessions)
            if not missing:
                break
            sessions = self._assign(missing)
        self._studio.tidy()

    @property
    def records(self) -> list[CropRecord]:
        """Of all crops written so far."""
        return self._records

    # ---- who passes where

    def _assign(self, wanted: dict[int, int]) -> Sessions:
        """Spreads vehicles evenly over cameras they have not passed yet; directions alternate."""
        sessions: Sessions = defaultdict(list)
        load = dict.fromkeys(self._standpoints, 0.0)
        for vehicle in self._fleet:
            tried = self._tried[vehicle.vehicle_id]
            order = sorted((load[number] + self._rng.random() * 2, number) for number in load if number not in tried)
            toward = bool(self._rng.random() < 0.5)
            for turn, (_, number) in enumerate(order[: wanted.get(vehicle.vehicle_id, 0)]):
                tried.add(number)
                load[number] += 1
                light = light_of(self._standpoints[number], self._block.index)
                forward = toward != (turn % 2 == 1)
                lane = int(self._rng.integers(6))
                sessions[number, light].append(Passage(vehicle, forward, lane, self._plan.crops_each))
        return sessions

    # ---- taking pictures

    def _session(self, standpoint: Standpoint, light: str, passages: list[Passage]) -> Iterator[int]:
        """Pictures of one camera in one light until every passage has its crops or patience ends."""
        self._studio.go_to(standpoint, light)
        fruitless = 0
        while fruitless < _FRUITLESS and any(passage.left > 0 for passage in passages):
            crowd = self._crowd(passages)
            stands = arrange(standpoint, crowd, self._studio.size_of, self._rng)
            if not any(stand.passage.left > 0 for stand in stands):
                fruitless += 1
                continue
            photo = self._studio.take([self._screw_on_plates(stand) for stand in stands], self._rng)
            self._frames[standpoint.number] += 1
            kept = self._keep(photo, standpoint, light)
            fruitless = 0 if kept else fruitless + 1
            yield kept

    def _crowd(self, passages: list[Passage]) -> list[Passage]:
        """Who shall be in the next picture: those who lack pictures first, others to fill the street."""
        shuffled = [passages[int(i)] for i in self._rng.permutation(len(passages))]
        ordered = sorted(shuffled, key=lambda passage: passage.left <= 0)
        return ordered[: int(self._rng.integers(*_CROWD))]

    def _screw_on_plates(self, stand: Stand) -> Stand:
        """Other plates in every picture, so that nothing is learnt from them; or blank ones, all else being equal."""
        seed = int(self._rng.integers(1 << 31))
        look = stand.placed.appearance
        dressed = with_plate(look, seed) if self._plan.plates == "random" else without_plate(look)
        return replace(stand, placed=replace(stand.placed, appearance=dressed))

    def _keep(self, photo: Photo, standpoint: Standpoint, light: str) -> int:
        """Writes the crops of a picture that are wanted; returns how many."""
        found = self._studio.detect(photo)
        truth = np.array([seen.box for seen in photo.seen]).reshape(-1, 4)
        matches = match_detections(truth, found)
        written = 0
        for seen, match in zip(photo.seen, matches, strict=True):
            draws = self._rng.random(5)
            passage = seen.stand.passage
            if passage.left <= 0 or not _good_enough(seen):
                continue
            box, source = self._box(seen, None if match is None else found[match], draws)
            crop = cut(photo.image, box) if source else photo.image[:0]
            if crop.size == 0:
                continue
            record = self._record(seen, standpoint, light, crop, source, match is not None)
            encoded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
            (self._folder / record.image).write_bytes(encoded.tobytes())
            self._records.append(record)
            passage.left -= 1
            passage.stood_m.append(seen.stand.along_m)
            written += 1
        return written

    def _box(
        self, seen: Seen, found: NDArray[np.float64] | None, draws: NDArray[np.float64]
    ) -> tuple[tuple[float, float, float, float], str]:
        """The box to cut along, and whose it is; empty if none may be taken."""
        wanted = self._plan.boxes
        if found is not None and (wanted == "detector" or (wanted == "both" and draws[4] >= _MASK_SHARE)):
            x1, y1, x2, y2 = found.tolist()
            return (x1, y1, x2, y2), "detector"
        return jitter(seen.box, draws[:4]), "" if wanted == "detector" else "mask"

    def _record(
        self, seen: Seen, standpoint: Standpoint, light: str, crop: NDArray[np.uint8], source: str, found: bool
    ) -> CropRecord:
        vehicle = seen.stand.passage.vehicle
        frame = self._block.index * _FRAMES_PER_BLOCK + self._frames[standpoint.number]
        return CropRecord(
            image=f"{vehicle.vehicle_id:04d}_c{standpoint.number:03d}_{frame:08d}_0.jpg",
            part=self._part.name,
            vehicle=vehicle.vehicle_id,
            camera=standpoint.number,
            place=standpoint.place.name,
            standpoint=standpoint.spec.name,
            light=light,
            model=vehicle.model,
            kind=vehicle.kind,
            colour=vehicle.colour,
            twin_of=vehicle.twin_of,
            alike_from=vehicle.alike_from,
            trained_body=vehicle.model not in UNTRAINED_BODIES,
            view=VIEWS[int(view_index(seen.aspect_deg))],
            face=FACES[int(face_index(seen.aspect_deg))],
            aspect_deg=round(seen.aspect_deg, 1),
            distance_m=round(seen.distance_m, 1),
            box=source,
            found=found,
            visible=round(seen.visible, 3),
            width=crop.shape[1],
            height=crop.shape[0],
            plates=self._plan.plates,
        )


def _good_enough(seen: Seen) -> bool:
    """Large enough and not too hidden: what is visible decides, not what the detector made of it."""
    x1, y1, x2, y2 = seen.box
    shorter, longer = sorted((x2 - x1, y2 - y1))
    return longer >= LEAST_PX[0] and shorter >= LEAST_PX[1] and seen.visible >= LEAST_VISIBLE


def _missing(sessions: Sessions) -> dict[int, int]:
    """How many cameras each vehicle still lacks, after sessions that gave some too few pictures."""
    missing: dict[int, int] = defaultdict(int)
    for passages in sessions.values():
        for passage in passages:
            if passage.left > 0:
                missing[passage.vehicle.vehicle_id] += 1
    return missing

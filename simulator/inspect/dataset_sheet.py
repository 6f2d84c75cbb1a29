"""Contact sheets of data sets: vehicles by camera, twins side by side, or pictures with their labels drawn in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simulator.dataset.folder import PICTURE_FOLDERS, read_document
from simulator.dataset.plan import PARTS
from simulator.dataset.records import LABELS, CropRecord, read_crops, read_lines
from simulator.errors import DatasetError
from simulator.inspect.drawing import Cell, Colour, Image, Layout, Row, colour_of, draw_box, draw_label, draw_sheet
from simulator.renderer.looks import LIGHTS

_MOST_COLUMNS = 8
_PICTURES_PER_ROW = 3
_UNLABELLED: Colour = (150, 150, 150)


@dataclass(frozen=True, slots=True)
class SheetRequest:
    """What of a data set to show.

    Attributes:
        part: ``train`` or ``test``.
        vehicles: Rows of vehicles (or pictures, of a detection set), at most.
        light: Only pictures taken in this light.
        twins: Only twins, each pair side by side.
        seed: Settles which are chosen.
    """

    part: str = "train"
    vehicles: int = 12
    light: str | None = None
    twins: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise DatasetError(f"no part {self.part!r}; a data set has {' and '.join(PARTS)}")
        if self.light is not None and self.light not in LIGHTS:
            raise DatasetError(f"no light {self.light!r}; known lights: {', '.join(LIGHTS)}")


def dataset_sheet(folder: Path, request: SheetRequest) -> Image:
    """A contact sheet of a data set.

    Args:
        folder: Of a complete set.
        request: What to show.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        DatasetError: The folder holds no complete set, or nothing that was asked for.
    """
    document = read_document(folder)
    if not document.get("complete"):
        raise DatasetError(f"{folder} is not complete: the command that began it goes on where it stopped")
    if document["plan"]["kind"] == "detection":
        return _pictures(folder, request)
    records = [
        record
        for record in read_crops(folder / LABELS)
        if record.part == request.part and request.light in (None, record.light)
    ]
    vehicles = json.loads((folder / "vehicles.json").read_text(encoding="utf-8"))
    by_vehicle: dict[int, list[CropRecord]] = defaultdict(list)
    for record in records:
        by_vehicle[record.vehicle].append(record)
    rng = np.random.default_rng(request.seed)
    groups = _twins(vehicles, by_vehicle) if request.twins else [[number] for number in sorted(by_vehicle)]
    chosen = [groups[int(i)] for i in sorted(rng.permutation(len(groups))[: _wanted(request, groups)])]
    if not chosen:
        raise DatasetError(f"{folder} has no such pictures: part {request.part}, light {request.light or 'any'}")
    pictures = folder / PICTURE_FOLDERS["reid"][request.part]
    rows = [
        _row(
            number,
            by_vehicle[number],
            vehicles[f"{number:04d}"],
            pictures,
            colour_of(index) if len(group) > 1 else None,
        )
        for index, group in enumerate(chosen)
        for number in group
    ]
    heading = f"{folder.name}: {request.part}, {len(rows)} of {len(by_vehicle)} vehicles, {len(records)} pictures"
    return draw_sheet(rows, Layout(heading=(heading,), caption_lines=2))


def _wanted(request: SheetRequest, groups: Sequence[Sequence[int]]) -> int:
    return max(1, request.vehicles // max(len(groups[0]), 1)) if groups else 0


def _twins(vehicles: dict[str, Any], by_vehicle: dict[int, list[CropRecord]]) -> list[list[int]]:
    """Pairs of twins of which both have pictures."""
    pairs = [(int(number), facts.get("twin_of")) for number, facts in vehicles.items()]
    return [
        [twin, number] for number, twin in pairs if twin is not None and twin in by_vehicle and number in by_vehicle
    ]


def _row(number: int, records: list[CropRecord], facts: dict[str, Any], pictures: Path, mark: Colour | None) -> Row:
    """One vehicle: a picture per camera, the largest, in order of cameras."""
    largest: dict[int, CropRecord] = {}
    for record in records:
        best = largest.get(record.camera)
        if best is None or record.width * record.height > best.width * best.height:
            largest[record.camera] = record
    shown = [largest[camera] for camera in sorted(largest)][:_MOST_COLUMNS]
    title = [f"{number:04d} {facts['class']}", f"{facts['colour']} {facts['model']}"]
    if facts.get("twin_of") is not None:
        title.append(f"twin of {facts['twin_of']:04d}")
        title += [f"alike: {' '.join(facts['alike_from'])}"] if facts.get("alike_from") else []
    title += [cue[:22] for cue in facts["cues"]][: 7 - len(title)]
    return Row(tuple(title), tuple(_cell(record, pictures) for record in shown), mark)


def _cell(record: CropRecord, pictures: Path) -> Cell:
    seen = "" if record.visible > 0.99 else f" {record.visible:.0%}"
    caption = (f"c{record.camera:03d} {record.light}", f"{record.view} {record.box[:3]}{seen}")
    return Cell(_read(pictures / record.image), caption)


def _pictures(folder: Path, request: SheetRequest) -> Image:
    """Pictures of a detection set with their boxes; what is not labelled is dashed."""
    records = [
        record
        for record in read_lines(folder / LABELS)
        if record["part"] == request.part and request.light in (None, record["light"])
    ]
    if not records:
        raise DatasetError(f"{folder} has no such pictures: part {request.part}, light {request.light or 'any'}")
    rng = np.random.default_rng(request.seed)
    chosen = [records[int(i)] for i in sorted(rng.permutation(len(records))[: request.vehicles])]
    pictures = folder / PICTURE_FOLDERS["detection"][request.part]
    cells = [_labelled(record, pictures) for record in chosen]
    rows = [Row((), tuple(cells[i : i + _PICTURES_PER_ROW])) for i in range(0, len(cells), _PICTURES_PER_ROW)]
    heading = f"{folder.name}: {request.part}, {len(chosen)} of {len(records)} pictures"
    return draw_sheet(rows, Layout((640, 360), 0, 1, (heading,)))


def _labelled(record: dict[str, Any], pictures: Path) -> Cell:
    image = _read(pictures / record["image"])
    for vehicle in record["vehicles"]:
        x1, y1, x2, y2 = (int(side) for side in vehicle["box_xyxy"])
        colour = colour_of(sum(map(ord, vehicle["class"]))) if vehicle["labelled"] else _UNLABELLED
        draw_box(image, (x1, y1, x2 - 1, y2 - 1), colour, dashed=not vehicle["labelled"])
        draw_label(image, f"{vehicle['class']} {vehicle['visible']:.0%}", (x1, y1), colour)
    return Cell(image, (f"{record['image']}  {record['place']} {record['standpoint']}  {record['light']}",))


def _read(path: Path) -> Image:
    try:
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise DatasetError(f"{path} cannot be read: render the set again into a new folder")
    return np.ascontiguousarray(picture[:, :, ::-1]).astype(np.uint8)

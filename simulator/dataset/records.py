"""What is known of each picture of a data set, one JSON object a line. Owns the fields' names and order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulator.dataset.plan import PARTS
from simulator.errors import DatasetError
from simulator.splits import UNTRAINED_BODIES
from simulator.vehicles.identity import Appearance

LABELS = "labels.jsonl"


@dataclass(frozen=True, slots=True)
class CropRecord:
    """One picture of one vehicle.

    Attributes:
        image: File name.
        part: ``train`` or ``test``.
        vehicle: Number.
        camera: Number.
        place: Where the camera stands.
        standpoint: The camera's name there.
        light: Name of the light.
        model: Body model.
        kind: Vehicle class.
        colour: Name of the body colour.
        twin_of: Number of the vehicle that it shares model and colour with, if it is a twin.
        alike_from: Sides from which the two cannot be told apart.
        trained_body: Whether training may show this body.
        view: One of eight orientations.
        face: ``front``, ``side`` or ``rear``.
        aspect_deg: From heading to camera.
        distance_m: From lens to vehicle, along the ground.
        box: Cut along the ``detector``'s box or the ``mask``'s.
        found: Whether the detector found it, whichever box was taken.
        visible: Share of the vehicle within the picture that nothing hides.
        width: Of the picture, px.
        height: Of the picture, px.
        plates: ``random`` or ``masked``.
    """

    image: str
    part: str
    vehicle: int
    camera: int
    place: str
    standpoint: str
    light: str
    model: str
    kind: str
    colour: str
    twin_of: int | None
    alike_from: tuple[str, ...]
    trained_body: bool
    view: str
    face: str
    aspect_deg: float
    distance_m: float
    box: str
    found: bool
    visible: float
    width: int
    height: int
    plates: str


def write_lines(path: Path, records: Iterable[CropRecord | dict[str, Any]]) -> None:
    """Writes records whole or not at all."""
    documents = (record if isinstance(record, dict) else asdict(record) for record in records)
    write_text(path, "".join(json.dumps(document) + "\n" for document in documents))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """What write_lines wrote, as plain documents.

    Raises:
        DatasetError: It cannot be read or a line is no JSON.
    """
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as exc:
        raise DatasetError(f"{path.name} is damaged or missing: {exc}") from exc


def read_crops(path: Path) -> list[CropRecord]:
    """Records of a re-identification set.

    Raises:
        DatasetError: It cannot be read or a line has other fields.
    """
    try:
        return [crop_record(document) for document in read_lines(path)]
    except TypeError as exc:
        raise DatasetError(f"{path.name} is not of a re-identification set: {exc}") from exc


def crop_record(document: dict[str, Any]) -> CropRecord:
    """A record as it was before it was written.

    Raises:
        TypeError: It has other fields.
    """
    return CropRecord(**{**document, "alike_from": tuple(document.get("alike_from", ()))})


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def vehicle_document(vehicle: Appearance, part: str) -> dict[str, Any]:
    """One vehicle as ``vehicles.json`` tells of it."""
    return {
        "part": part,
        "split": PARTS[part].split.name,
        "seed": vehicle.seed,
        "model": vehicle.model,
        "trained_body": vehicle.model not in UNTRAINED_BODIES,
        "class": vehicle.kind,
        "colour": vehicle.colour,
        "cues": list(vehicle.cues),
        "twin_of": vehicle.twin_of,
        "alike_from": list(vehicle.alike_from),
        "decals": sorted({decal.kind for decal in vehicle.decals}),
    }

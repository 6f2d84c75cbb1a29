"""What really happened, as text: CityFlow's columns, one line per vehicle and frame. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.errors import CityDamaged


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One vehicle in one frame.

    Attributes:
        camera: Number of the camera.
        vehicle_id: Number of the vehicle.
        frame: From 1.
        left: Amodal box, clipped to the picture, px.
        top: See left.
        width: See left.
        height: See left.
        visible: Share of the vehicle within the picture that nothing hides.
    """

    camera: int
    vehicle_id: int
    frame: int
    left: int
    top: int
    width: int
    height: int
    visible: float


def box_of_mask(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Left, top, width, height of a mask's pixels; None if it has none."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top


def format_line(box: TruthBox) -> str:
    """One line: camera, vehicle, frame, left, top, width, height, visible share, -1."""
    where = f"{box.left} {box.top} {box.width} {box.height}"
    return f"{box.camera} {box.vehicle_id} {box.frame} {where} {box.visible:.3f} -1"


def write_truth(path: Path, boxes: list[TruthBox]) -> None:
    """Writes boxes ordered by camera, frame and vehicle."""
    ordered = sorted(boxes, key=lambda box: (box.camera, box.frame, box.vehicle_id))
    path.write_text("".join(format_line(box) + "\n" for box in ordered), encoding="ascii")


def read_truth(path: Path) -> list[TruthBox]:
    """Reads what write_truth wrote.

    Raises:
        CityDamaged: A line does not have the nine columns.
    """
    boxes = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        fields = line.split()
        try:
            camera, vehicle, frame, left, top, width, height = (int(field) for field in fields[:7])
            boxes.append(TruthBox(camera, vehicle, frame, left, top, width, height, float(fields[7])))
        except (ValueError, IndexError) as exc:
            raise CityDamaged(f"{path.name}:{number}: expected nine columns of truth, got {line!r}") from exc
    return boxes

"""Writes the labels of a detection set in YOLO's layout, beside pictures that lie where it has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator.dataset.folder import PICTURE_FOLDERS
from simulator.dataset.plan import PICTURE_PX
from simulator.dataset.records import write_text

#: Numbered from 0 in the labels; COCO's names and order.
CLASSES = ("car", "motorcycle", "bus", "truck")


def write_yolo(folder: Path, records: Sequence[dict[str, Any]]) -> int:
    """Writes a label file per picture (empty where there is no vehicle) and ``data.yaml``.

    Args:
        folder: Of the set; holds ``images/train`` and ``images/val``.
        records: Of all its pictures.

    Returns:
        Number of boxes.

    Raises:
        OSError: Something cannot be written.
    """
    boxes = 0
    for record in records:
        pictures = Path(PICTURE_FOLDERS["detection"][record["part"]])
        labels = folder / "labels" / pictures.name
        labels.mkdir(parents=True, exist_ok=True)
        lines = [label_line(vehicle) for vehicle in record["vehicles"] if vehicle["labelled"]]
        write_text((labels / record["image"]).with_suffix(".txt"), "".join(lines))
        boxes += len(lines)
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    write_text(folder / "data.yaml", f"train: images/train\nval: images/val\nnames:\n{names}")
    return boxes


def label_line(vehicle: dict[str, Any]) -> str:
    r"""Class, middle, width and height as shares of the picture.

    >>> label_line({"class": "bus", "box_xyxy": [0, 0, 320, 180]})
    '2 0.250000 0.250000 0.500000 0.500000\n'
    """
    x1, y1, x2, y2 = vehicle["box_xyxy"]
    width, height = PICTURE_PX
    shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return f"{CLASSES.index(vehicle['class'])} " + " ".join(f"{share:.6f}" for share in shares) + "\n"

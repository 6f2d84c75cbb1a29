"""Reads pictures with known boxes in YOLO's layout. Draws nothing and trains nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and what is known of it.

    Attributes:
        image: uint8 (H, W, 3) BGR.
        boxes: float32 (N, 4) x1, y1, x2, y2 in its pixels.
        classes: int64 (N,), places in the set's list of classes.
        ignored: float32 (M, 4): something is there, but nothing is said of it.
    """

    image: Image
    boxes: Boxes
    classes: NDArray[np.int64]
    ignored: Boxes

    @classmethod
    def unknown(cls, image: Image) -> Labelled:
        """A picture of which nothing is known."""
        return cls(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros((0, 4), np.float32))


class LabelledSet:
    """The pictures of one part of a set, read as they are asked for."""

    def __init__(self, folder: Path, part: str = "train") -> None:
        """Reads the labels.

        Args:
            folder: Holds ``data.yaml``, ``images/<part>`` and ``labels/<part>``; where there is a ``labels.jsonl`` as
                `vreid simulate dataset` writes it, boxes that it leaves out of the labels are ignored.
            part: ``train`` or ``val``.

        Raises:
            FileNotFoundError: There is no such set, or it holds no picture.
            ValueError: A file says something else than expected; the message names it.
        """
        card = folder / "data.yaml"
        if not card.is_file():
            raise FileNotFoundError(f"{folder} is no set in YOLO's layout: no data.yaml")
        try:
            document = yaml.safe_load(card.read_text(encoding="utf-8"))
        except yaml.YAMLError as exc:
            raise ValueError(f"{card} is not YAML") from exc
        names = document.get("names") if isinstance(document, dict) else None
        if isinstance(names, dict):
            names = [names[key] for key in sorted(names)]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{card}: names must be the list of classes")
        self.classes: tuple[str, ...] = tuple(names)
        pictures = folder / "images" / part
        self._paths = sorted(p for p in pictures.glob("*") if p.suffix.lower() in _PICTURES)
        if not self._paths:
            raise FileNotFoundError(f"no pictures in {pictures}")
        self._labels = [_shares(folder / "labels" / part / f"{p.stem}.txt", len(names)) for p in self._paths]
        self._ignored = _ignored(folder / "labels.jsonl", part)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Labelled:
        path = self._paths[index]
        image = _decoded(path)
        height, width = image.shape[:2]
        rows = self._labels[index]
        middle, half = rows[:, 1:3], rows[:, 3:5] / 2
        boxes = np.concatenate([middle - half, middle + half], axis=1) * np.array([width, height, width, height])
        ignored = self._ignored.get(path.name, np.zeros((0, 4), np.float32))
        return Labelled(image, boxes.astype(np.float32), rows[:, 0].astype(np.int64), ignored)


def _decoded(path: Path) -> Image:
    try:
        # OpenCV is given no path: names need not be UTF-8, and from a file it fills up with grey what a JPEG lacks.
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as exc:
        raise ValueError(f"{path} cannot be read as a picture") from exc
    if image is None:
        raise ValueError(f"{path} cannot be read as a picture")
    return np.asarray(image, np.uint8)


def _shares(path: Path, classes: int) -> NDArray[np.float64]:
    """Rows of class, middle, width and height as shares of the picture; none where there is no file."""
    if not path.is_file():
        return np.zeros((0, 5))
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            row = []
        if len(row) != 5 or not 0 <= row[0] < classes or row[0] % 1 or not all(0 <= share <= 1 for share in row[1:]):
            raise ValueError(f"{path}, line {number}: expected a class below {classes} and four shares of the picture")
        rows.append(row)
    return np.array(rows).reshape(-1, 5)


def _ignored(path: Path, part: str) -> dict[str, Boxes]:
    """Boxes that were left out of the labels, by picture."""
    if not path.is_file():
        return {}
    found = {}
    wanted = "train" if part == "train" else "test"
    for line in filter(str.strip, path.read_text(encoding="utf-8-sig").splitlines()):
        record = json.loads(line)
        if record["part"] == wanted:
            boxes = [vehicle["box_xyxy"] for vehicle in record["vehicles"] if not vehicle["labelled"]]
            found[record["image"]] = np.array(boxes, np.float32).reshape(-1, 4)
    return found

"""Writes the index files of VeRi-776 beside pictures that lie where it has them, so that its readers take the set.

Source: Liu et al., "Large-scale vehicle re-identification in urban surveillance videos", ICME 2016, and the data set's
read-me: names, XML labels, ground truth and junk by 1-based index into ``name_test.txt``. As there, the queries are
also in ``image_test``, and a query's junk is its own vehicle in its own camera, itself included.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from simulator.dataset.records import CropRecord, write_text
from simulator.dataset.standpoints import all_standpoints

#: VeRi-776's colours, numbered from 1.
COLOURS = ("yellow", "orange", "green", "gray", "red", "blue", "white", "golden", "brown", "black")
#: VeRi-776's types, numbered from 1, and those it does not know.
TYPES = ("sedan", "suv", "van", "hatchback", "mpv", "pickup", "bus", "truck", "estate", "motorcycle")

_COLOUR_NAMES = {"grey": "gray", "silver": "gray", "beige": "golden"}
_TYPES_BY_MODEL = {
    "focus": "estate",
    "leon": "hatchback",
    "p308": "hatchback",
    "scenic": "mpv",
    "suv": "suv",
    "smart": "hatchback",
    "beetle": "hatchback",
    "van": "van",
}
_TYPES_BY_CLASS = {"car": "sedan", "bus": "bus", "truck": "truck", "motorcycle": "motorcycle"}


def colour_number(colour: str) -> int:
    """VeRi's number of one of our colours.

    >>> colour_number("silver"), colour_number("black")
    (4, 10)
    """
    return COLOURS.index(_COLOUR_NAMES.get(colour, colour)) + 1


def type_number(model: str, kind: str) -> int:
    """VeRi's number of a body model.

    >>> type_number("suv", "car"), type_number("citybus", "bus")
    (2, 7)
    """
    return TYPES.index(_TYPES_BY_MODEL.get(model, _TYPES_BY_CLASS[kind])) + 1


def write_veri(folder: Path, records: Sequence[CropRecord], seed: int) -> int:
    """Writes all index files and copies the queries.

    Args:
        folder: Of the set; holds ``image_train`` and ``image_test``.
        records: Of all its pictures.
        seed: Settles which picture of a track is the query.

    Returns:
        Number of queries.

    Raises:
        OSError: Something cannot be written.
    """
    train = sorted((one for one in records if one.part == "train"), key=lambda one: one.image)
    test = sorted((one for one in records if one.part == "test"), key=lambda one: one.image)
    queries = choose_queries(test, seed)
    _write_names(folder, train, test, queries)
    write_text(folder / "train_label.xml", _labels("TrainingImages", train))
    write_text(folder / "test_label.xml", _labels("TestImages", test))
    _write_indices(folder, test, queries)
    write_text(folder / "test_track.txt", "".join(_track_line(track) for track in tracks(test).values()))
    for name, entries in (("list_color.txt", COLOURS), ("list_type.txt", TYPES)):
        write_text(folder / name, "".join(f"{number} {entry}\n" for number, entry in enumerate(entries, 1)))
    cameras = "".join(f"c{p.number:03d} {p.place.name} {p.spec.name}\n" for p in all_standpoints())
    write_text(folder / "camera_ID.txt", cameras)
    return len(queries)


def tracks(records: Sequence[CropRecord]) -> dict[tuple[int, int], list[CropRecord]]:
    """Pictures by vehicle and camera, in order."""
    found: dict[tuple[int, int], list[CropRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda one: one.image):
        found[record.vehicle, record.camera].append(record)
    return dict(sorted(found.items()))


def choose_queries(test: Sequence[CropRecord], seed: int) -> list[CropRecord]:
    """One picture of every track whose vehicle another camera saw too.

    Args:
        test: All test pictures.
        seed: Settles which.
    """
    by_track = tracks(test)
    cameras: dict[int, int] = defaultdict(int)
    for vehicle, _ in by_track:
        cameras[vehicle] += 1
    rng = np.random.default_rng([seed, 3])
    drawn = [(vehicle, track[int(rng.integers(len(track)))]) for (vehicle, _), track in by_track.items()]
    return [record for vehicle, record in drawn if cameras[vehicle] > 1]


def _write_names(
    folder: Path, train: Sequence[CropRecord], test: Sequence[CropRecord], queries: Sequence[CropRecord]
) -> None:
    """The lists of names, and the queries' own folder."""
    for name, some in (("train", train), ("test", test), ("query", queries)):
        write_text(folder / f"name_{name}.txt", "".join(f"{record.image}\n" for record in some))
    shutil.rmtree(folder / "image_query", ignore_errors=True)
    (folder / "image_query").mkdir()
    for query in queries:
        shutil.copyfile(folder / "image_test" / query.image, folder / "image_query" / query.image)


def _write_indices(folder: Path, test: Sequence[CropRecord], queries: Sequence[CropRecord]) -> None:
    """Per query, which test pictures are right answers and which are junk, counted from 1."""
    numbers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, record in enumerate(test, 1):
        numbers[record.vehicle].append((index, record.camera))
    for name, junk in (("gt_index.txt", False), ("jk_index.txt", True)):
        lines = (
            " ".join(str(index) for index, camera in numbers[query.vehicle] if (camera == query.camera) == junk)
            for query in queries
        )
        write_text(folder / name, "".join(f"{line}\n" for line in lines))


def _labels(root: str, records: Sequence[CropRecord]) -> str:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f'<{root} Version="1.0">', f'  <Items number="{len(records)}">']
    lines += [_item(record) for record in records]
    return "\n".join([*lines, "  </Items>", f"</{root}>", ""])


def _item(record: CropRecord) -> str:
    fields = {
        "imageName": record.image,
        "vehicleID": f"{record.vehicle:04d}",
        "cameraID": f"c{record.camera:03d}",
        "colorID": str(colour_number(record.colour)),
        "typeID": str(type_number(record.model, record.kind)),
    }
    return "    <Item " + " ".join(f"{name}={quoteattr(value)}" for name, value in fields.items()) + "/>"


def _track_line(track: Sequence[CropRecord]) -> str:
    first = track[0]
    frame = first.image.split("_")[2]
    name = f"{first.vehicle:04d}_c{first.camera:03d}_t{frame}"
    return " ".join([name, *(record.image for record in track)]) + "\n"

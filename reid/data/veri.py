"""Reader of VeRi-776 and of sets in its layout, our synthetic ones among them. Decodes no picture.

    image_train/  image_query/  image_test/     0002_c002_00030600_0.jpg: vehicle, camera, frame, number
    name_train.txt  name_query.txt  name_test.txt    file names; where present, they say what belongs to the part
    train_label.xml  test_label.xml             colorID and typeID of pictures (optional)
    list_color.txt  list_type.txt               their names: "1 yellow" (optional)
    test_track.txt                              gallery tracks, one a line (needed for image-to-track)
    labels.jsonl or labels.csv                  ours: class, view, light, twins (optional)

Source: Liu et al., "Large-scale vehicle re-identification in urban surveillance videos", ICME 2016, and its ReadMe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reid.data.items_xml import read_items
from reid.data.label_table import apply_labels, find_labels
from reid.data.pictures import list_pictures, read_lines, require_files
from reid.data.samples import ReidSet, Sample
from reid.data.tracks import read_tracks
from reid.errors import DataError

MAX_VEHICLE = 776
MAX_CAMERA = 20
_NAME = re.compile(r"(?P<vehicle>\d+)_c(?P<camera>\d+)_\d+_\d+\.")
_PARTS = {"train": "train_label.xml", "query": "test_label.xml", "test": "test_label.xml"}


def read_veri(root: Path) -> ReidSet:
    """Reads the set.

    Args:
        root: Folder with `image_train`, `image_query`, `image_test`.

    Returns:
        All three parts, and tracks where `test_track.txt` is there. Queries stand in `image_test` as well, under the
        same name: they are given by that copy, so that a query is known to be the gallery picture that it is.

    Raises:
        DataError: A folder, or a picture that a file names, is missing; a name does not tell vehicle and camera; a
            number is beyond the set's (vehicles to 776, cameras to 20); the set holds nothing, or only queries.
    """
    train, query, gallery = (_read_part(root, part) for part in _PARTS)
    if bool(query) != bool(gallery) or not (train or gallery):
        raise DataError(f"the split file {root / ('name_test.txt' if not gallery else 'name_query.txt')} is empty")
    labels = find_labels(root)
    if labels:
        train, query, gallery = (apply_labels(part, labels, root) for part in (train, query, gallery))
    tracks_file = root / "test_track.txt"
    tracks = read_tracks(tracks_file, gallery, named=True) if gallery and tracks_file.is_file() else ()
    return ReidSet("veri", train, _as_in_gallery(query, gallery), gallery, tracks)


def _read_part(root: Path, part: str) -> tuple[Sample, ...]:
    folder = root / f"image_{part}"
    names_file = root / f"name_{part}.txt"
    if not folder.is_dir():
        raise DataError(f"no folder {folder}")
    if names_file.is_file() and not names_file.stat().st_size:
        return ()  # A set to learn from only, or to judge on only.
    if names_file.is_file():
        paths = [folder / name for name in read_lines(names_file)]
        require_files(paths, names_file)
    else:
        paths = list_pictures(folder)
    return _attributed([_sample(path) for path in paths], root, _PARTS[part])


def _as_in_gallery(query: Sequence[Sample], gallery: Sequence[Sample]) -> tuple[Sample, ...]:
    copies = {sample.path.name: sample for sample in gallery}
    return tuple(copies.get(sample.path.name, sample) for sample in query)


def _sample(path: Path) -> Sample:
    match = _NAME.match(path.name)
    if match is None:
        raise DataError(f"{path} is not named as VeRi names pictures: 0002_c002_00030600_0.jpg")
    if not 1 <= int(match["vehicle"]) <= MAX_VEHICLE or not 1 <= int(match["camera"]) <= MAX_CAMERA:
        raise DataError(f"{path}: VeRi's vehicles go from 1 to {MAX_VEHICLE}, its cameras from 1 to {MAX_CAMERA}")
    return Sample(path, "veri", match["vehicle"], match["camera"])


def _attributed(samples: Sequence[Sample], root: Path, label_file: str) -> tuple[Sample, ...]:
    """Adds type (as the class) and colour from the XML label file, if there is one."""
    if not (root / label_file).is_file():
        return tuple(samples)
    items = read_items(root / label_file)
    colours, types = _names(root / "list_color.txt"), _names(root / "list_type.txt")
    made = []
    for sample in samples:
        item = items.get(sample.path.name, {})
        colour, kind = item.get("colorID", ""), item.get("typeID", "")
        labels = {"colour": colours.get(colour, colour)} if colour else {}
        made.append(replace(sample, kind=types.get(kind, kind), labels=labels))
    return tuple(made)


def _names(path: Path) -> Mapping[str, str]:
    """Names by number, from lines such as "3 green"."""
    if not path.is_file():
        return {}
    pairs = (line.split(maxsplit=1) for line in read_lines(path))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

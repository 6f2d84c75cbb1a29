"""Reader of VERI-Wild. Decodes no picture.

    images/<vehicle>/<picture>.jpg
    train_test_split/vehicle_info.txt           heading, then "vehicle/picture;camera;time;model;type;colour"
    train_test_split/train_list.txt             "vehicle/picture[.jpg]" a line; also known as train_list_start0.txt
    train_test_split/test_3000.txt              gallery, as above; _5000, _10000; also known as test_3000_id.txt
    train_test_split/test_3000_query.txt        queries; also known as test_3000_id_query.txt

Lists by their other names have three columns, "vehicle/picture.jpg label camera", of which the first is read.

Source: Lou et al., "VERI-Wild: a large dataset and a new method for vehicle re-identification in the wild", CVPR 2019.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from reid.data.pictures import read_lines, require_files
from reid.data.samples import ReidSet, Sample
from reid.errors import DataError

_TRAIN_LISTS = ("train_list.txt", "train_list_start0.txt")
_TEST_LIST = re.compile(r"test_(\d+)(?:_id)?\.txt")


def read_veriwild(root: Path, size: int | None = None) -> ReidSet:
    """Reads the training list and one test.

    Args:
        root: Folder with `images` and `train_test_split`.
        size: Which test, by its number of vehicles; None for the smallest.

    Returns:
        All three parts. The training part is empty where its list is missing.

    Raises:
        DataError: A split file, or a picture that one names, is missing; or a picture has no line in
            `vehicle_info.txt`.
    """
    splits = root / "train_test_split"
    if not splits.is_dir():
        raise DataError(f"no folder {splits}")
    sizes = sorted({int(match[1]) for path in splits.iterdir() if (match := _TEST_LIST.fullmatch(path.name))})
    wanted = size if size is not None else (sizes[0] if sizes else 3000)
    info = _read_info(splits / "vehicle_info.txt")
    gallery = _read_list(root, _first(splits, f"test_{wanted}.txt", f"test_{wanted}_id.txt"), info)
    query = _read_list(root, _first(splits, f"test_{wanted}_query.txt", f"test_{wanted}_id_query.txt"), info)
    train_list = next((splits / name for name in _TRAIN_LISTS if (splits / name).is_file()), None)
    train = _read_list(root, train_list, info) if train_list else ()
    return ReidSet("veriwild", train, query, gallery)


def _first(folder: Path, *names: str) -> Path:
    """The first of several spellings that is there."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"no split file {folder / names[0]}")


def _read_info(path: Path) -> dict[str, list[str]]:
    """Fields by "vehicle/picture": camera, time, model, type, colour."""
    found = {}
    for number, line in enumerate(read_lines(path), start=1):
        key, *fields = (field.strip() for field in line.split(";"))
        if fields and fields[0].isdigit():
            found[key] = fields
        elif number > 1:
            raise DataError(f"{path}:{number}: no camera number: {line!r}")
    return found


def _read_list(root: Path, path: Path, info: Mapping[str, list[str]]) -> tuple[Sample, ...]:
    samples = []
    for number, line in enumerate(read_lines(path), start=1):
        key = line.split()[0].removesuffix(".jpg")
        vehicle, slash, _ = key.partition("/")
        if not slash or key not in info:
            raise DataError(f"{path}:{number}: {line!r} has no line in vehicle_info.txt")
        camera, *more = info[key]
        labels = dict(zip(("time", "model", "type", "colour"), more, strict=False))
        samples.append(
            Sample(root / "images" / f"{key}.jpg", "veriwild", vehicle, camera, labels.get("type", ""), labels)
        )
    require_files([sample.path for sample in samples], path)
    return tuple(samples)

"""Reader of PKU VehicleID. Decodes no picture.

    image/                                          0000001.jpg: names say nothing
    train_test_split/train_list.txt                 "<picture> <vehicle>" a line, without .jpg
    train_test_split/test_list_800.txt … _1600, _2400    the same, for tests of that many vehicles
    attribute/model_attr.txt  color_attr.txt        "<vehicle> <number>" (optional)

It tells no cameras. Query and gallery are drawn by the protocol (`reid.evaluation.vehicleid`).

Source: Liu et al., "Deep relative distance learning: tell the difference between similar vehicles", CVPR 2016.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from reid.data.pictures import read_lines, require_files
from reid.data.samples import ReidSet, Sample
from reid.errors import DataError

_TEST_LIST = re.compile(r"test_list_(\d+)\.txt")


def read_vehicleid(root: Path, size: int | None = None) -> ReidSet:
    """Reads the training list and one test list.

    Args:
        root: Folder with `image` and `train_test_split`.
        size: Which test list, by its number of vehicles; None for the smallest.

    Returns:
        ``train``, and the test pictures as ``gallery``; no queries, no cameras. The training part is empty where
        `train_list.txt` is missing.

    Raises:
        DataError: The test list, or a picture that a list names, is missing; a line is not "picture vehicle".
    """
    splits = root / "train_test_split"
    if not splits.is_dir():
        raise DataError(f"no folder {splits}")
    sizes = sorted(int(match[1]) for path in splits.iterdir() if (match := _TEST_LIST.fullmatch(path.name)))
    wanted = size if size is not None else (sizes[0] if sizes else 800)
    test_list = splits / f"test_list_{wanted}.txt"
    if not test_list.is_file():
        have = f"; there are {', '.join(map(str, sizes))}" if sizes else ""
        raise DataError(f"no split file {test_list}{have}")
    attributes = {
        name: _read_attribute(root / "attribute" / file)
        for name, file in (("model", "model_attr.txt"), ("colour", "color_attr.txt"))
    }
    train_list = splits / "train_list.txt"
    train = _read_list(root, train_list, attributes) if train_list.is_file() else ()
    return ReidSet("vehicleid", train, (), _read_list(root, test_list, attributes))


def _read_list(root: Path, path: Path, attributes: Mapping[str, Mapping[str, str]]) -> tuple[Sample, ...]:
    samples = []
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if len(words) != 2:
            raise DataError(f"{path}:{number}: not a picture and a vehicle: {line!r}")
        picture, vehicle = words
        labels = {name: values[vehicle] for name, values in attributes.items() if vehicle in values}
        file = root / "image" / f"{picture.removesuffix('.jpg')}.jpg"
        samples.append(Sample(file, "vehicleid", vehicle, "", "", labels))
    require_files([sample.path for sample in samples], path)
    return tuple(samples)


def _read_attribute(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = (line.split() for line in read_lines(path))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

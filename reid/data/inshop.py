"""Reader of DeepFashion's In-shop Clothes Retrieval, a peer's test of retrieval at large. Decodes no picture.

    Eval/list_eval_partition.txt    a count, a heading, then "img/…/02_1_front.jpg id_00000002 train" a line
    img/                            pictures; also accepted below Img/

The third word is train, query or gallery.

Source: Liu et al., "DeepFashion: powering robust clothes recognition and retrieval with rich annotations", CVPR 2016.
"""

from __future__ import annotations

import re
from pathlib import Path

from reid.data.pictures import read_lines, require_files
from reid.data.samples import ReidSet, Sample
from reid.errors import DataError

PARTITION_FILE = "list_eval_partition.txt"
_VIEW = re.compile(r"_(front|side|back)\.")
_FACES = {"front": "front", "side": "side", "back": "rear"}


def read_inshop(root: Path) -> ReidSet:
    """Reads the set.

    Args:
        root: Folder with `Eval` and `img`.

    Returns:
        All three parts; items stand as vehicles, garments (`Dresses`) as classes; no cameras.

    Raises:
        DataError: The partition file, or a picture that it names, is missing; or a line is malformed.
    """
    partition = root / "Eval" / PARTITION_FILE
    if not partition.is_file() and (root / PARTITION_FILE).is_file():
        partition = root / PARTITION_FILE
    below = root / "Img" if not (root / "img").is_dir() and (root / "Img" / "img").is_dir() else root
    parts: dict[str, list[Sample]] = {"train": [], "query": [], "gallery": []}
    for number, line in enumerate(read_lines(partition), start=1):
        words = line.split()
        if number <= 2 and (len(words) != 3 or words[2] not in parts):
            continue
        if len(words) != 3 or words[2] not in parts:
            raise DataError(f"{partition}:{number}: not picture, item and train, query or gallery: {line!r}")
        parts[words[2]].append(_sample(below / words[0], words[1]))
    for samples in parts.values():
        require_files([sample.path for sample in samples], partition)
    return ReidSet("inshop", tuple(parts["train"]), tuple(parts["query"]), tuple(parts["gallery"]))


def _sample(path: Path, item: str) -> Sample:
    view = _VIEW.search(path.name)
    labels = {"face": _FACES[view[1]]} if view else {}
    return Sample(path, "inshop", item, "", path.parent.parent.name, labels)

"""Reader of Market-1501's layout, which many person and vehicle sets are converted to. Decodes no picture.

    bounding_box_train/  query/  bounding_box_test/     0002_c1s1_000451_03.jpg: identity, camera, sequence, frame, box

Identity -1 marks junk, which is left out; 0000 marks distractors, which stay in the gallery and answer nothing: nobody
knows which of them show the same, so each is a vehicle of its own.

Source: Zheng et al., "Scalable person re-identification: a benchmark", ICCV 2015.
"""

from __future__ import annotations

import re
from pathlib import Path

from reid.data.pictures import list_pictures
from reid.data.samples import ReidSet, Sample
from reid.errors import DataError

JUNK = "-1"
DISTRACTOR = "0000"
_NAME = re.compile(r"(?P<vehicle>-1|\d+)_c(?P<camera>\d+)")


def read_market(root: Path) -> ReidSet:
    """Reads the set.

    Args:
        root: Folder with `bounding_box_train`, `query`, `bounding_box_test`.

    Returns:
        All three parts; pictures whose name does not match are listed.

    Raises:
        DataError: A folder is missing, or holds nothing usable.
    """
    parts, unmatched = [], []
    for name in ("bounding_box_train", "query", "bounding_box_test"):
        samples = []
        for path in list_pictures(root / name):
            match = _NAME.match(path.name)
            if match is None:
                unmatched.append(path)
            elif match["vehicle"] != JUNK:
                vehicle = f"{DISTRACTOR}-{path.stem}" if match["vehicle"] == DISTRACTOR else match["vehicle"]
                samples.append(Sample(path, "market", vehicle, match["camera"]))
        if not samples:
            raise DataError(f"no picture in {root / name} is named as Market names them: 0002_c1s1_000451_03.jpg")
        parts.append(tuple(samples))
    return ReidSet("market", parts[0], parts[1], parts[2], unmatched=tuple(unmatched))

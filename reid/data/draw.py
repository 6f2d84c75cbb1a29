"""Draws vehicles where a set has more views than can be compared pair by pair. Reads no file."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from reid.data.samples import Sample

#: Views of a data set, each all that a camera saw of a vehicle, that are all compared with each other.
MOST_VIEWS = 5000
#: Of one vehicle, where not all can be.
_MOST_OF_ONE = 50


def count_views(samples: Sequence[Sample]) -> int:
    """How many views there are."""
    return len({(*sample.identity, sample.camera) for sample in samples})


def draw_views(samples: Sequence[Sample], most: int = MOST_VIEWS) -> list[int]:
    """Which pictures to compare: all of them, or those of vehicles drawn by chance until there are ``most`` views.

    Whole vehicles, because pairs of one are the few; of a vehicle with very many views some. The same set has the same
    draw in whatever order it is read.

    Args:
        samples: Of one domain.
        most: Views that are not exceeded.

    Returns:
        Places in ``samples``, rising.
    """
    if count_views(samples) <= most:
        return list(range(len(samples)))
    rows: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, sample in enumerate(samples):
        rows[sample.identity][sample.camera].append(row)
    chance = random.Random(0)
    drawn: list[list[int]] = []
    for identity in chance.sample(sorted(rows), len(rows)):
        views = rows[identity]
        cameras = chance.sample(sorted(views), min(len(views), _MOST_OF_ONE))
        if len(drawn) + len(cameras) > most:
            break
        drawn += [views[camera] for camera in cameras]
    return sorted(row for view in drawn for row in view)

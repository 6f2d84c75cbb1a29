"""Divides vehicles, never pictures, into parts; and refuses vehicles without a positive. Reads no file."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from reid.data.samples import Sample
from reid.errors import DataError


def require_positives(samples: Sequence[Sample], *, drop: bool = False) -> tuple[Sample, ...]:
    """Makes sure that every vehicle has a positive.

    Args:
        samples: Of any number of domains.
        drop: Leave vehicles with one picture out instead of refusing.

    Returns:
        The samples of vehicles with two pictures or more, in order.

    Raises:
        DataError: A vehicle has one picture and ``drop`` is off, or nothing is left.
    """
    counts = Counter(sample.identity for sample in samples)
    lonely = sorted(identity for identity, n in counts.items() if n == 1)
    if lonely and not drop:
        named = ", ".join("/".join(identity) for identity in lonely[:5])
        raise DataError(f"{len(lonely)} vehicles have one picture, so no positive: {named}")
    kept = tuple(sample for sample in samples if counts[sample.identity] > 1)
    if not kept:
        raise DataError("no vehicle has two pictures")
    return kept


def crosses_cameras(samples: Iterable[Sample]) -> bool:
    """Whether a vehicle was seen by two cameras, without which nothing can be said of retrieval across them."""
    cameras: dict[tuple[str, str], str] = {}
    return any(cameras.setdefault(sample.identity, sample.camera) != sample.camera for sample in samples)


def count_pairs(samples: Iterable[Sample]) -> tuple[int, int]:
    """How many pairs a calibration has to tell apart: views by different cameras of one domain.

    A view is all that a camera saw of a vehicle.

    Returns:
        Pairs of one vehicle, and pairs of two.
    """
    views = {(*sample.identity, sample.camera) for sample in samples}
    every = _pairs_within(domain for domain, _, _ in views)
    same = _pairs_within((domain, vehicle) for domain, vehicle, _ in views)
    return same, every - same - _pairs_within((domain, camera) for domain, _, camera in views)


def _pairs_within(groups: Iterable[object]) -> int:
    return sum(n * (n - 1) // 2 for n in Counter(groups).values())


def split_vehicles(samples: Sequence[Sample], sizes: Sequence[int], seed: int) -> list[tuple[Sample, ...]]:
    """Divides vehicles, not pictures, into disjoint parts with like shares of each class.

    Args:
        samples: Of one domain.
        sizes: Vehicles in each part but the first, which takes the rest.
        seed: Same seed, same parts.

    Returns:
        1 + len(sizes) parts.

    Raises:
        DataError: Too few vehicles.
    """
    kind_of = {sample.identity: sample.kind for sample in samples}
    if sum(sizes) >= len(kind_of):
        raise DataError(f"cannot hold out {sum(sizes)} of {len(kind_of)} vehicles")
    by_kind: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for identity in sorted(kind_of):
        by_kind[kind_of[identity]].append(identity)
    generator = random.Random(seed)
    # Every class is spread evenly over [0, 1); reading off vehicles in that order keeps shares alike in any part.
    places = [
        ((rank + generator.random()) / len(members), identity)
        for members in by_kind.values()
        for rank, identity in enumerate(generator.sample(members, len(members)))
    ]
    order = [identity for _, identity in sorted(places)]
    bounds = [0]
    for size in sizes:
        bounds.append(bounds[-1] + size)
    held_out = [set(order[a:b]) for a, b in pairwise(bounds)]
    parts = [set(order[bounds[-1] :]), *held_out]
    return [tuple(sample for sample in samples if sample.identity in part) for part in parts]

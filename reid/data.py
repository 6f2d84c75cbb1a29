"""Which pictures show which vehicle, in which camera. Reads folders and file names; decodes only to check.

A data set is a folder plus a file-name pattern: a regular expression with the groups `vehicle` and `camera`, and
perhaps `kind` (the vehicle class).
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import cv2

from reid.errors import DataError
from reid.types import Image

PICTURES = (".jpg", ".jpeg", ".png")

#: File-name patterns by the name that configurations use.
PATTERNS: Mapping[str, str] = {
    # car_0088_cam2.jpg
    "pairs": r"(?P<vehicle>(?P<kind>[a-z]+)_\d+)_cam(?P<camera>\d+)\.",
    # 0001_c002_00000123_0.jpg
    "veri": r"(?P<vehicle>\d+)_c(?P<camera>\d+)_\d+_\d+\.",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of one vehicle.

    Attributes:
        path: Of the picture.
        domain: Name of the data set it is from.
        vehicle: Unique within the domain.
        camera: Unique within the domain.
        kind: Vehicle class, "" when not known.
    """

    path: Path
    domain: str
    vehicle: str
    camera: str
    kind: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """Unique across domains."""
        return (self.domain, self.vehicle)


@dataclass(frozen=True, slots=True)
class DataSet:
    """The pictures of one folder that can be used, and the names of those that cannot."""

    samples: tuple[Sample, ...]
    unreadable: tuple[Path, ...] = ()
    unmatched: tuple[Path, ...] = ()
    singletons: tuple[str, ...] = field(default=())


def read_folder(
    root: Path, domain: str, pattern: str, *, split: Path | None = None, kinds: Mapping[str, str] | None = None
) -> DataSet:
    """Lists the pictures of a folder, those below it included.

    Args:
        root: The folder.
        domain: Name to give the data set.
        pattern: A name in PATTERNS, or a regular expression matched from the start of the file name.
        split: Text file with one file name a line; only those pictures are taken.
        kinds: Vehicle class by vehicle, where the file name does not tell.

    Returns:
        Samples sorted by path. Pictures that cannot be decoded are left out and listed, as are files whose name does
        not match, and vehicles with one picture (which are kept: see `require_positives`).

    Raises:
        DataError: The folder or the split file is missing, a listed picture is missing, or nothing is left.
    """
    if not root.is_dir():
        raise DataError(f"no folder {root}")
    compiled = re.compile(PATTERNS.get(pattern, pattern))
    if not {"vehicle", "camera"} <= compiled.groupindex.keys():
        raise DataError(f"the pattern {pattern!r} needs the groups `vehicle` and `camera`")
    samples: list[Sample] = []
    unreadable: list[Path] = []
    unmatched: list[Path] = []
    for path in _listed(root, split):
        match = compiled.match(path.name)
        if match is None:
            unmatched.append(path)
        elif read_picture(path) is None:
            unreadable.append(path)
        else:
            groups = match.groupdict()
            vehicle = groups["vehicle"]
            kind = groups.get("kind") or (kinds or {}).get(vehicle, "")
            samples.append(Sample(path, domain, vehicle, groups["camera"], kind))
    if not samples:
        raise DataError(
            f"no usable picture in {root}: {len(unmatched)} names do not match {compiled.pattern!r}, "
            f"{len(unreadable)} pictures cannot be read"
        )
    counts = Counter(sample.vehicle for sample in samples)
    singletons = tuple(sorted(vehicle for vehicle, n in counts.items() if n == 1))
    return DataSet(tuple(samples), tuple(unreadable), tuple(unmatched), singletons)


def _listed(root: Path, split: Path | None) -> list[Path]:
    """Pictures below a folder, or those that a split file names."""
    found = {path.name: path for path in sorted(root.rglob("*")) if path.suffix.lower() in PICTURES}
    if split is None:
        return list(found.values())
    try:
        names = split.read_text().split()
    except OSError as exc:
        raise DataError(f"cannot read the split file {split}: {exc.strerror}") from exc
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"{len(missing)} pictures named in {split} are not in {root}, the first {missing[0]}")
    return sorted(found[name] for name in set(names))


def read_picture(path: Path) -> Image | None:
    """Decodes a picture.

    Returns:
        uint8 (H, W, 3) BGR, or None when the file is no picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if picture is None or picture.size == 0 else picture


def read_kinds(labels: Path) -> dict[str, str]:
    """Vehicle classes from a JSON file `{vehicle: {"class": name, …}, …}` or `{vehicle: name, …}`.

    Raises:
        DataError: The file is missing or no such JSON.
    """
    try:
        document = json.loads(labels.read_text())
        if isinstance(document, dict) and "vehicles" in document:
            document = document["vehicles"]
        return {str(vehicle): str(v["class"] if isinstance(v, dict) else v) for vehicle, v in document.items()}
    except (OSError, ValueError, KeyError, AttributeError) as exc:
        raise DataError(f"cannot read vehicle classes from {labels}: {exc}") from exc


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


def relabel(samples: Iterable[Sample], domain: str) -> tuple[Sample, ...]:
    """The same pictures under another domain name."""
    return tuple(replace(sample, domain=domain) for sample in samples)

"""Anybody's folder of pictures, read by a pattern. Reads folders and names; decodes no picture.

A pattern is a regular expression with the groups `vehicle` and `camera`, perhaps `kind` (the vehicle class); every
other named group becomes a label. It is matched from the start of the file name, or, when it contains a slash, of the
path below the folder.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from reid.data.pictures import pictures_below, read_lines
from reid.data.samples import DataSet, Sample
from reid.errors import DataError

#: Patterns by the name that configurations use.
PATTERNS: Mapping[str, str] = {
    # car_0088_cam2.jpg
    "pairs": r"(?P<vehicle>(?P<kind>[a-z]+)_\d+)_cam(?P<camera>\d+)\.",
    # 0001_c002_00000123_0.jpg
    "veri": r"(?P<vehicle>\d+)_c(?P<camera>\d+)_\d+_\d+\.",
}
_GROUPS = ("vehicle", "camera", "kind")


def read_folder(
    root: Path,
    domain: str,
    pattern: str,
    *,
    split: Path | None = None,
    kinds: Mapping[str, str] | None = None,
) -> DataSet:
    """Lists the pictures of a folder, those below it included, links to folders followed.

    Args:
        root: The folder.
        domain: Name to give the data set.
        pattern: A name in PATTERNS, or a regular expression.
        split: Text file with one file name, or path below ``root``, a line; only those pictures are taken.
        kinds: Vehicle class by vehicle, where the pattern does not tell.

    Returns:
        Samples sorted by path. Files whose name does not match are left out and listed; vehicles with one picture are
        listed and kept (see `require_positives`).

    Raises:
        DataError: The folder or the split file is missing, a folder below cannot be read, a listed picture is missing,
            the pattern is none, or nothing is left.
    """
    if not root.is_dir():
        raise DataError(f"no folder {root}")
    compiled = _compile(pattern)
    samples: list[Sample] = []
    unmatched: list[Path] = []
    for path in _listed(root, split):
        match = compiled.match(path.relative_to(root).as_posix() if "/" in compiled.pattern else path.name)
        if match is None:
            unmatched.append(path)
        else:
            samples.append(_sample(path, domain, match.groupdict(""), kinds or {}))
    if not samples:
        raise DataError(f"no usable picture in {root}: {len(unmatched)} names do not match {compiled.pattern!r}")
    counts = Counter(sample.vehicle for sample in samples)
    singletons = tuple(sorted(vehicle for vehicle, n in counts.items() if n == 1))
    return DataSet(tuple(samples), tuple(unmatched), singletons)


def read_kinds(labels: Path) -> dict[str, str]:
    """Vehicle classes from a JSON file `{vehicle: {"class": name, …}, …}` or `{vehicle: name, …}`.

    Raises:
        DataError: The file is missing or no such JSON.
    """
    try:
        document = json.loads(labels.read_text(encoding="utf-8-sig"))
        if isinstance(document, dict) and "vehicles" in document:
            document = document["vehicles"]
        return {str(vehicle): str(v["class"] if isinstance(v, dict) else v) for vehicle, v in document.items()}
    except (OSError, ValueError, KeyError, AttributeError) as exc:
        raise DataError(f"cannot read vehicle classes from {labels}: {exc}") from exc


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(PATTERNS.get(pattern, pattern))
    except re.error as exc:
        raise DataError(f"the pattern {pattern!r} is no regular expression: {exc}") from exc
    if not {"vehicle", "camera"} <= compiled.groupindex.keys():
        raise DataError(f"the pattern {pattern!r} needs the groups `vehicle` and `camera`")
    return compiled


def _sample(path: Path, domain: str, groups: Mapping[str, str], kinds: Mapping[str, str]) -> Sample:
    vehicle = groups["vehicle"]
    labels = {name: value for name, value in groups.items() if name not in _GROUPS}
    return Sample(path, domain, vehicle, groups["camera"], groups.get("kind") or kinds.get(vehicle, ""), labels)


def _listed(root: Path, split: Path | None) -> list[Path]:
    """Pictures below a folder, or those that a split file names."""
    found = pictures_below(root)
    if split is None:
        return found
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in found:
        for name in {path.name, path.relative_to(root).as_posix()}:
            by_name[name].append(path)
    names = read_lines(split)
    missing = [name for name in names if name not in by_name]
    if missing:
        raise DataError(f"{len(missing)} pictures named in {split} are not in {root}, the first {missing[0]}")
    doubtful = [name for name in names if len(by_name[name]) > 1]
    if doubtful:
        raise DataError(f"{split} names {doubtful[0]}, which is in {root} more than once: name its folder as well")
    return sorted({by_name[name][0] for name in names})

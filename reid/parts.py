"""Divides data sets by vehicle into what is learned from, followed and calibrated on. Reads folders, trains nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reid.calibrate import LEAST_PAIRS
from reid.config import DomainConfig, TrainConfig
from reid.data import (
    Sample,
    SetOptions,
    count_pairs,
    crosses_cameras,
    read_kinds,
    read_set,
    readable,
    relabel,
    require_positives,
    split_vehicles,
)
from reid.errors import DataError
from reid.start import is_checkpoint

log = logging.getLogger("reid.train")

VEHICLES_FILE = "vehicles.json"
_PARTS = ("fit", "select", "calibrate")
#: Label of a picture whose vehicle was made up by grouping: the one that it was listed under.
TAKEN_FROM = "taken_from"
#: Pictures that are left out are named up to this many.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """Disjoint by vehicle: what is learned from, what runs are compared by, what is calibrated on.

    The last two by domain, without those that hold out nothing. ``before`` names, as `domain/vehicle`, what the weights
    begun with were made of by earlier runs.
    """

    fit: tuple[Sample, ...]
    select: dict[str, tuple[Sample, ...]]
    calibrate: dict[str, tuple[Sample, ...]]
    before: frozenset[str] = frozenset()


def read_domain(name: str, folder: Path, domain: DomainConfig) -> tuple[Sample, ...]:
    """The pictures of one data set that may be learned from; what cannot be used is left out and told.

    Of a published layout that is its training part and nothing else. Where a layout tells no cameras each picture
    counts as taken by a camera of its own, so that any two pictures of a vehicle may be matched.

    Raises:
        DataError: The data set cannot be used.
    """
    listed, unmatched = _listed(folder, domain)
    samples, unreadable = readable(listed)
    _tell(name, unreadable, "that cannot be read")
    _tell(name, unmatched, "whose names do not match")
    log.info("%s: %d pictures, %d unreadable", name, len(samples), len(unreadable))
    if not samples:
        raise DataError(f"no usable picture in {folder}: {len(unreadable)} cannot be read")
    if not any(sample.camera for sample in samples):
        samples = tuple(replace(sample, camera=str(number)) for number, sample in enumerate(samples))
    return relabel(samples, name)


def _tell(name: str, left_out: Sequence[Path], why: str) -> None:
    if left_out:
        first = ", ".join(path.name for path in left_out[:_NAMED])
        log.warning("%s: left out %d pictures %s, the first %s", name, len(left_out), why, first)


def _listed(folder: Path, domain: DomainConfig) -> tuple[tuple[Sample, ...], tuple[Path, ...]]:
    """Without decoding them; and those whose names do not tell what they show."""
    if domain.layout == "pattern":
        kinds = read_kinds(folder / domain.labels) if domain.labels else None
        split = folder / domain.split if domain.split else None
        chosen = SetOptions(domain.pattern, split, kinds=kinds)
        found = read_set(folder / domain.pictures, "pattern", chosen)
        return found.gallery, found.unmatched
    found = read_set(folder, domain.layout)
    if not found.train:
        raise DataError(f"{folder}: {domain.layout} has no training part here")
    return found.train, found.unmatched


def read_parts(config: TrainConfig, folders: Mapping[str, Path]) -> Parts:
    """Reads the data sets and divides each by vehicle.

    Args:
        config: The run.
        folders: Data folder by domain; domains of the configuration without a folder are left out.

    Raises:
        DataError: A folder is of no configured domain, or a data set cannot be used.
    """
    unknown = sorted(set(folders) - set(config.domains))
    if unknown or not folders:
        raise DataError(f"domains are {', '.join(config.domains)}; given: {', '.join(folders) or 'none'}")
    fit: list[Sample] = []
    select: dict[str, tuple[Sample, ...]] = {}
    calibrate: dict[str, tuple[Sample, ...]] = {}
    for name, folder in folders.items():
        domain = config.domains[name]
        samples = require_positives(read_domain(name, folder, domain), drop=domain.drop_singletons)
        try:
            learned, *held_out = split_vehicles(samples, (domain.select, domain.calibrate), config.seed)
        except DataError as exc:
            raise DataError(f"{name}: {exc}; lower `select` and `calibrate` in its configuration") from exc
        for part, found in zip((select, calibrate), held_out, strict=True):
            if found and not crosses_cameras(found):
                raise DataError(f"{name}: no vehicle that is held out was seen by two cameras")
            if found:
                part[name] = found
        fit.extend(learned)
    for key, part in (("select", select), ("calibrate", calibrate)):
        if not part:
            raise DataError(f"no data set holds out vehicles: set `{key}` of one of {', '.join(folders)} to 2 or more")
    _require_pairs(calibrate)
    return Parts(tuple(fit), select, calibrate)


def _require_pairs(calibrate: Mapping[str, Sequence[Sample]]) -> None:
    """Raises DataError where no calibration can be fitted, which would be found after the last epoch only."""
    same, different = count_pairs(sample for samples in calibrate.values() for sample in samples)
    if min(same, different) < LEAST_PAIRS:
        raise DataError(
            f"the vehicles held out for calibration give {same} pairs of views of one vehicle by two cameras and "
            f"{different} of two vehicles; it takes {LEAST_PAIRS} of each: raise `calibrate` of {', '.join(calibrate)}"
        )


def going_on(parts: Parts, start: Path | str) -> Parts:
    """The parts of a run that begins with ``start``; they remember what made those weights.

    Args:
        parts: Of the run.
        start: As in `reid.start`. A checkpoint without `vehicles.json` beside it is told: nothing can be checked.

    Raises:
        DataError: The weights were made of vehicles that the run holds out; or the file is damaged.
    """
    if not is_checkpoint(start):
        return parts
    file = start.with_name(VEHICLES_FILE)
    if not file.exists():
        log.warning("no %s: vehicles held out here may be among those that the weights begun with were made of", file)
        return parts
    known = read_vehicles(file)
    learned = {*known["fit"], *known["before"]}
    seen = [name for part in (parts.select, parts.calibrate) for name in _held_out(part) if name in learned]
    if seen:
        raise DataError(
            f"{file}: the weights begun with were made of {len(seen)} vehicles that are held out here, the first "
            f"{seen[0]}: give this run the seed, `select` and `calibrate` of that one, other data another name"
        )
    return replace(parts, before=parts.before | learned)


def write_vehicles(parts: Parts, path: Path) -> None:
    """Writes which vehicles served for what, as `domain/vehicle`, so that others can be sure to use different ones."""
    named = {
        "fit": _names(parts.fit),
        "select": _held_out(parts.select),
        "calibrate": _held_out(parts.calibrate),
    }
    if parts.before:
        named["before"] = sorted(parts.before)
    path.write_text(json.dumps(named, indent=1) + "\n")


def read_vehicles(path: Path) -> dict[str, list[str]]:
    """What `write_vehicles` wrote: `fit`, `select`, `calibrate`, and `before`, empty for weights that go on from none.

    Raises:
        DataError: The file is missing or holds something else.
    """
    try:
        document = json.loads(path.read_text())
        named = {"before": document.get("before", []), **{part: document[part] for part in _PARTS}}
        return {part: [str(name) for name in names] for part, names in named.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DataError(f"cannot read which vehicles were trained on from {path}: {exc}") from exc


def _held_out(part: Mapping[str, Sequence[Sample]]) -> list[str]:
    return _names([sample for samples in part.values() for sample in samples])


def _names(samples: Sequence[Sample]) -> list[str]:
    return sorted({f"{sample.domain}/{sample.labels.get(TAKEN_FROM, sample.vehicle)}" for sample in samples})

"""Divides data sets by vehicle into what is learned from, followed and calibrated on. Reads folders, trains nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reid.config import DomainConfig, TrainConfig
from reid.data import Sample, read_folder, read_kinds, require_positives, split_vehicles
from reid.errors import DataError

log = logging.getLogger("reid.train")

VEHICLES_FILE = "vehicles.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """Disjoint by vehicle: what is learned from, what runs are compared by, what is calibrated on."""

    fit: tuple[Sample, ...]
    select: dict[str, tuple[Sample, ...]]
    calibrate: dict[str, tuple[Sample, ...]]


def read_domain(name: str, folder: Path, domain: DomainConfig) -> tuple[Sample, ...]:
    """The pictures of one data set that can be used; what cannot be read is skipped and told.

    Raises:
        DataError: The data set cannot be used.
    """
    kinds = read_kinds(folder / domain.labels) if domain.labels else None
    split = folder / domain.split if domain.split else None
    data = read_folder(folder / domain.pictures, name, domain.pattern, split=split, kinds=kinds)
    for path in data.unreadable:
        log.warning("skipped %s: cannot be read", path)
    log.info("%s: %d pictures, %d unreadable", name, len(data.samples), len(data.unreadable))
    return data.samples


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
    select, calibrate = {}, {}
    for name, folder in folders.items():
        domain = config.domains[name]
        samples = require_positives(read_domain(name, folder, domain), drop=domain.drop_singletons)
        try:
            learned, select[name], calibrate[name] = split_vehicles(
                samples, (domain.select, domain.calibrate), config.seed
            )
        except DataError as exc:
            raise DataError(f"{name}: {exc}; lower `select` and `calibrate` in its configuration") from exc
        fit.extend(learned)
    return Parts(tuple(fit), select, calibrate)


def write_vehicles(parts: Parts, path: Path) -> None:
    """Writes which vehicles served for what, as `domain/vehicle`, so that others can be sure to use different ones."""
    named = {
        "fit": _names(parts.fit),
        "select": _names([s for samples in parts.select.values() for s in samples]),
        "calibrate": _names([s for samples in parts.calibrate.values() for s in samples]),
    }
    path.write_text(json.dumps(named, indent=1) + "\n")


def read_vehicles(path: Path) -> dict[str, list[str]]:
    """What `write_vehicles` wrote.

    Raises:
        DataError: The file is missing or holds something else.
    """
    try:
        document = json.loads(path.read_text())
        return {part: [str(name) for name in document[part]] for part in ("fit", "select", "calibrate")}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(f"cannot read which vehicles were trained on from {path}: {exc}") from exc


def _names(samples: Sequence[Sample]) -> list[str]:
    return sorted({"/".join(sample.identity) for sample in samples})

"""What a set says of each picture beyond its name: `labels.jsonl` (ours have it) or `labels.csv`. Reads one file."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from reid.data.samples import Sample
from reid.errors import DataError

#: The first that is there is read.
LABEL_FILES = ("labels.jsonl", "labels.csv")
#: Names of the column that holds the vehicle class.
_CLASS = ("class", "kind")

Labels = dict[str, dict[str, str]]


def find_labels(root: Path) -> Labels:
    """Labels by picture of the table in a folder; none where there is no table."""
    path = next((root / name for name in LABEL_FILES if (root / name).is_file()), None)
    return read_labels(path) if path else {}


def read_labels(path: Path) -> Labels:
    """Labels by picture.

    Where the table has a column `twin_of` (the vehicle that a vehicle copies, empty for most), a label `twin` is added
    to every picture: "twin" for both vehicles of a pair, else "single".

    Args:
        path: CSV with a heading, or one JSON object a line, blank lines apart; `image` holds file names, or paths below
            the folder.

    Returns:
        The row of each picture by what `image` says: lists with blanks between, null as "", truth as "true" or "false".

    Raises:
        DataError: The file cannot be read, or a row has no `image`.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = _objects(file) if path.suffix == ".jsonl" else list(csv.DictReader(file))
        found = {
            PurePath(row["image"]).as_posix(): {str(key): _text(value) for key, value in row.items()} for row in rows
        }
    except (OSError, ValueError, csv.Error) as exc:
        raise DataError(f"cannot read the labels {path}: {exc}") from exc
    except (KeyError, TypeError, AttributeError) as exc:
        raise DataError(f"the labels {path} have a row without `image`") from exc
    _mark_twins(found)
    return found


def apply_labels(samples: Sequence[Sample], labels: Mapping[str, Mapping[str, str]], root: Path) -> tuple[Sample, ...]:
    """The same samples with what the table says of them; its class becomes theirs.

    A row is of the picture with that path below the folder, else of the one with that file name.

    Args:
        samples: Pictures below ``root``.
        labels: Of `read_labels`.
        root: The table's folder.

    Raises:
        DataError: A file name says nothing: several pictures, or several rows, have it.
    """
    paths = [sample.path.relative_to(root).as_posix() for sample in samples]
    by_path = labels.keys() & set(paths)
    others = [image for image in labels if image not in by_path]
    by_name = {PurePath(image).name: labels[image] for image in others}
    rows = Counter(PurePath(image).name for image in others)
    pictures = Counter(sample.path.name for sample, path in zip(samples, paths, strict=True) if path not in by_path)
    made = []
    for sample, path in zip(samples, paths, strict=True):
        name = sample.path.name
        if path not in by_path and name in rows and (rows[name] > 1 or pictures[name] > 1):
            raise DataError(f"the labels of {root} name {name}, which is there more than once: name its folder as well")
        row = labels[path] if path in by_path else by_name.get(name, {})
        kind = next((row[name] for name in _CLASS if row.get(name)), sample.kind)
        made.append(replace(sample, kind=kind, labels={**sample.labels, **row}))
    return tuple(made)


def _objects(lines: Iterable[str]) -> list[Any]:
    return [json.loads(line) for line in lines if line.strip()]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _mark_twins(rows: Labels) -> None:
    pairs = [(row["vehicle"].lstrip("0"), row["twin_of"].lstrip("0")) for row in rows.values() if _tells_twins(row)]
    twins = {vehicle for pair in pairs if pair[1] for vehicle in pair}
    for row in rows.values():
        if _tells_twins(row):
            row["twin"] = "twin" if row["vehicle"].lstrip("0") in twins else "single"


def _tells_twins(row: Mapping[str, str]) -> bool:
    return "twin_of" in row and "vehicle" in row

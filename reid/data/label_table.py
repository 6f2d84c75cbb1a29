"""What a set says of each picture beyond its name: `labels.jsonl` (ours have it) or `labels.csv`. Reads one file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
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
        path: CSV with a heading, or one JSON object a line; `image` holds file names.

    Returns:
        The row of each picture by file name: lists with blanks between, null as "", truth as "true" or "false".

    Raises:
        DataError: The file cannot be read, or a row has no `image`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file] if path.suffix == ".jsonl" else list(csv.DictReader(file))
        found = {Path(row["image"]).name: {str(key): _text(value) for key, value in row.items()} for row in rows}
    except (OSError, ValueError, csv.Error) as exc:
        raise DataError(f"cannot read the labels {path}: {exc}") from exc
    except (KeyError, TypeError, AttributeError) as exc:
        raise DataError(f"the labels {path} have a row without `image`") from exc
    _mark_twins(found)
    return found


def apply_labels(samples: Iterable[Sample], labels: Mapping[str, Mapping[str, str]]) -> tuple[Sample, ...]:
    """The same samples with what the table says of them; its class becomes theirs."""
    made = []
    for sample in samples:
        row = labels.get(sample.path.name, {})
        kind = next((row[name] for name in _CLASS if row.get(name)), sample.kind)
        made.append(replace(sample, kind=kind, labels={**sample.labels, **row}))
    return tuple(made)


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

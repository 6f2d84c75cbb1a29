"""The table `labels.csv` that our synthetic sets carry beside VeRi's layout. Reads one file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from reid.data.samples import Sample
from reid.errors import DataError

LABELS_FILE = "labels.csv"
TWIN_OF = "twin_of"


def read_labels(path: Path) -> dict[str, dict[str, str]]:
    """Labels by picture.

    Where the table has a column `twin_of` (the vehicle that a vehicle copies, empty for most), a label `twin` is added
    to every picture: "twin" for both vehicles of a pair, else "single".

    Args:
        path: CSV with a heading; its column `image` holds file names.

    Returns:
        The row of each picture by file name.

    Raises:
        DataError: The file cannot be read, or lacks the column `image`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DataError(f"cannot read the labels {path}: {exc}") from exc
    if rows and "image" not in rows[0]:
        raise DataError(f"the labels {path} have no column `image`")
    found = {
        Path(row["image"]).name: {key: value or "" for key, value in row.items() if isinstance(key, str)}
        for row in rows
    }
    if rows and {TWIN_OF, "vehicle"} <= rows[0].keys():
        _mark_twins(found)
    return found


def apply_labels(samples: Iterable[Sample], labels: Mapping[str, Mapping[str, str]]) -> tuple[Sample, ...]:
    """The same samples with what the table says of them; its column `class` becomes the vehicle class."""
    return tuple(
        replace(
            sample,
            kind=labels[sample.path.name].get("class") or sample.kind,
            labels={**sample.labels, **labels[sample.path.name]},
        )
        if sample.path.name in labels
        else sample
        for sample in samples
    )


def _mark_twins(rows: Mapping[str, dict[str, str]]) -> None:
    copies = {row["vehicle"] for row in rows.values() if row[TWIN_OF]}
    originals = {row[TWIN_OF] for row in rows.values() if row[TWIN_OF]}
    for row in rows.values():
        row["twin"] = "twin" if row["vehicle"] in copies | originals else "single"

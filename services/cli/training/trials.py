"""What ``vreid train --trials`` does between its options and its output: a table of proposed runs, best first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.cli.output import stdout, table
from services.cli.simulate.progress import progress

if TYPE_CHECKING:
    from reid.config import TrainConfig
    from reid.run import RunOptions

#: The table, in the folder of the trials.
TRIALS_FILE = "trials.json"

#: A configuration and whom to tell of its batches, to how it is carried out.
Carry = Callable[["TrainConfig", Callable[[int, int], None]], "RunOptions"]


def train_trials(
    config: TrainConfig, space: str, folders: Mapping[str, Path], out: Path, count: int, carry: Carry
) -> dict[str, Any]:
    """Runs trials and writes their table after each.

    Raises:
        ReidError: The space is none, or a run cannot be carried out.
    """
    from reid.trials import read_space, run_trials

    known = read_space(space)
    rows: list[dict[str, Any]] = []
    with progress("batches of all trials") as report:

        def options(number: int, proposed: TrainConfig) -> RunOptions:
            steps = proposed.epochs * proposed.batches
            return carry(proposed, lambda done, _: report(number * steps + done, count * steps))

        for row in run_trials(config, known, folders, out, count, options):
            rows.append(row)
            (out / TRIALS_FILE).write_text(json.dumps({"space": space, "trials": rows}, indent=1) + "\n")
    return {"space": space, "best": max(rows, key=lambda row: row["score"]), "trials": rows}


def show_trials(document: dict[str, Any]) -> None:
    """The table, best trial first."""
    names = list(document["best"]["values"])
    shown = table("trial", "score", *names)
    for row in sorted(document["trials"], key=lambda row: -row["score"]):
        values = [f"{v:.2g}" if isinstance(v, float) else str(v) for v in row["values"].values()]
        shown.add_row(str(row["trial"]), f"{row['score']:.3f}", *values)
    stdout.print(shown)
    stdout.print(document["best"]["weights"], highlight=False, soft_wrap=True)

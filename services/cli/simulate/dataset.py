"""``vreid simulate dataset``: crops to train re-identification on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import JsonFlag, emit, fail
from services.cli.simulate.progress import progress


def dataset(
    out: Annotated[Path, typer.Option(help="Folder to write the crops to.")],
    vehicles: Annotated[int, typer.Option(help="How many vehicles.", min=1, max=776)] = 300,
    split: Annotated[str, typer.Option(help="Whose seeds and places to use.")] = "train",
    as_json: JsonFlag = False,
) -> None:
    """Renders crops to train re-identification on, named as VeRi-776 names them."""
    from simulator.dataset import DatasetPlan, render_dataset
    from simulator.errors import CityError
    from simulator.splits import SPLITS

    if split not in SPLITS:
        fail(f"no split {split!r}; known splits: {', '.join(SPLITS)}")
    try:
        with progress("vehicles") as report:
            crops = render_dataset(DatasetPlan(SPLITS[split], vehicles), out, report)
    except (CityError, OSError) as exc:
        fail(str(exc))
    emit({"dataset": str(out), "vehicles": vehicles, "crops": crops}, as_json=as_json)

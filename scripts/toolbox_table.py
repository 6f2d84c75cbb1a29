"""Makes the table of docs/toolbox.md: trains the sweep `toolbox`, judges every method on two test sets, times them.

    python scripts/toolbox_table.py --city CITY --pairs PAIRS --out runs/toolbox     everything
    python scripts/toolbox_table.py --city CITY --pairs PAIRS --method NAME          some rows without training
    python scripts/toolbox_table.py --city CITY --times                              the times of all rows

What is trained already in ``--out`` is not trained again, so a call that was stopped goes on. Rows and times that are
not asked for stay as the page has them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reid.metadata import Architecture

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "toolbox.md"
BEGIN, END = "<!-- table: made by scripts/toolbox_table.py -->", "<!-- end of table -->"
HEADING = "| Method | City rank-1 (95 %) | mAP | Pairs rank-1 (95 %) | mAP | ms per image | Training, minutes |"
SWEEP = "toolbox"
#: Vehicles of the city whose pictures all methods are timed on: some three hundred pictures.
TIMED_VEHICLES = 12
#: Libraries that would share a picture among threads.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, as it is printed.

    Attributes:
        figures: Rank-1 with its interval and mAP, of the city, then of the pairs.
        ms_per_image: Processor time on one thread.
        minutes: Of training.
    """

    figures: tuple[str, str, str, str]
    ms_per_image: str
    minutes: str


def read_table(page: str) -> dict[str, Row]:
    """The rows that a page has, by method."""
    lines = page.split(BEGIN)[1].split(END)[0].strip().splitlines()[2:]
    found = {}
    for line in lines:
        name, rank1, ap, rank1_pairs, ap_pairs, ms, minutes = (cell.strip() for cell in line.strip("|").split("|"))
        found[name] = Row((rank1, ap, rank1_pairs, ap_pairs), ms, minutes)
    return found


def with_table(page: str, rows: Mapping[str, Row], order: Sequence[str]) -> str:
    """The page with these rows between its marks."""
    before, rest = page.split(BEGIN)
    lines = [HEADING, "|---|---|---|---|---|---|---|"]
    for name in order:
        if name in rows:
            row = rows[name]
            lines.append(f"| {' | '.join((name, *row.figures, row.ms_per_image, row.minutes))} |")
    return before + "\n".join([BEGIN, *lines, END]) + rest.split(END)[1]


def without_training() -> list[str]:
    """Names of all methods that the sweep does not train."""
    from reid.baselines.table import BASELINES
    from services.cli.evaluate.comparing import NETWORKS

    return [*BASELINES, *NETWORKS]


def architectures() -> dict[str, Architecture]:
    """What each run of the sweep trains."""
    from reid.sweep import read_sweep

    return {name: config.architecture for name, config in read_sweep(SWEEP).items()}


def vreid(*arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON document of a command, which sees ``environment`` beside this process's.

    Raises:
        SystemExit: The command failed; it has said why.
    """
    command = [sys.executable, "-m", "services.cli.main", *arguments, "--json"]
    seen = {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=ROOT, env=seen, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def compared(where: Sequence[str], methods: Sequence[str], vehicles: int) -> list[dict[str, Any]]:
    """A row of figures for each method on one set, all on the same vehicles."""
    chosen = [word for method in methods for word in ("--method", method)]
    few = ["--vehicles", str(vehicles), "--threads", "1"]
    document = vreid("evaluate", "reid", "--compare", *where, *chosen, *few, environment=ONE_THREAD)
    rows: list[dict[str, Any]] = document["methods"]
    return rows


def cells(found: Mapping[str, Any]) -> tuple[str, str]:
    """Rank-1 with its interval, and mAP."""
    low, high = found["ci95"]["rank1"]
    return f"{found['rank1']:.3f} ({low:.2f} to {high:.2f})", f"{found['mAP']:.3f}"


def trained(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Rows of the sweep; what is trained already is not trained again."""
    sets = ["--data", f"city={asked.city}", "--data", f"pairs={asked.pairs}"]
    rows: list[dict[str, Any]] = vreid("train", "--sweep", SWEEP, *sets, "--out", str(asked.out))["runs"]
    return rows


def judged(asked: argparse.Namespace, table: dict[str, Row]) -> dict[str, Row]:
    """The table with the rows that were asked for judged anew."""
    runs = [] if asked.method or asked.untrained else trained(asked)
    names = list(dict.fromkeys(asked.method or without_training()))
    methods = [*names, *(run["weights"] for run in runs)]
    minutes = ["0"] * len(names) + [f"{run['seconds'] / 60:.1f}" for run in runs]
    of_pairs = ["--data", str(asked.pairs / "images"), "--format", "pattern", "--pattern", "pairs"]
    city = compared(of_city(asked), methods, asked.vehicles)
    pairs = compared([*of_pairs, "--list", str(asked.pairs / asked.list)], methods, asked.vehicles)
    made = dict(table)
    for name, in_city, in_pairs, spent in zip(
        [*names, *(run["run"] for run in runs)], city, pairs, minutes, strict=True
    ):
        before = table[name].ms_per_image if name in table else "?"
        made[name] = Row((*cells(in_city), *cells(in_pairs)), before, spent)
    return made


def timed(asked: argparse.Namespace, table: dict[str, Row]) -> dict[str, Row]:
    """The table with the times of all its rows taken on the same pictures."""
    built = architectures()
    with tempfile.TemporaryDirectory() as scratch:
        folders = exported({name: built[name] for name in table if name in built}, Path(scratch))
        methods = [folders.get(name, name) for name in table]
        found = compared(of_city(asked), list(dict.fromkeys(methods)), TIMED_VEHICLES)
    ms = dict(zip(dict.fromkeys(methods), (row["ms_per_image"] for row in found), strict=True))
    return {
        name: replace(row, ms_per_image=f"{ms[method]:.1f}")
        for (name, row), method in zip(table.items(), methods, strict=True)
    }


def exported(wanted: Mapping[str, Architecture], scratch: Path) -> dict[str, str]:
    """Networks that cost what trained ones cost: a model folder for each name, one for each architecture.

    Their backbone starts from ImageNet as the sweep's do, so that activations are of the usual size.
    """
    import torch

    from reid.checkpoint import save_checkpoint
    from reid.config import read_config, recipe_path
    from reid.export import export_openvino
    from reid.metadata import CalibrationData, CheckpointMetadata
    from reid.model import ReidNet
    from reid.start import initialise
    from services.cli.training.start import find_start

    recipe = read_config(recipe_path("default"))
    torch.manual_seed(0)
    made: dict[Architecture, str] = {}
    for name, architecture in wanted.items():
        if architecture not in made:
            net = ReidNet(architecture)
            initialise(net, find_start(recipe.start))
            nominal = CalibrationData(slope=1.0, offset=0.0)
            described = CheckpointMetadata(
                architecture=architecture, preprocessing=recipe.preprocessing, calibration=nominal
            )
            weights = scratch / f"{name}.safetensors"
            save_checkpoint(net, described, weights)
            made[architecture] = str(export_openvino(weights, scratch / name))
    return {name: made[architecture] for name, architecture in wanted.items()}


def of_city(asked: argparse.Namespace) -> list[str]:
    """The options that name the city's test set."""
    return ["--data", str(asked.city), "--format", "veri"]


def options() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--city", type=_folder, required=True, help="Set made by `vreid simulate dataset`.")
    parser.add_argument("--pairs", type=_folder, help="Folder with images, train.txt and val.txt.")
    parser.add_argument("--list", default="val.txt", help="Which pictures of the pairs to judge on.")
    parser.add_argument("--out", type=lambda word: Path(word).resolve(), help="Folder of the runs.")
    parser.add_argument("--vehicles", type=int, default=60, help="Judge on so many vehicles of each set.")
    parser.add_argument("--method", action="append", help="Judge this one anew, which needs no training; repeated.")
    parser.add_argument("--untrained", action="store_true", help="Judge all that need no training.")
    parser.add_argument("--times", action="store_true", help="Judge nothing.")
    asked = parser.parse_args()
    if not asked.times and asked.pairs is None:
        parser.error("--pairs is needed to judge")
    if not (asked.times or asked.method or asked.untrained) and asked.out is None:
        parser.error("--out is needed to train")
    if strange := sorted(set(asked.method or ()) - set(without_training())):
        parser.error(f"no method {strange[0]!r}; there are {', '.join(without_training())}")
    return asked


def _folder(word: str) -> Path:
    if not Path(word).is_dir():
        raise argparse.ArgumentTypeError(f"no folder {word}")
    return Path(word).resolve()


def main() -> None:
    """Does what was asked and writes the page."""
    asked = options()
    page = PAGE.read_text(encoding="utf-8")
    rows = read_table(page)
    everything = not (asked.method or asked.untrained or asked.times)
    if not asked.times:
        rows = judged(asked, rows)
    if asked.times or everything:
        rows = timed(asked, rows)
    PAGE.write_text(with_table(page, rows, [*without_training(), *architectures()]), encoding="utf-8")


if __name__ == "__main__":
    main()

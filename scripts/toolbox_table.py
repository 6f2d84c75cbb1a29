"""Makes the table of docs/toolbox.md: trains the sweep `toolbox`, then judges every method on two test sets.

    python scripts/toolbox_table.py --city CITY --pairs PAIRS --out runs/toolbox

What is trained already in ``--out`` is not trained again, so a call that was stopped goes on. With ``--untrained``
nothing is trained and only methods without training are judged.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "toolbox.md"
BEGIN, END = "<!-- table: made by scripts/toolbox_table.py -->", "<!-- end of table -->"


def vreid(*arguments: str) -> dict[str, Any]:
    """The JSON document of a command.

    Raises:
        SystemExit: The command failed; it has said why.
    """
    command = [sys.executable, "-m", "services.cli.main", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def trained(city: Path, pairs: Path, out: Path) -> list[dict[str, Any]]:
    """Rows of the sweep."""
    document = vreid(
        "train", "--sweep", "toolbox", "--data", f"city={city}", "--data", f"pairs={pairs}", "--out", str(out)
    )
    rows: list[dict[str, Any]] = document["runs"]
    return rows


def judged(where: list[str], weights: list[str], vehicles: int | None) -> list[dict[str, Any]]:
    """Rows of all methods on one set; those with weights after the others."""
    from reid.baselines.table import BASELINES
    from services.cli.evaluate.comparing import NETWORKS

    methods = [word for name in (*BASELINES, *NETWORKS, *weights) for word in ("--method", name)]
    few = ["--vehicles", str(vehicles)] if vehicles else []
    document = vreid("evaluate", "reid", "--compare", *where, *methods, *few)
    rows: list[dict[str, Any]] = document["methods"]
    return rows


def row_of(name: str, city: dict[str, Any], pairs: dict[str, Any], minutes: str) -> str:
    """One line of the table."""

    def cells(found: dict[str, Any]) -> str:
        low, high = found["ci95"]["rank1"]
        return f"{found['rank1']:.3f} ({low:.2f} to {high:.2f}) | {found['mAP']:.3f}"

    return f"| {name} | {cells(city)} | {cells(pairs)} | {city['ms_per_image']:.1f} | {minutes} |"


def write(lines: list[str]) -> None:
    """Puts the table between its marks in the page."""
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


def main() -> None:
    """Reads the options and does it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--city", type=Path, required=True, help="Set made by `vreid simulate dataset`.")
    parser.add_argument("--pairs", type=Path, required=True, help="Folder with images, train.txt and val.txt.")
    parser.add_argument("--list", default="val.txt", help="Which pictures of the pairs to judge on.")
    parser.add_argument("--out", type=Path, help="Folder of the runs.")
    parser.add_argument("--vehicles", type=int, help="Judge on so many vehicles of each set, drawn at random.")
    parser.add_argument("--untrained", action="store_true", help="Train nothing.")
    asked = parser.parse_args()
    if not asked.untrained and asked.out is None:
        parser.error("--out is needed to train")
    runs = [] if asked.untrained else trained(asked.city.resolve(), asked.pairs.resolve(), asked.out.resolve())
    weights = [row["weights"] for row in runs]
    of_pairs = ["--data", str(asked.pairs.resolve() / "images"), "--format", "pattern", "--pattern", "pairs"]
    city = judged(["--data", str(asked.city.resolve()), "--format", "veri"], weights, asked.vehicles)
    listed = ["--list", str(asked.pairs.resolve() / asked.list)]
    pairs = judged([*of_pairs, *listed], weights, asked.vehicles)
    untrained = len(city) - len(runs)
    names = [row["method"] for row in city[:untrained]] + [row["run"] for row in runs]
    minutes = ["0"] * untrained + [f"{row['seconds'] / 60:.0f}" for row in runs]
    lines = ["| Method | City rank-1 (95 %) | mAP | Pairs rank-1 (95 %) | mAP | ms per image | Training, minutes |"]
    lines.append("|---|---|---|---|---|---|---|")
    lines += [row_of(*each) for each in zip(names, city, pairs, minutes, strict=True)]
    write(lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()

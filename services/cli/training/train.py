"""``vreid train``: a recipe and pictures in, a checkpoint out; or a table of runs on equal terms."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.evaluate.weights import open_weights
from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.cli.training.data import DataArgument, DataOption, SetOption, parse_data
from services.cli.training.recipe import ConfigOption, RecipeOption, changes_of, configured, recipe_file
from services.cli.training.start import find_start
from services.cli.training.trials import show_trials, train_trials
from services.errors import InputError, ModelFileError

if TYPE_CHECKING:
    from reid.config import TrainConfig
    from reid.parts import Parts
    from reid.run import RunOptions

#: The table of a sweep, in its folder.
TABLE_FILE = "table.json"

#: Where the command line says nothing.
_SPACE = "default"
_PAIR_SHARE = 1.6e-3

OutOption = Annotated[Path, typer.Option("--out", help="Folder for all that is written.")]


def train(  # noqa: PLR0913
    out: OutOption,
    data: DataOption = None,
    recipe: RecipeOption = None,
    config: ConfigOption = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Instead of one run a table of them: backbones, batches, losses, toolbox, or a file.",
        ),
    ] = None,
    *,
    settings: SetOption = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Weights to start from instead of the recipe's: none, torchreid-zoo (torchreid downloads its own), "
            "a name in the model manifest, a checkpoint or a file."
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Instead of one run N of them, with values Optuna proposes.")
    ] = None,
    space: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="With --trials: what they may change; default: `default`.")
    ] = None,
    labels_from: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS",
            help="Learn without labels: look-alikes by this network's features (`imagenet`, say) count as one vehicle.",
        ),
    ] = None,
    pair_share: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            max=0.5,
            help="With --labels-from: share of all pairs of pictures that are close enough; default: 0.0016.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished epoch in OUT.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 for all.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Trains an embedding model; killed, it goes on with --resume to the same result."""
    # Threads that wait actively cost a factor of two to three where the processor also does other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from detector.telemetry import forbid_telemetry

    forbid_telemetry()
    import torch

    from reid.errors import ReidError

    if threads:
        torch.set_num_threads(threads)
    carried = _Carried(start, resume, device, tuple(settings or ()), labels_from, pair_share or _PAIR_SHARE)
    try:
        arguments = parse_data(data or [])
        if not arguments:
            raise InputError("no pictures: give --data NAME=DIR[:FORMAT]")
        if sum(asked is not None for asked in (sweep, trials, labels_from)) > 1:
            raise InputError("--sweep, --trials and --labels-from exclude each other")
        _require_beside("--space", space, "--trials", trials)
        _require_beside("--pair-share", pair_share, "--labels-from", labels_from)
        if trials is not None:
            chosen = configured(recipe_file(recipe, config), arguments, carried.settings)
            carry = partial(carried.options, command=carried.command(f"--trials {trials}", arguments))
            document = train_trials(chosen, space or _SPACE, _folders(arguments), out, trials, carry)
        elif sweep is None:
            document = _train_one(recipe_file(recipe, config), arguments, out, carried)
        elif recipe is None and config is None and start is None:
            document = _train_all(sweep, arguments, out, carried)
        else:
            raise InputError("a sweep says itself what its runs are: give no --recipe, --config or --start with it")
    except (ReidError, InputError, ModelFileError, OSError) as exc:
        fail(str(exc))
    if os.environ.get("RANK", "0") == "0":
        show = show_trials if trials is not None else _show_run if sweep is None else _show_table
        emit(document, as_json=as_json, render=show)


def _require_beside(name: str, given: Any, other: str, needed: Any) -> None:
    if given is not None and needed is None:
        raise InputError(f"{name} goes with {other}")


@dataclass(frozen=True, slots=True)
class _Carried:
    """How the command line wants runs to be carried out."""

    start: str | None
    resume: bool
    device: str
    settings: tuple[str, ...]
    labels_from: str | None
    pair_share: float

    def options(self, config: TrainConfig, report: Callable[[int, int], None], command: str) -> RunOptions:
        """The same in reid's terms; fetches the weights to start from."""
        from reid.run import RunOptions

        return RunOptions(find_start(self.start or config.start), self.resume, self.device, command, report)

    def command(self, what: str, arguments: Sequence[DataArgument]) -> str:
        """The call for the record, without this machine's paths."""
        words = ["vreid train", what]
        words += [f"--data {a.name}=DIR{':' + a.format if a.format else ''}" for a in arguments]
        words += [f"--set {item}" for item in self.settings]
        words += [f"--start {Path(self.start).name}"] if self.start else []
        if self.labels_from:
            words += [f"--labels-from {Path(self.labels_from).name} --pair-share {self.pair_share:g}"]
        return " ".join([*words, "--out DIR"])


def _train_one(path: Path, arguments: Sequence[DataArgument], out: Path, carried: _Carried) -> dict[str, Any]:
    from reid.config import RECIPES
    from reid.metadata import CheckpointMetadata, metadata_path, model_id, read_document
    from reid.parts import read_parts
    from reid.train import train as run

    config = configured(path, arguments, carried.settings)
    parts = read_parts(config, _folders(arguments))
    grouped: dict[str, Any] = {}
    if carried.labels_from is not None:
        parts, grouped = _grouped(parts, carried, config.seed)
    what = f"--recipe {path.stem}" if path.parent == RECIPES else f"--config {path.name}"
    command = carried.command(what, arguments)
    with progress("batches") as report:
        weights = run(config, parts, out, carried.options(config, report, command))
    if not weights.exists():  # Another process writes it.
        return {"weights": str(weights)}
    metadata = read_document(metadata_path(weights), CheckpointMetadata)
    return {
        "weights": str(weights),
        "model_id": model_id(weights, metadata.preprocessing, metadata.head_version),
        "pictures": len(parts.fit),
        "figures": metadata.figures,
        "calibration": metadata.calibration.model_dump(),
        **({"grouped": grouped} if grouped else {}),
    }


def _grouped(parts: Parts, carried: _Carried, seed: int) -> tuple[Parts, dict[str, Any]]:
    """The parts with look-alikes in place of vehicles, and how good they are, by data set."""
    from reid.mining.look_alikes import Grouping
    from reid.pseudo import without_labels

    _, embedder = open_weights(carried.labels_from)
    learned, found = without_labels(parts, embedder, Grouping(carried.pair_share), seed)
    return learned, {domain: asdict(one) for domain, one in found.items()}


def _train_all(name: str, arguments: Sequence[DataArgument], out: Path, carried: _Carried) -> dict[str, Any]:
    from reid.config import read_yaml, recipe_path
    from reid.sweep import read_sweep, run_sweep

    domains = read_yaml(recipe_path("default"))["domains"]
    runs = read_sweep(name, changes_of(arguments, carried.settings, domains))
    total = sum(config.epochs * config.batches for config in runs.values())
    before = dict(zip(runs, _running_sum([c.epochs * c.batches for c in runs.values()]), strict=True))
    command = carried.command(f"--sweep {Path(name).name}", arguments)
    with progress("batches of all runs") as report:

        def options(title: str, config: TrainConfig) -> RunOptions:
            return carried.options(config, lambda done, _: report(before[title] + done, total), command)

        rows = list(run_sweep(runs, _folders(arguments), out, options))
    document = {"sweep": name, "runs": rows}
    (out / TABLE_FILE).write_text(json.dumps(document, indent=1) + "\n")
    return document


def _running_sum(numbers: Sequence[int]) -> list[int]:
    return [sum(numbers[:n]) for n in range(len(numbers))]


def _folders(arguments: Sequence[DataArgument]) -> dict[str, Path]:
    return {argument.name: argument.folder for argument in arguments}


def _show_run(document: dict[str, Any]) -> None:
    stdout.print(document["weights"], highlight=False, soft_wrap=True)
    select = document.get("figures", {}).get("select", {})
    for domain, found in select.items():
        if isinstance(found, dict):
            stdout.print(f"{domain}: held-out rank-1 {found['rank1']:.3f}, mAP {found['mAP']:.3f}", highlight=False)


def _show_table(document: dict[str, Any]) -> None:
    names = list(document["runs"][0]["domains"])
    shown = table("run", "score", *(f"{name} rank-1 / mAP" for name in names), "ms per crop", "parameters", "seconds")
    for row in document["runs"]:
        cells = [f"{row['domains'][name]['rank1']:.3f} / {row['domains'][name]['mAP']:.3f}" for name in names]
        shown.add_row(
            row["run"],
            f"{row['score']:.3f}",
            *cells,
            f"{row['ms_per_crop']:.2f}",
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['seconds']:.0f}",
        )
    stdout.print(shown)

"""Makes the default model and judges it, by the product's own commands, one after another. Computes nothing itself.

Each runs in a process of its own: the renderer and torch do not share one. What `figures.json` tells as
done is not done again, so that a run that was cut off goes on; one that wants something else is refused.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from reid.config import TrainConfig, read_config, recipe_path
from services.cli.training.data import parse_settings
from services.errors import InputError, VreidError

#: Domains of a recipe that stand for further rendered sets, by the seed in their names, and how those are rendered.
_FURTHER = re.compile(r"(?P<kind>city|shapes)-(?P<seed>\d+)")
_HOW = {"city": (), "shapes": ("--shapes", "varied", "--twins", "0.4", "--alike", "0")}
#: Vehicles of each of those: as many as VeRi-776's layout numbers.
_FURTHER_VEHICLES = 776
_RESUME = "--resume"
#: Label of the city's test pictures by which figures are set apart, and what it tells.
APART = ("twin", "trained_body", "light", "face")


@dataclass(frozen=True, slots=True)
class ModelBench:
    """What to make and from what.

    Attributes:
        out: Folder for sets, models and figures.
        pairs: The real photographs, as `docs/training.md` names them; None trains and judges on the city alone.
        train: Vehicles of each rendered set to train on; None is what `vreid simulate dataset` takes by itself for the
            first, and all that a set can hold for further ones.
        test: Vehicles of the city to judge on; likewise.
        changes: `--set` of both trainings.
        recipe: Of both trainings. Each of its domains `city-N` is one more rendered set, of seed N; `shapes-N`
            is one with bodies in further shapes and twice as many twins.
        then: Recipes that go on, one after another, from what the one before made; the last is judged.
    """

    out: Path
    pairs: Path | None = None
    train: int | None = None
    test: int | None = None
    changes: tuple[str, ...] = ()
    recipe: str = "default"
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One command.

    Attributes:
        name: In the figures.
        arguments: Of `vreid`.
        judges: Its document is kept as figures.
    """

    name: str
    arguments: tuple[str, ...]
    judges: bool = True


def make_and_judge(bench: ModelBench, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Runs what is left to run.

    Args:
        bench: What to make.
        progress: Called with commands done and in all.

    Returns:
        `figures` by name, the document of each judging command; `seconds` by command, as long as it took when it ran;
        `arguments` by command, as it ran.

    Raises:
        VreidError: A command failed; the message is its own. Or the folder holds what other options made.
    """
    all_steps = steps(bench)
    record = bench.out / "figures.json"
    bench.out.mkdir(parents=True, exist_ok=True)
    done: dict[str, Any] = {"figures": {}, "seconds": {}, "arguments": {}}
    if record.is_file():
        done |= json.loads(record.read_text())
    for step in all_steps:
        if done["arguments"].get(step.name, _said(step, bench)) != _said(step, bench):
            raise InputError(f"{bench.out} holds what other options made ({step.name}): choose another folder")
    for number, step in enumerate(all_steps, 1):
        if step.name not in done["seconds"]:
            started = time.monotonic()
            document = _run(step)
            if step.judges:
                done["figures"][step.name] = document
            done["seconds"][step.name] = round(time.monotonic() - started, 1)
            done["arguments"][step.name] = _said(step, bench)
            record.write_text(json.dumps(done, indent=1) + "\n")
        progress(number, len(all_steps))
    return done


def _said(step: Step, bench: ModelBench) -> list[str]:
    """The arguments of a command that say what it makes, wherever the folder is."""
    return [word.replace(str(bench.out), "OUT") for word in step.arguments if word != _RESUME]


def steps(bench: ModelBench) -> list[Step]:
    """The commands, in order.

    Raises:
        DataError: There is no such recipe, or none with such changes.
        InputError: A recipe stands twice, or holds out vehicles that one before it learns from.
    """
    _require_chain(bench)
    configs = {name: read_config(recipe_path(name)) for name in (bench.recipe, *bench.then)}
    city, masked = bench.out / "city", bench.out / "city-masked"
    model = _weights(bench.out / "model", configs[[*configs][-1]])
    test = _sized(("--test", bench.test))
    found = [_render("render", city, ("--plates", "random"), _sized(("--train", bench.train)) + test)]
    for name in dict.fromkeys(name for config in configs.values() for name in config.domains):
        if further := _FURTHER.fullmatch(name):
            sizes = _sized(("--train", bench.train or _FURTHER_VEHICLES), ("--test", 0))
            how = ("--seed", further["seed"], *_HOW[further["kind"]])
            found.append(_render(name.replace("city", "render"), bench.out / name, how, sizes))
    found += [
        _render("render-masked", masked, ("--plates", "masked"), ("--train", "0", *test)),
        *_trainings(bench, configs, model),
        _judge("city", city, model),
        _judge("city-masked", masked, model),
        _judge("city-untrained", city, "imagenet"),
        _judge("city-image-to-image", city, model, "image-to-image"),
    ]
    if bench.pairs is not None:
        alone = _weights(bench.out / "real-alone", configs[bench.recipe])
        fewer = f"epochs={_epochs_alone(configs[bench.recipe])}"
        found += [
            _train("train-real-alone", alone, bench.recipe, _given(bench), (*bench.changes, fewer)),
            _judge_pairs("pairs", bench.pairs, model),
            _judge_pairs("pairs-real-alone", bench.pairs, alone),
            _judge_pairs("pairs-untrained", bench.pairs, "imagenet"),
        ]
    return found


def _require_chain(bench: ModelBench) -> None:
    """Refuses recipes that cannot follow each other, before anything is rendered."""
    names = (bench.recipe, *bench.then)
    if len(set(names)) < len(names):
        raise InputError(f"{', '.join(names)}: each recipe goes on once")
    configs = {name: read_config(recipe_path(name), parse_settings(bench.changes), "--set") for name in names}
    given = {name for config in configs.values() for name in config.domains}
    given -= {"pairs"} if bench.pairs is None else set()
    for (before, first), (after, then) in combinations(configs.items(), 2):
        for name in sorted(first.domains.keys() & then.domains.keys() & given):
            was, now = ((d.select, d.calibrate) for d in (first.domains[name], then.domains[name]))
            same = first.seed == then.seed and sum(now) <= sum(was)  # The same vehicles, or some of them.
            if sum(now) and not same:
                raise InputError(
                    f"{after} holds out {sum(now)} vehicles of {name} and {before} learns from some of them: give both "
                    f"one seed, --set domains.{name}.select={now[0]} and --set domains.{name}.calibrate={now[1]}"
                )


def _epochs_alone(config: TrainConfig) -> int:
    """Epochs on the real photographs alone that see as many of them as all epochs of the recipe do."""
    shares = {name: domain.share for name, domain in config.domains.items()}
    return max(1, round(config.epochs * shares["pairs"] / sum(shares.values())))


def _sized(*options: tuple[str, int | None]) -> tuple[str, ...]:
    return tuple(word for name, value in options if value is not None for word in (name, str(value)))


def _render(name: str, out: Path, plates: tuple[str, ...], sizes: tuple[str, ...]) -> Step:
    return Step(name, ("simulate", "dataset", "--out", str(out), *plates, *sizes), judges=False)


def _given(bench: ModelBench) -> list[str]:
    return [f"pairs={bench.pairs}"] if bench.pairs is not None else []


def _weights(folder: Path, config: TrainConfig) -> Path:
    """What a run leaves in its folder."""
    return folder / f"{config.name}.safetensors"


def _trainings(bench: ModelBench, configs: Mapping[str, TrainConfig], model: Path) -> Iterator[Step]:
    """One after another, each going on from what the one before made; the last makes the model."""
    start: Path | None = None
    for number, (recipe, config) in enumerate(configs.items()):
        made = model if number == len(configs) - 1 else _weights(bench.out / f"made-by-{recipe}", config)
        data = [f"{name}={bench.out / name}" for name in config.domains if name != "pairs"] + _given(bench)
        name = "train" if start is None else f"train-{recipe}"
        yield _train(name, made, recipe, data, bench.changes, start=start)
        start = made


def _train(
    name: str, weights: Path, recipe: str, data: Sequence[str], changes: Sequence[str], *, start: Path | None = None
) -> Step:
    words = ["train", "--recipe", recipe, "--out", str(weights.parent)]
    words += ["--start", str(start)] if start is not None else []
    if (weights.parent / "last.pt").is_file():
        words.append(_RESUME)
    for option, values in (("--data", data), ("--set", changes)):
        words += [word for value in values for word in (option, value)]
    return Step(name, tuple(words), judges=False)


def _judge(name: str, data: Path, weights: Path | str, protocol: str = "cross-camera") -> Step:
    words = ["evaluate", "reid", "--data", str(data), "--format", "veri", "--weights", str(weights)]
    for label in APART:
        words += ["--by", label]
    return Step(name, (*words, "--protocol", protocol, "--json"))


def _judge_pairs(name: str, pairs: Path, weights: Path | str) -> Step:
    where = [
        "--data",
        str(pairs / "images"),
        "--format",
        "pattern",
        "--pattern",
        "pairs",
        "--list",
        str(pairs / "val.txt"),
    ]
    return Step(name, ("evaluate", "reid", *where, "--weights", str(weights), "--json"))


def _run(step: Step) -> Any:
    command = [sys.executable, "-m", "services.cli.main", *step.arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise VreidError(f"{step.name}: {last[0].removeprefix('vreid: ')}")
    return json.loads(done.stdout) if step.judges else None

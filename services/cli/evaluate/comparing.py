"""What ``vreid evaluate reid --compare`` does between its options and its output: methods in, one row each out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from services.cli.evaluate.judging import PROTOCOLS_OF, Asked, chosen_protocol, left_out, read_asked
from services.cli.evaluate.weights import DEFAULT_MODEL, open_weights
from services.cli.simulate.progress import progress
from services.errors import ConfigError, InputError, ModelFileError

if TYPE_CHECKING:
    from reid.baselines.compare import Task
    from reid.baselines.maps import MapMaker
    from reid.baselines.types import Baseline
    from reid.data import ReidSet, Sample
    from reid.evaluation import Protocol

#: Names in `reid.baselines.table.BASELINES`, written here as well so that help costs no imports.
METHODS = (
    "mean-pixel",
    "hsv-histogram",
    "orb-ransac",
    "sift-ransac",
    "vocabulary-tree",
    "conv-vlad",
    "mop-cnn",
    "query-adaptive",
    "spoc",
    "mac",
    "r-mac",
    "gem",
)
#: ImageNet weights that baselines over feature maps need, by name in the manifest.
MAPS_MODEL = "mobilenetv2-imagenet"
#: Networks that stand beside the baselines where nothing is chosen.
NETWORKS = ("imagenet", DEFAULT_MODEL)


def compare_reid(asked: Asked, methods: Sequence[str], vehicles: int | None) -> dict[str, Any]:
    """Judges methods on one data set under one protocol.

    Args:
        asked: The options of the command.
        methods: Names of baselines, or what ``--weights`` may be; empty for all baselines and the usual networks.
        vehicles: Judge on so many vehicles, drawn at random; None for all.

    Returns:
        The document: the task, and a row per method, in the order asked for.

    Raises:
        VreidError: Anything that was given cannot be used; the message is one for the user.
    """
    from reid.baselines.compare import compare
    from reid.baselines.table import BASELINES
    from reid.errors import ReidError

    protocol = _protocol(asked)
    chosen = list(dict.fromkeys(methods)) or [*BASELINES, *NETWORKS]
    if asked.weights is not None:
        chosen.append(asked.weights)
    unreadable: tuple[Path, ...] = ()
    try:
        data = read_asked(asked)
        task, unreadable = _task(data, protocol, asked, vehicles)
        rows: list[dict[str, Any]] = []
        chance = 0.0
        for name, baseline in _opened(chosen, asked.threads):
            with progress(name) as tell:
                found = compare(baseline, task, tell)
            chance = found.retrieval.chance_rank1
            rows.append({"method": name, **found.document()})
    except ReidError as exc:
        raise InputError(f"{exc}{left_out(unreadable)}") from exc
    except ValueError as exc:
        raise InputError(f"{asked.data}: {exc}{left_out(unreadable)}") from exc
    return {
        "protocol": protocol,
        "format": asked.layout,
        "part": asked.part,
        "queries": len(task.query),
        "gallery": len(task.gallery),
        "vehicles": len({sample.identity for sample in task.query}),
        "chance_rank1": round(chance, 4),
        "learned_from": "train" if data.train and asked.part == "test" else "gallery",
        "methods": rows,
        "unreadable": [path.name for path in unreadable],
        "unmatched": len(data.unmatched),
    }


def _protocol(asked: Asked) -> Protocol:
    from reid.baselines.compare import RULES

    if asked.rerank_top is not None or asked.report is not None or asked.by or asked.one_shot:
        raise ConfigError("--compare goes with none of --rerank, --report, --by, --one-shot")
    usual = chosen_protocol(asked)
    if usual in RULES:
        return usual
    if asked.protocol is not None:
        raise ConfigError(f"methods are compared under {', '.join(RULES)}, not under {asked.protocol}")
    return cast("Protocol", next(name for name in PROTOCOLS_OF[asked.layout] if name in RULES))


def _task(data: ReidSet, protocol: Protocol, asked: Asked, vehicles: int | None) -> tuple[Task, tuple[Path, ...]]:
    from reid.baselines.compare import Task, draw_vehicles
    from reid.data import readable
    from reid.evaluation import sides

    query, gallery = sides(data, protocol)
    pool = dict.fromkeys((*gallery, *query))
    drawn = draw_vehicles(query, vehicles, asked.seed) if vehicles is not None else None
    wanted: list[Sample] = [sample for sample in pool if drawn is None or sample.identity in drawn]
    good, bad = readable(wanted)
    kept = {sample.path for sample in good}
    searched = tuple(sample for sample in gallery if sample.path in kept)
    queries = searched if query is gallery else tuple(sample for sample in query if sample.path in kept)
    lesson = data.train if data.train and asked.part == "test" else searched
    return Task(protocol, queries, searched, tuple(lesson), asked.seed), bad


def _opened(names: Sequence[str], threads: int | None) -> Iterator[tuple[str, Baseline[Any]]]:
    """Methods by name; a network is opened when its turn comes."""
    from reid.baselines.compare import NetworkBaseline
    from reid.baselines.table import BASELINES, WITHOUT_MAPS

    maps = _map_maker(threads, needed=any(name in BASELINES and name not in WITHOUT_MAPS for name in names))
    strange = [n for n in names if n not in BASELINES and n not in NETWORKS and not Path(n).exists() and "/" not in n]
    for name in strange:
        if not name.endswith(".safetensors") and name not in _known_models():
            raise ConfigError(f"no method {name!r}; there are {', '.join(BASELINES)}, and networks as --weights has")
    for name in names:
        if name in BASELINES:
            yield name, BASELINES[name](maps)
        else:
            title, embedder = open_weights(None if name == DEFAULT_MODEL else name, threads)
            yield (name if name in NETWORKS else title), NetworkBaseline(embedder)


def _map_maker(threads: int | None, *, needed: bool) -> MapMaker:
    from detector.telemetry import forbid_telemetry
    from services.models.store import ModelStore

    forbid_telemetry()
    from reid.baselines.maps import ImagenetMaps

    try:
        return ImagenetMaps(ModelStore(offline=True).fetch(MAPS_MODEL) if needed else Path(), threads)
    except ModelFileError as exc:
        raise ModelFileError(f"methods over feature maps need ImageNet weights: {exc}") from exc


def _known_models() -> list[str]:
    from services.models.store import ModelStore

    return [entry.name for entry in ModelStore(offline=True).manifest.models]

"""What ``vreid evaluate reid`` does between its options and its output: reads, embeds, judges, reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from services.cli.evaluate.weights import open_weights
from services.cli.simulate.progress import progress
from services.errors import ConfigError, InputError

if TYPE_CHECKING:
    from reid.data import Layout, ReidSet, Sample
    from reid.evaluation import Evaluation, Protocol
    from reid.evaluation.embed import EmbeddedSides
    from reid.runtime import OpenVinoEmbedder

#: The protocols of each layout; first the one that its papers use.
PROTOCOLS_OF: Mapping[str, tuple[str, ...]] = {
    "veri": ("image-to-image", "image-to-track", "cross-camera", "recall", "vehicleid"),
    "vehicleid": ("vehicleid", "recall"),
    "veriwild": ("image-to-image", "cross-camera", "recall", "vehicleid"),
    "cityflow": ("image-to-image", "image-to-track", "cross-camera", "recall", "vehicleid"),
    "market": ("image-to-image", "cross-camera", "recall", "vehicleid"),
    "inshop": ("recall", "vehicleid"),
    "pattern": ("cross-camera", "recall", "vehicleid"),
}
#: Layouts whose published test lists are chosen by size; of others ``size`` is the vehicles in a draw.
SIZED = ("vehicleid", "veriwild")
PARTS = ("test", "train")
_FAILURES = 24


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command, as given; see their help."""

    data: Path
    layout: str
    pattern: str | None = None
    weights: str | None = None
    protocol: str | None = None
    part: str = "test"
    listed: Path | None = None
    classes: Path | None = None
    size: int | None = None
    by: tuple[str, ...] = ()
    rerank_top: int | None = None
    report: Path | None = None
    seed: int = 0
    threads: int | None = None
    one_shot: bool = False


def judge_reid(asked: Asked) -> tuple[dict[str, Any], str]:
    """Does all of it.

    Returns:
        The score document; and why the report could not be written, "" if it was, or none was asked for.

    Raises:
        VreidError: Anything that was given cannot be used; the message is one for the user.
    """
    from reid.errors import ReidError
    from reid.evaluation import Plan, Rerank, evaluate, sides
    from reid.evaluation.embed import embed_sides

    protocol = chosen_protocol(asked)
    _require_report(asked.report)
    unreadable: tuple[Path, ...] = ()
    try:
        data = read_asked(asked)
        both = sides(data, protocol)
        _require_fewer_vehicles(both[1], asked)
        _require_labels(both[0], asked.by)
        name, embedder = open_weights(asked.weights, asked.threads)
        with progress("pictures") as tell:
            embedded = embed_sides(embedder, both, data.tracks, tell)
        unreadable = embedded.unreadable
        rerank = Rerank(top=asked.rerank_top) if asked.rerank_top is not None else None
        plan = Plan(
            protocol,
            asked.by,
            rerank,
            asked.size if asked.layout not in SIZED else None,
            embedder.spec.calibration,
            _FAILURES if asked.report else 0,
            asked.seed,
        )
        found = evaluate(embedded.query, embedded.gallery, plan, embedded.tracks)
        verified = _one_shot(embedded, asked.seed) if asked.one_shot else {}
    except ReidError as exc:
        raise InputError(f"{exc}{left_out(unreadable)}") from exc
    except ValueError as exc:
        raise InputError(f"{asked.data}: {exc}{left_out(unreadable)}") from exc
    failure = _write_report(asked, found, embedded, name, embedder)
    more = {
        "model": name,
        "format": asked.layout,
        "part": asked.part,
        "rerank": asdict(rerank) if rerank else None,
        "unreadable": [path.name for path in unreadable],
        "unmatched": len(data.unmatched),
        "report": str(asked.report) if asked.report and not failure else None,
    }
    scores = found.document()
    heads = ("protocol", "queries", "gallery", "mAP", "mINP", "rank1", "rank5", "rank10")
    ordered = {key: scores.pop(key) for key in (*heads, "rank1_macro_class", "mAP_macro_class", "per_class", "ci95")}
    model = {"model_id": embedder.spec.model_id, "ms_per_crop": round(embedded.ms_per_crop, 3)}
    return {**ordered, **model, **scores, **verified, **more}, failure


def left_out(unreadable: Sequence[Path]) -> str:
    """What to add to a refusal: pictures that were left out may be why nothing can be judged."""
    if not unreadable:
        return ""
    return f"; {len(unreadable)} pictures cannot be read, the first {unreadable[0].name}"


def _one_shot(embedded: EmbeddedSides, seed: int) -> dict[str, Any]:
    """One-shot verification over every picture of both sides."""
    import numpy as np

    from reid.evaluation.one_shot import verify_one_shot

    query, gallery = embedded.query, embedded.gallery
    known = {sample.path for sample in gallery.samples}
    extra = [row for row, sample in enumerate(query.samples) if sample.path not in known]
    vectors = np.concatenate([gallery.vectors, query.vectors[extra]])
    vehicles = [sample.identity for sample in (*gallery.samples, *(query.samples[row] for row in extra))]
    found = verify_one_shot(vectors, vehicles, np.random.default_rng(seed))
    return {"one_shot": found.document()}


def chosen_protocol(asked: Asked) -> Protocol:
    """The protocol asked for, or the one that the layout's papers use.

    Raises:
        ConfigError: It does not apply to the layout, there is no such layout or part, or a size that it does not use.
    """
    if asked.layout not in PROTOCOLS_OF:
        raise ConfigError(f"no format {asked.layout!r}; known are {', '.join(PROTOCOLS_OF)}")
    if asked.part not in PARTS:
        raise ConfigError(f"no part {asked.part!r}; known are {', '.join(PARTS)}")
    possible = PROTOCOLS_OF[asked.layout]
    if asked.protocol is not None and asked.protocol not in possible:
        raise ConfigError(f"{asked.protocol} does not apply to {asked.layout}; what does: {', '.join(possible)}")
    usual = possible[0]
    if asked.part == "train" and usual == "image-to-image":  # A training part has no queries of its own.
        usual = "cross-camera"
    chosen = asked.protocol or usual
    _require_use_of_size(asked, chosen)
    if chosen == "image-to-track" and asked.rerank_top is not None:
        raise ConfigError("image-to-track cannot be re-ranked: a track has no vector of its own")
    return cast("Protocol", chosen)


def _require_use_of_size(asked: Asked, protocol: str) -> None:
    listed = asked.layout in SIZED and asked.part == "test"
    drawn = asked.layout not in SIZED and protocol == "vehicleid"
    if asked.size is not None and not listed and not drawn:
        raise ConfigError(
            f"--size chooses a test list of {' or '.join(SIZED)}, or how many vehicles --protocol vehicleid draws "
            f"of another layout; {protocol} on the {asked.part} part of {asked.layout} uses none"
        )


def _require_fewer_vehicles(pool: Sequence[Sample], asked: Asked) -> None:
    there = len({sample.identity for sample in pool})
    if asked.size is not None and asked.layout not in SIZED and asked.size >= there:
        raise InputError(f"--size {asked.size}: {asked.data} has {there} vehicles; draw fewer, or all without --size")


def _require_labels(queries: Sequence[Sample], by: Sequence[str]) -> None:
    for name in by:
        if not any(sample.label(name) for sample in queries):
            known = sorted({"class", "camera", "vehicle"}.union(*(sample.labels for sample in queries)))
            raise InputError(f"--by {name}: no query has this label; there are {', '.join(known)}")


def read_asked(asked: Asked) -> ReidSet:
    """The data set that the options name; with `--part train` its training pictures as one pool."""
    from reid.data import SetOptions, read_kinds, read_set
    from reid.evaluation import training_pool

    kinds = read_kinds(asked.classes) if asked.classes else None
    size = asked.size if asked.layout in SIZED else None
    found = read_set(asked.data, cast("Layout", asked.layout), SetOptions(asked.pattern, asked.listed, size, kinds))
    if asked.part == "test":
        return found
    if not found.train:
        raise InputError(f"{asked.data}: {asked.layout} has no training part here")
    return training_pool(found)


def _require_report(path: Path | None) -> None:
    """Raises InputError where a report is asked for that cannot be written."""
    from reid.evaluation.report import require_writable

    if path is None:
        return
    try:
        require_writable(path)
    except OSError as exc:
        raise InputError(_unwritten(path, exc)) from exc


def _write_report(
    asked: Asked, found: Evaluation, embedded: EmbeddedSides, name: str, embedder: OpenVinoEmbedder
) -> str:
    """Writes the report that is asked for, if any; says why it cannot be, as figures are worth printing without it."""
    from reid.evaluation.report import Subject, write_report

    if asked.report is None:
        return ""
    subject = Subject(
        model=name,
        model_id=embedder.spec.model_id,
        data=asked.data.resolve().name,
        query=embedded.query.samples,
        gallery=embedded.gallery.samples,
        unreadable=embedded.unreadable,
    )
    try:
        write_report(asked.report, found, subject)
    except OSError as exc:
        return _unwritten(asked.report, exc)
    return ""


def _unwritten(path: Path, why: OSError) -> str:
    return f"cannot write {path}: {why.strerror or why}"

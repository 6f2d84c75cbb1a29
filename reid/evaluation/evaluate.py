"""Judges a network's vectors of a data set under one protocol, all figures at once. Embeds nothing, prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from reid.data import ReidSet, Sample
from reid.errors import DataError
from reid.evaluation.cross_camera import rank_cross_camera
from reid.evaluation.failures import Failure, worst_failures
from reid.evaluation.image_to_image import rank_image_to_image
from reid.evaluation.image_to_track import rank_image_to_track
from reid.evaluation.metrics import rank_at
from reid.evaluation.open_set import detection_and_identification
from reid.evaluation.ranking import Embedded, Judged, Ranking, Side, Visitor, encode, join, judge
from reid.evaluation.recall import RECALL_AT, rank_everything
from reid.evaluation.reliability import Posteriors, Reliability, judge_probabilities
from reid.evaluation.rerank import Rerank
from reid.evaluation.retrieval import Retrieval, summarise
from reid.evaluation.tables import PairTable, Table, table_by
from reid.evaluation.vehicleid import draw_rankings
from reid.evaluation.verification import PairCounts, Verification
from reid.types import Calibration

Protocol = Literal["cross-camera", "image-to-image", "image-to-track", "vehicleid", "recall"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

#: Labels that name the side which a vehicle shows; the first that a set has is used.
VIEW_LABELS = ("face", "view")


@dataclass(frozen=True, slots=True)
class Plan:
    """How to judge.

    Attributes:
        protocol: How queries and galleries are made.
        by: Labels of queries to set figures apart by, besides class and view.
        rerank: Re-rank the top of each ranking; figures over pairs and thresholds stay those of the vectors.
        draw_vehicles: For `vehicleid`: vehicles per draw; None for all.
        calibration: Of the network, to judge its probabilities; None if it has none.
        failures: How many of the worst failures to find.
        seed: Of draws and of the bootstrap.
    """

    protocol: Protocol
    by: tuple[str, ...] = ()
    rerank: Rerank | None = None
    draw_vehicles: int | None = None
    calibration: Calibration | None = None
    failures: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures with their vectors: float32 (N, D), rows of L2 norm 1, one per sample."""

    samples: tuple[Sample, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was found.

    Attributes:
        retrieval: The protocol's figures, with intervals.
        recall_at: Recall@k by k, for the protocol `recall`; else empty.
        tables: Figures apart, by what they are apart by.
        verification: Figures over pairs; None when one kind of pair is missing.
        identification: Open set: DIR by false-alarm rate.
        reliability: Of the network's probabilities; None without a calibration.
        posterior: Of how likely first answers are said to be the one among all that the query sees; of the first
            ranking where there are several.
        failures: Worst first; rows point into query and gallery samples.
    """

    retrieval: Retrieval
    recall_at: dict[int, float]
    tables: dict[str, Table]
    verification: Verification | None
    identification: dict[float, float]
    reliability: Reliability | None
    posterior: Reliability | None
    failures: tuple[Failure, ...]

    def document(self) -> dict[str, object]:
        """JSON form."""
        document = self.retrieval.document()
        if self.recall_at:
            document["recall_at"] = {str(k): round(value, 4) for k, value in self.recall_at.items()}
        document["tables"] = {
            name: {label: row.document() for label, row in table.items()} for name, table in self.tables.items()
        }
        document["verification"] = self.verification.document() if self.verification else None
        rates = {f"{rate:g}": round(value, 4) for rate, value in self.identification.items()}
        document["open_set"] = {"dir_at_far": rates}
        document["reliability"] = self.reliability.document() if self.reliability else None
        document["posterior"] = self.posterior.document() if self.posterior else None
        return document


def sides(data: ReidSet, protocol: Protocol) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Queries and gallery of a protocol on a set; the same tuple twice where one pool is both.

    Raises:
        DataError: The set does not have what the protocol needs; the message says what.
    """
    if not data.gallery:
        raise DataError(f"{data.name} has no test pictures with known vehicles; judge its training part")
    if protocol in ("image-to-image", "image-to-track") and not data.query:
        raise DataError(f"{protocol} needs queries, which {data.name} does not have here; try cross-camera or recall")
    if protocol == "image-to-track" and not data.tracks:
        raise DataError(f"image-to-track needs tracks: test_track.txt of the {data.name} layout")
    if protocol in ("image-to-image", "image-to-track") or (protocol == "recall" and data.query):
        return data.query, data.gallery
    pool = data.pool
    if protocol == "cross-camera" and len({sample.camera for sample in pool}) < 2:
        raise DataError(f"cross-camera needs two cameras, {data.name} tells of {len({s.camera for s in pool} - {''})}")
    return pool, pool


def evaluate(query: Pictures, gallery: Pictures, plan: Plan, tracks: Sequence[Sequence[int]] = ()) -> Evaluation:
    """Judges vectors.

    Args:
        query: What is asked with; for `cross-camera` and `vehicleid` the whole pool.
        gallery: What is searched; the same object where one pool is both.
        plan: How to judge.
        tracks: Rows of ``gallery`` per track, for `image-to-track`.

    Returns:
        Figures over all queries that have a right answer.

    Raises:
        ValueError: No query has a right answer, or vectors and samples differ in number.
    """
    here, there = coded(query.samples, gallery.samples)
    asked, searched = Embedded(here, query.vectors), Embedded(there, gallery.vectors)
    rng = np.random.default_rng(plan.seed)
    rankings = _rankings(asked, searched, plan, tracks, rng)
    pairs = PairCounts()
    tables = _pair_tables(query, gallery, rankings[0], plan.protocol)
    posteriors = Posteriors(plan.calibration, rankings[0].gallery.vehicles) if plan.calibration else None
    visitors: list[Visitor] = [pairs.visit, *(table.visit for table in tables.values())]
    visitors += [posteriors.visit] if posteriors else []
    judged_parts = [judge(ranking, visitors if ranking is rankings[0] else [pairs.visit]) for ranking in rankings]
    judged = judged_parts[0] if len(rankings) == 1 else join(judged_parts)
    samples = [query.samples[row] for row in judged.query]
    name = plan.protocol if plan.rerank is None else f"{plan.protocol}+rerank"
    kinds, vehicles = [sample.kind for sample in samples], [sample.identity for sample in samples]
    return Evaluation(
        retrieval=summarise(name, judged, len(rankings[0].gallery), kinds, vehicles, rng),
        recall_at={k: rank_at(judged, k) for k in RECALL_AT} if plan.protocol == "recall" else {},
        tables=_label_tables(judged, samples, plan) | {key: table.table() for key, table in tables.items()},
        verification=_verification(pairs),
        identification=detection_and_identification(judged),
        reliability=judge_probabilities(judged, plan.calibration) if plan.calibration else None,
        posterior=posteriors.reliability() if posteriors else None,
        failures=worst_failures(rankings[0], judged_parts[0], plan.failures) if plan.failures else (),
    )


def coded(query: Sequence[Sample], gallery: Sequence[Sample]) -> tuple[Side, Side]:
    """Queries and gallery as codes of one vocabulary."""
    both = (query, gallery)
    vehicles = encode(*([sample.identity for sample in samples] for samples in both))
    cameras = encode(*([(sample.domain, sample.camera) for sample in samples] for samples in both))
    pictures = encode(*([sample.path for sample in samples] for samples in both))
    rows = [np.arange(len(samples)) for samples in both]
    asked, searched = (Side(*codes) for codes in zip(vehicles, cameras, pictures, rows, strict=True))
    return asked, searched


def _rankings(
    query: Embedded, gallery: Embedded, plan: Plan, tracks: Sequence[Sequence[int]], rng: np.random.Generator
) -> list[Ranking]:
    if plan.protocol == "cross-camera":
        return [rank_cross_camera(gallery, plan.rerank)]
    if plan.protocol == "image-to-image":
        return [rank_image_to_image(query, gallery, plan.rerank)]
    if plan.protocol == "recall":
        return [rank_everything(query, gallery, plan.rerank)]
    if plan.protocol == "vehicleid":
        return draw_rankings(gallery, rng, plan.draw_vehicles, plan.rerank)
    if plan.rerank is not None:
        raise ValueError("tracks are not re-ranked: they have no vector of their own")
    return [rank_image_to_track(query, gallery, tracks)]


def _pair_tables(query: Pictures, gallery: Pictures, ranking: Ranking, protocol: Protocol) -> dict[str, PairTable]:
    asked = [query.samples[row] for row in ranking.query.rows]
    searched = [gallery.samples[row] for row in ranking.gallery.rows]
    view = _view_label(asked)
    tables = {}
    if protocol != "vehicleid" and any(sample.camera for sample in asked):
        cameras = [[sample.camera for sample in samples] for samples in (asked, searched)]
        tables["camera_pair"] = PairTable(cameras[0], cameras[1], within=True)
    if view and protocol != "image-to-track":
        views = [[sample.label(view) for sample in samples] for samples in (asked, searched)]
        tables["view_pair"] = PairTable(views[0], views[1], within=False)
    return tables


def _label_tables(judged: Judged, samples: Sequence[Sample], plan: Plan) -> dict[str, Table]:
    view = _view_label(samples)
    wanted = {"class": "class", **({"view": view} if view else {}), **{name: name for name in plan.by}}
    tables = {key: table_by(judged, [sample.label(name) for sample in samples]) for key, name in wanted.items()}
    return {key: table for key, table in tables.items() if table}


def _view_label(samples: Sequence[Sample]) -> str | None:
    return next((name for name in VIEW_LABELS if any(sample.label(name) for sample in samples)), None)


def _verification(pairs: PairCounts) -> Verification | None:
    try:
        return pairs.figures()
    except ValueError:
        return None


def training_pool(data: ReidSet) -> ReidSet:
    """A set whose training pictures are its one test pool: what is left where a test's truth is not public."""
    return replace(data, query=(), gallery=data.train, tracks=())

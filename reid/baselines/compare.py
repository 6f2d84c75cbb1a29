"""Runs methods of retrieval over one data set under one protocol. Prints nothing, chooses no method."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reid.baselines.types import Baseline, VectorBaseline
from reid.data import Sample, read_picture, require_picture
from reid.errors import DataError
from reid.evaluation.embed import Progress
from reid.evaluation.evaluate import coded
from reid.evaluation.ranking import Ranking, Rule, judge
from reid.evaluation.retrieval import Retrieval, summarise
from reid.types import Embedder, Image

#: Protocols in which any method can be compared, and what of the gallery a query does not see in each.
RULES: dict[str, Rule] = {"cross-camera": "other-cameras", "image-to-image": "junk", "recall": "everything"}
#: Pictures that vocabularies and axes are learned from, at most.
LEARNED_FROM = 300
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Task:
    """What methods are compared on.

    Attributes:
        protocol: A name in RULES.
        query: What is asked with.
        gallery: What is searched; the same tuple where one pool is both.
        learn_from: Pictures that a method may look at without labels before.
        seed: Of all chance.
    """

    protocol: str
    query: tuple[Sample, ...]
    gallery: tuple[Sample, ...]
    learn_from: tuple[Sample, ...]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of one method.

    Attributes:
        retrieval: Figures of the protocol, with intervals.
        learned_on: Pictures that it looked at before.
        ms_per_image: Processor time to describe a picture, median over batches, setting up not counted.
        ms_per_query: Processor time to search the gallery with one query, indexing not counted.
    """

    retrieval: Retrieval
    learned_on: int
    ms_per_image: float
    ms_per_query: float

    def document(self) -> dict[str, object]:
        """JSON form."""
        found = self.retrieval
        return {
            "rank1": round(found.rank1, 4),
            "mAP": round(found.mean_average_precision, 4),
            "ms_per_image": round(self.ms_per_image, 2),
            "ms_per_query": round(self.ms_per_query, 2),
            "learned_on": self.learned_on,
            "rank5": round(found.rank5, 4),
            "rank1_macro_class": round(found.rank1_macro_class, 4),
            "mAP_macro_class": round(found.mean_average_precision_macro_class, 4),
            "ci95": {name: [round(low, 4), round(high, 4)] for name, (low, high) in found.ci95.items()},
        }


class NetworkBaseline(VectorBaseline):
    """Any embedder as a method among others."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def describe(self, pictures: Sequence[Image]) -> list[Any]:
        """(D,) of L2 norm 1 each."""
        return list(self._embedder.embed(pictures))


def draw_vehicles(samples: Sequence[Sample], count: int, seed: int) -> set[tuple[str, str]]:
    """Some vehicles at random, the same for the same seed; all where there are fewer."""
    known = sorted({sample.identity for sample in samples})
    chosen = np.random.default_rng(seed).permutation(len(known))[:count]
    return {known[place] for place in chosen}


def compare(baseline: Baseline[Any], task: Task, progress: Progress = lambda _done, _total: None) -> Compared:
    """Judges one method.

    Args:
        baseline: The method, new.
        task: What on.
        progress: Told after every batch of pictures.

    Raises:
        DataError: A picture cannot be read, or no query has a right answer.
        ValueError: No such protocol.
    """
    if task.protocol not in RULES:
        raise ValueError(f"methods are compared under {', '.join(RULES)}, not {task.protocol!r}")
    rng = np.random.default_rng(task.seed)
    lesson = _lesson(task, rng)
    baseline.learn(lesson, rng)
    described, ms_per_image = _describe(baseline, task, progress)
    query, gallery = ([described[sample.path] for sample in side] for side in (task.query, task.gallery))
    search = baseline.search(query, gallery)
    ranking = Ranking(*coded(task.query, task.gallery), RULES[task.protocol], search.scores, search.reorder)
    began = time.process_time()
    try:
        judged = judge(ranking)
    except ValueError as exc:
        raise DataError(str(exc)) from exc
    ms_per_query = 1000 * (time.process_time() - began) / len(task.query)
    asked = [task.query[row] for row in judged.query]
    kinds, vehicles = [sample.kind for sample in asked], [sample.identity for sample in asked]
    found = summarise(task.protocol, judged, len(task.gallery), kinds, vehicles, rng)
    return Compared(found, len(lesson), ms_per_image, ms_per_query)


def _lesson(task: Task, rng: np.random.Generator) -> list[Image]:
    rows = np.sort(rng.permutation(len(task.learn_from))[:LEARNED_FROM])
    found = [read_picture(task.learn_from[row].path) for row in rows]
    return [picture for picture in found if picture is not None]


def _describe(baseline: Baseline[Any], task: Task, progress: Progress) -> tuple[dict[Any, Any], float]:
    """Descriptions by path, and milliseconds for one: of the processor, so that other work on it hardly counts."""
    paths = list(dict.fromkeys(sample.path for sample in (*task.gallery, *task.query)))
    found: dict[Any, Any] = {}
    spent_ms: list[float] = []
    for start in range(0, len(paths), _BATCH):
        pictures = [require_picture(path) for path in paths[start : start + _BATCH]]
        if not found:  # Networks set themselves up at their first call.
            baseline.describe(pictures[:1])
        began = time.process_time()
        made = baseline.describe(pictures)
        spent_ms.append(1000 * (time.process_time() - began) / len(pictures))
        found.update(zip(paths[start : start + _BATCH], made, strict=True))
        progress(len(found), len(paths))
    return found, statistics.median(spent_ms) if spent_ms else 0.0

"""Training without labels: groups of look-alike pictures take the place of vehicles. Trains nothing itself."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reid.data import Sample, require_picture
from reid.evaluation.ranking import encode
from reid.mining.look_alikes import NOISE, Grouping, group_look_alikes, pair_quality
from reid.parts import TAKEN_FROM, Parts
from reid.types import Embedder

log = logging.getLogger("reid.train")

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Grouped:
    """What grouping made of one data set.

    Attributes:
        pictures: That are in a group.
        noise: Pictures left out.
        groups: Vehicles that training will believe in.
        precision: Share of grouped pairs that really show one vehicle; the labels are used for this figure alone.
        recall: Share of pairs of one vehicle that are in one group.
    """

    pictures: int
    noise: int
    groups: int
    precision: float
    recall: float


def without_labels(parts: Parts, embedder: Embedder, grouping: Grouping, seed: int) -> tuple[Parts, dict[str, Grouped]]:
    """Replaces the vehicles that are learned from by groups of look-alikes, data set by data set.

    Vehicles held out to follow and calibrate a run keep their labels: without any, nobody can say how good a run is.

    Args:
        parts: Of a run.
        embedder: A network that never saw these vehicles, for instance ImageNet's.
        grouping: How pictures are grouped.
        seed: Of all chance.

    Returns:
        The parts to train on, and what was found in each data set.

    Raises:
        DataError: A picture cannot be read, or fewer than two groups were found.
    """
    by_domain: dict[str, list[Sample]] = defaultdict(list)
    for sample in parts.fit:
        by_domain[sample.domain].append(sample)
    learned: list[Sample] = []
    found: dict[str, Grouped] = {}
    for domain, samples in by_domain.items():
        groups = group_look_alikes(_embed(embedder, samples), grouping, np.random.default_rng(seed))
        precision, recall = pair_quality(groups, encode([sample.vehicle for sample in samples])[0])
        kept = [(sample, group) for sample, group in zip(samples, groups, strict=True) if group != NOISE]
        learned += [_in_group(sample, int(group)) for sample, group in kept]
        found[domain] = Grouped(len(kept), len(samples) - len(kept), int(groups.max()) + 1, precision, recall)
        log.info("%s: %s", domain, found[domain])
    return replace(parts, fit=tuple(learned)), found


def _in_group(sample: Sample, group: int) -> Sample:
    return replace(sample, vehicle=f"group-{group}", kind="", labels={**sample.labels, TAKEN_FROM: sample.vehicle})


def _embed(embedder: Embedder, samples: Sequence[Sample]) -> NDArray[np.float32]:
    rows = [
        embedder.embed([require_picture(sample.path) for sample in samples[start : start + _BATCH]])
        for start in range(0, len(samples), _BATCH)
    ]
    return np.concatenate(rows)

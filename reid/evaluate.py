"""Judges embeddings: the cross-camera protocol over vectors and labels. Never touches a network or a picture itself.

As a command it embeds a folder with a checkpoint and prints the figures as one JSON document:
`python -m reid.evaluate --weights W --data DIR --pattern pairs --split FILE`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.errors import ReidError

#: Similarities closer than this are ties: equal vectors must tie in spite of rounding.
TIE = 1e-6


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Figures of one protocol, each in [0, 1].

    Attributes:
        protocol: How queries and galleries were made.
        queries: Queries that have a right answer in their gallery; only they count.
        skipped: Queries without one.
        rank1: Share of queries whose first answer is right.
        rank5: Share of queries with a right answer among the first five.
        mean_average_precision: Mean over queries of the average precision.
        per_class: rank1 by vehicle class of the query.
        rank1_macro_class: Mean of ``per_class``.
    """

    protocol: str
    queries: int
    skipped: int
    rank1: float
    rank5: float
    mean_average_precision: float
    per_class: dict[str, float]
    rank1_macro_class: float

    def document(self) -> dict[str, object]:
        """JSON form."""
        return {
            "protocol": self.protocol,
            "queries": self.queries,
            "skipped": self.skipped,
            "mAP": round(self.mean_average_precision, 4),
            "rank1": round(self.rank1, 4),
            "rank5": round(self.rank5, 4),
            "rank1_macro_class": round(self.rank1_macro_class, 4),
            "per_class": {kind: round(value, 4) for kind, value in self.per_class.items()},
        }


def cross_camera(
    embeddings: NDArray[np.float32], vehicles: Sequence[str], cameras: Sequence[str], kinds: Sequence[str] = ()
) -> Retrieval:
    """Every picture is a query; its gallery is all pictures of the other cameras; all directions are pooled.

    Ties count against the query: among equal similarities every wrong picture comes before every right one, so that a
    constant embedding scores no better than chance.

    Args:
        embeddings: (N, D), rows of L2 norm 1.
        vehicles: Truth, one per row.
        cameras: One per row.
        kinds: Vehicle classes, one per row; empty when not known.

    Returns:
        Figures over the queries that have a right answer.

    Raises:
        ValueError: Lengths differ, or no query has a right answer.
    """
    n = len(embeddings)
    if len(vehicles) != n or len(cameras) != n or (kinds and len(kinds) != n):
        raise ValueError(f"{n} embeddings need as many labels, got {len(vehicles)} vehicles and {len(cameras)} cameras")
    vehicle, camera = np.asarray(vehicles), np.asarray(cameras)
    first_hits: list[int] = []
    precisions: list[float] = []
    hits_by_kind: dict[str, list[bool]] = defaultdict(list)
    for query in range(n):
        elsewhere = camera != camera[query]
        right = (vehicle == vehicle[query])[elsewhere]
        if not right.any():
            continue
        similarities = embeddings[elsewhere].astype(np.float64) @ embeddings[query].astype(np.float64)
        places = pessimistic_places(similarities, right)
        first_hits.append(int(places[0]))
        precisions.append(float(np.mean(np.arange(1, len(places) + 1) / places)))
        hits_by_kind[kinds[query] if kinds else "vehicle"].append(bool(places[0] == 1))
    if not first_hits:
        raise ValueError("no query has a right answer in another camera")
    first = np.array(first_hits)
    per_class = {kind: float(np.mean(hits)) for kind, hits in sorted(hits_by_kind.items())}
    return Retrieval(
        protocol="cross-camera",
        queries=len(first),
        skipped=n - len(first),
        rank1=float(np.mean(first == 1)),
        rank5=float(np.mean(first <= 5)),
        mean_average_precision=float(np.mean(precisions)),
        per_class=per_class,
        rank1_macro_class=float(np.mean(list(per_class.values()))),
    )


def pessimistic_places(similarities: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the right answers in the ranking, 1 first, with ties counted against them.

    Args:
        similarities: (G,), higher is more alike.
        right: (G,), which are right answers.

    Returns:
        Ascending, one per right answer.

    >>> pessimistic_places(np.array([0.9, 0.5, 0.9, 0.1]), np.array([True, False, False, True])).tolist()
    [2, 4]
    """
    quantised = np.round(similarities / TIE).astype(np.int64)
    order = np.lexsort((right, -quantised))
    return np.flatnonzero(right[order]) + 1


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m reid.evaluate", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint, *.safetensors")
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--pattern", default="pairs", help="name of a file-name pattern, or a regular expression")
    parser.add_argument("--split", type=Path, help="file that names the pictures to use")
    options = parser.parse_args(argv)

    from reid.checkpoint import load_checkpoint
    from reid.data import read_folder
    from reid.embedding import embed_samples

    try:
        net, metadata = load_checkpoint(options.weights)
        data = read_folder(options.data, "data", options.pattern, split=options.split)
        embeddings = embed_samples(net, data.samples, metadata.preprocessing)
        samples = data.samples
        figures = cross_camera(
            embeddings, [s.vehicle for s in samples], [s.camera for s in samples], [s.kind for s in samples]
        )
    except (ReidError, ValueError) as exc:
        sys.stderr.write(f"reid.evaluate: {' '.join(str(exc).split())}\n")
        return 1
    sys.stdout.write(json.dumps(figures.document() | {"unreadable": len(data.unreadable)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

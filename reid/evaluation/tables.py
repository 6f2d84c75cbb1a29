"""Figures apart: by a label of the query, and by pairs of labels (camera to camera, view to view). Ranks nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reid.evaluation.metrics import weighted_mean
from reid.evaluation.ranking import Answers, Judged, encode, pessimistic_places

ARROW = ">"
_NO_LABEL = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of some queries: how many, rank-1 and mAP in [0, 1]."""

    queries: int
    rank1: float
    mean_average_precision: float

    def document(self) -> dict[str, object]:
        """JSON form."""
        return {
            "queries": self.queries,
            "rank1": round(self.rank1, 4),
            "mAP": round(self.mean_average_precision, 4),
        }


Table = dict[str, Row]


def table_by(judged: Judged, labels: Sequence[str]) -> Table:
    """Figures by a label of the query, sorted by label.

    Args:
        judged: J queries.
        labels: J labels; queries with an empty one are in no row.
    """
    held = np.asarray(labels, np.str_)
    table = {}
    for label in sorted(set(labels) - {""}):
        rows = held == label
        weight = judged.weight[rows]
        table[label] = Row(
            int(rows.sum()),
            weighted_mean(judged.first[rows] == 1, weight),
            weighted_mean(judged.precision[rows], weight),
        )
    return table


class PairTable:
    """Collects figures by label of the query and label of its answers: "a>b" asks with a and is answered by b.

    Answers of the query's vehicle with another label than b are left out of row b. Wrong answers are those with label b
    where ``within`` is on (a camera searched alone), else all (another view of it among everything).
    """

    def __init__(self, query: Sequence[str], gallery: Sequence[str], *, within: bool) -> None:
        """Collects nothing yet.

        Args:
            query: Label of each query, "" for none.
            gallery: Label of each gallery column, "" for none.
            within: Search answers with the label alone.
        """
        self._names = ["", *sorted((set(query) | set(gallery)) - {""})]
        _, self._query, self._gallery = encode(self._names, query, gallery)
        self._within = within
        self._places: dict[tuple[int, int], list[tuple[bool, float]]] = defaultdict(list)

    def visit(self, answers: Answers) -> None:
        """Takes one query in."""
        own = int(self._query[answers.query])
        labels = self._gallery[answers.columns]
        if own == _NO_LABEL:
            return
        for label in np.unique(labels[answers.right]):
            if label == _NO_LABEL:
                continue
            with_label = labels == label
            wrong = ~answers.right & with_label if self._within else ~answers.right
            places = pessimistic_places(answers.order[answers.right & with_label], answers.order[wrong])
            precision = float(np.mean(np.arange(1, len(places) + 1) / places))
            self._places[own, int(label)].append((bool(places[0] == 1), precision))

    def table(self) -> Table:
        """Rows sorted by their labels."""
        rows = {}
        for (own, other), found in sorted(self._places.items()):
            hits, precisions = zip(*found, strict=True)
            rows[f"{self._names[own]}{ARROW}{self._names[other]}"] = Row(
                len(found), float(np.mean(hits)), float(np.mean(precisions))
            )
        return rows

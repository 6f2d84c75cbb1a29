"""What a baseline is: pictures to descriptions, descriptions to similarities. Knows no vehicle and no protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.ranking import Reorder, Scores, cosine_scores
from reid.types import Image

D = TypeVar("D")
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Search:
    """How a gallery answers: similarities, and what re-orders the top of each answer, if anything does."""

    scores: Scores
    reorder: Reorder | None = None


class Baseline(Protocol, Generic[D]):
    """A method of retrieval that learns nothing of vehicles."""

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Looks at pictures without labels (vocabularies, principal axes); does nothing where nothing is needed.

        Args:
            pictures: uint8 (H, W, 3) BGR each, two or more.
            rng: Source of all chance.
        """
        ...

    def describe(self, pictures: Sequence[Image]) -> list[D]:
        """One description per picture, in order."""
        ...

    def search(self, query: Sequence[D], gallery: Sequence[D]) -> Search:
        """Prepares the answers of a gallery to queries."""
        ...


class VectorBaseline:
    """Part of a baseline whose descriptions are unit vectors: needs nothing learned, compares by cosine."""

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Learns nothing."""

    def search(self, query: Sequence[Vector], gallery: Sequence[Vector]) -> Search:
        """Cosines."""
        return Search(cosine_scores(np.stack(query), np.stack(gallery)))


def unit_rows(rows: NDArray[np.floating]) -> Vector:
    """Rows of L2 norm 1 as float32; rows of zeros stay so."""
    lengths = np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    unit: Vector = (rows / lengths).astype(np.float32)
    return unit

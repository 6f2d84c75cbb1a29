"""The boundary types of re-identification: what an embedder is and how its similarities are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a vehicle's likeness is left in pictures of it that have few pixels.

    Attributes:
        sizes_px: Square roots of a picture's area, ascending; none when it is not known.
        shares: For each the similarity to a full picture of the same vehicle over that of two full ones, in (0, 1].
    """

    sizes_px: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        sizes = self.sizes_px
        if len(sizes) != len(self.shares) or list(sizes) != sorted(set(sizes)) or any(size <= 0 for size in sizes):
            raise ValueError(f"sizes must be above 0, ascending, with a share each, got {sizes} and {self.shares}")
        if not all(0 < share <= 1 for share in self.shares):
            raise ValueError(f"shares must lie in (0, 1], got {self.shares}")

    def share(self, size_px: float) -> float:
        """The share at a size, linear in its logarithm and level beyond both ends; 1 where nothing is known.

        >>> Detail((20.0, 80.0), (0.5, 0.9)).share(40.0)
        0.7
        """
        if size_px <= 0 or not self.sizes_px:
            return 1.0
        return float(np.interp(math.log(size_px), np.log(self.sizes_px), self.shares))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a cosine similarity into a log-likelihood ratio (same vehicle against different), in nats.

    The ratio is ``slope * similarity + offset``, clipped to ``[-limit, limit]``: beyond what the calibration set could
    show, evidence is not extrapolated. Of every further sighting of a vehicle a share of ``independence`` tells what
    those before did not (`reid.pooled`).
    """

    slope: float
    offset: float
    limit: float = 8.0
    detail: Detail = Detail()
    independence: float = 0.0

    def __post_init__(self) -> None:
        if self.slope <= 0 or self.limit <= 0:
            raise ValueError(f"slope and limit must be > 0, got {self.slope} and {self.limit}")
        if not 0.0 <= self.independence <= 1.0:
            raise ValueError(f"independence must lie in [0, 1], got {self.independence}")

    def log_likelihood_ratio(self, similarity: float) -> float:
        """Evidence for "the same vehicle" in nats, in [-limit, limit].

        >>> round(Calibration(slope=20.0, offset=-10.0).log_likelihood_ratio(0.6), 6)
        2.0
        """
        return max(-self.limit, min(self.limit, self.slope * similarity + self.offset))

    def probability(self, similarity: float, prior: float = 0.5) -> float:
        """Probability of "the same vehicle" under a prior in (0, 1)."""
        logit = self.log_likelihood_ratio(similarity) + math.log(prior / (1 - prior))
        return 1 / (1 + math.exp(-logit))

    def posterior(self, similarities: Sequence[float]) -> list[float]:
        """How likely each of several vehicles is the one asked for, if one of them is and all are as likely before.

        Ratios are not clipped here: what counts is by how much one vehicle is ahead of the others, and two that look
        alike share what there is. Whether any of them is the one is for :meth:`probability` to say.

        Args:
            similarities: Of the query to each vehicle, different vehicles each.

        Returns:
            As many, in their order; they add up to 1.

        >>> [round(p, 3) for p in Calibration(slope=20.0, offset=-10.0).posterior([0.8, 0.8, 0.6])]
        [0.495, 0.495, 0.009]
        """
        if not similarities:
            return []
        best = max(similarities)
        weights = [math.exp(self.slope * (similarity - best)) for similarity in similarities]
        total = sum(weights)
        return [weight / total for weight in weights]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What must agree before two vectors may be compared, and how to compare them.

    Attributes:
        model_id: sha256 over training checkpoint, preprocessing and head version.
        dim: Length of a vector, at most 256.
        input_hw: Network input height and width in pixels.
        calibration: Fitted with this model on vehicles of its own.
    """

    model_id: str
    dim: int
    input_hw: tuple[int, int]
    calibration: Calibration


class Embedder(Protocol):
    """Crops in, unit vectors out."""

    @property
    def spec(self) -> EmbedderSpec:
        """The model behind the vectors."""
        ...

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Embeds crops of any size.

        Args:
            crops: uint8 (H, W, 3) BGR pictures of one vehicle each; may be empty.

        Returns:
            float32 (N, D) in the order of ``crops``, each row of L2 norm 1; (0, D) for no crops.

        Raises:
            ValueError: A crop is not uint8 (H, W, 3) or has no pixels.
        """
        ...

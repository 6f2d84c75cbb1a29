"""How a client asks: options of searches, pictures, retries. Owns values only; light to import."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from services.matcher.types import Grouping, ImageMode, Reranking, SearchFilter

DEFAULT_ADDRESS = "127.0.0.1:50661"


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a search is to be answered.

    Attributes:
        k: Most matches wanted, at least 1.
        wanted: Which sightings may answer.
        grouping: Per sighting or per identity.
        min_log_position: Wait until the gallery has seen this position; empty for now.
        rerank: How the best are put in order once more.
        rerank_depth: How many of the best are.
    """

    k: int = 10
    wanted: SearchFilter = field(default_factory=SearchFilter)
    grouping: Grouping = Grouping.SIGHTING
    min_log_position: str = ""
    rerank: Reranking = Reranking.NONE
    rerank_depth: int = 100


@dataclass(frozen=True, slots=True)
class Probe:
    """A vehicle shown in one of four ways; exactly one of the first four is given.

    Attributes:
        image: A picture file's bytes.
        embedding: A vector of the gallery's model.
        sighting_id: A sighting in the gallery. None, as with the others, where it is not given.
        identity_id: An identity in the gallery.
        mode: With an image, which part of it is meant.
        box_xyxy: With mode BOX, the vehicle in px.
        model_id: With an embedding, the model that made it; empty for the gallery's own.
    """

    image: bytes | None = None
    embedding: tuple[float, ...] | None = None
    sighting_id: str | None = None
    identity_id: str | None = None
    mode: ImageMode = ImageMode.LARGEST
    box_xyxy: tuple[float, float, float, float] | None = None
    model_id: str = ""

    def __post_init__(self) -> None:
        given = (self.image, self.embedding, self.sighting_id, self.identity_id)
        if sum(each is not None for each in given) != 1:
            raise ValueError("a probe is one of image, embedding, sighting_id and identity_id")


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When a call that failed for now is made again. Only calls that change nothing, or can be repeated, are.

    Attributes:
        attempts: Calls at most, the first included.
        first_pause_s: Before the second; doubled each time, with jitter so that clients do not come back together.
        longest_pause_s: Never longer.
    """

    attempts: int = 4
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0

    def pause_s(self, failed: int, jitter: Callable[[], float] = random.random) -> float:
        """How long to wait after so many failures, at least 1.

        >>> RetryRules().pause_s(2, lambda: 1.0)
        0.2
        """
        longest = min(self.longest_pause_s, self.first_pause_s * 2 ** (failed - 1))
        return float(longest * (0.5 + 0.5 * jitter()))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two are one vehicle."""

    similarity: float
    probability: float
    same: bool


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What was put in."""

    identity_id: str
    sighting_id: str
    log_position: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    imported: int
    passed_over: int
    log_position: str

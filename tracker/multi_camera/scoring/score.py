"""How strongly the evidence says that an observation is a known identity, in nats against "never seen before".

Owns the likelihood ratios; never assigns. The ratio of travel times is the rate at which this identity is expected in
this view now, over the rate at which new vehicles come into this view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reid.pooled import pool
from reid.types import Calibration
from tracker.multi_camera.arrays import Floats, Rows
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.appearance import Comparison, Near
from tracker.multi_camera.scoring.attributes import agreement
from tracker.multi_camera.scoring.pairs import Pairs
from tracker.multi_camera.scoring.paths import Paths, weighted
from tracker.multi_camera.scoring.together import Judges, Together
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.types import Observation

#: How many times more identities are compared over known links than over unknown ones.
KNOWN_LINK_FACTOR = 4
#: A single sighting.
ONE = np.ones((), np.intp)
SOURCES = ("appearance", "time", "zone", "class", "colour")


@dataclass(frozen=True, slots=True)
class Scores:
    """Evidence for one observation against the candidates among the rows of the memory.

    Attributes:
        rows: int (R,), the candidates, ascending.
        total: float64 (R,), nats; -inf where the identity is ruled out.
        parts: float64 (5, R) in the order of ``SOURCES``.
    """

    rows: Rows
    total: Floats
    parts: Floats

    def evidence(self, row: int) -> dict[str, float]:
        """Nats by source for one candidate's row."""
        at = int(np.searchsorted(self.rows, row))
        return dict(zip(SOURCES, self.parts[:, at].round(4).tolist(), strict=True))

    def of(self, row: int) -> float:
        """Total of a row, -inf when it is no candidate."""
        at = int(np.searchsorted(self.rows, row))
        return float(self.total[at]) if at < len(self.rows) and self.rows[at] == row else -np.inf


class Scorer:
    """Scores observations against a memory under a topology.

    Args:
        settings: Weights and limits.
        calibration: What similarity of two closed sightings is worth.
        memory: The identities.
        topology: What is known of links.
        reliability: How much of that similarity an observation shows yet, in [0, 1].
    """

    def __init__(
        self,
        settings: AssociationSettings,
        calibration: Calibration,
        memory: IdentityMemory,
        topology: Topology,
        reliability: Callable[[Observation], float],
    ) -> None:
        self._settings = settings
        self._calibration = pool(calibration, settings.visits_kept)
        self._memory = memory
        self._paths = Paths(settings, memory, topology)
        self._comparison = Comparison(memory, KNOWN_LINK_FACTOR * settings.unknown_link_candidates)
        self._judges = Judges(settings, self._calibration, memory, topology, self._paths, self._comparison, reliability)
        self._together: Together | None = None

    @property
    def paths(self) -> Paths:
        """Judges times and zones alone."""
        return self._paths

    def score(self, observation: Observation, keep: int | None = None) -> Scores:
        """Evidence that the observation is each of the remembered identities; it must not be a member of one.

        Args:
            observation: What to score.
            keep: A row to score even if it would not be a candidate.
        """
        return self._scores([observation], keep)[0]

    def score_all(self, observations: Sequence[Observation]) -> list[Scores]:
        """As :meth:`score` of each, at once."""
        return self._scores(observations, None)

    def _scores(self, observations: Sequence[Observation], keep: int | None) -> list[Scores]:
        settings, memory = self._settings, self._memory
        pairs = self._pairs(observations, keep)
        of, rows = pairs.of, pairs.rows
        classes = np.stack([o.class_probs for o in observations]).astype(np.float64)
        parts = np.empty((len(SOURCES), len(rows)))
        np.multiply(pairs.looks, settings.appearance_weight, out=parts[0])
        parts[1] = weighted(settings.time_weight, pairs.time)
        np.multiply(pairs.zone, settings.zone_weight, out=parts[2])
        parts[3] = settings.class_weight * agreement(classes, of, memory.class_probs[rows], memory.class_total)
        parts[4] = settings.colour_weight * self._colour(observations, of, rows)
        total = parts.sum(axis=0)
        ends = np.searchsorted(of, np.arange(len(observations) + 1)).tolist()
        return [Scores(rows[begin:end], total[begin:end], parts[:, begin:end]) for begin, end in pairwise(ends)]

    def _pairs(self, observations: Sequence[Observation], keep: int | None) -> Pairs:
        together = self._together
        numbers = None if together is None else together.numbers(observations)
        if together is None or numbers is None:
            together, numbers = Together(self._judges, observations), range(len(observations))
        return together.pairs(numbers, keep)

    def appearance_nats(
        self, similarity: Floats, one: NDArray[np.intp], other: NDArray[np.intp], detail: Floats | float
    ) -> Floats:
        """Evidence of products of two means over so many closed sightings each, with so much detail together."""
        nats: Floats = self._settings.appearance_weight * self._calibration.nats(similarity, one, other, detail)
        return nats

    def at_once(self, observations: Sequence[Observation]) -> Floats:
        """What speaks against two observations being one vehicle that two views show at once: looks, or the views.

        Returns:
            float64 (N, N), nats, at most 0; -inf within a camera, and for what cannot be compared.
        """
        found = self._memory.query_vectors(observations)
        known = [place for place, vector in enumerate(found) if vector is not None]
        nats = np.full((len(found), len(found)), -np.inf)
        if known:
            vectors = np.stack([vector for vector in found if vector is not None])
            shown = self._judges.reliability_of([observations[place] for place in known])
            looks = self.appearance_nats((vectors @ vectors.T).astype(np.float64), ONE, ONE, shown[:, None] * shown)
            camera = self._paths.visits_of([observations[place] for place in known]).camera
            one, other = camera[:, None], camera[None, :]
            against = np.minimum(looks, 0.0) + self._judges.topology.tables().log_overlap_known((one, other))
            nats[np.ix_(known, known)] = np.where(one == other, -np.inf, against)
        return nats

    def prepare(self, batch: Sequence[Observation]) -> None:
        """Tells which observations will be scored next, so that they are compared together, ahead."""
        self._comparison.prepare(batch)

    def prepare_in_parts(self, batch: Sequence[Observation]) -> Iterator[None]:
        """As :meth:`prepare`, with pauses in which memory may change."""
        return self._comparison.prepare_in_parts(batch)

    def expect(self, observations: Sequence[Observation]) -> None:
        """Tells what will be scored from now on, in that order or parts of it, so that it is worked out at once."""
        self._together = Together(self._judges, observations) if observations else None

    def nearest(self, observations: Sequence[Observation]) -> Near:
        """Pairs of observations and the identities that look most like them or changed lately."""
        return self._comparison.near(observations)

    def forget(self, sighting_ids: Iterable[str]) -> None:
        """Drops what was prepared of observations."""
        self._comparison.forget(sighting_ids)

    def _colour(self, observations: Sequence[Observation], of: Rows, rows: Rows) -> Floats:
        memory = self._memory
        if not any(o.colour for o in observations):
            return np.zeros(len(rows))
        here = np.stack([memory.colour_vector(o) for o in observations])
        names = memory.colours_known
        return agreement(here[:, :names], of, memory.colour_probs[rows, :names], memory.colour_total[:names])

"""How strongly the evidence says that an observation is a known identity, in nats against "never seen before".

Owns the likelihood ratios; never assigns. The ratio of travel times is the rate at which this identity is expected in
this view now, over the rate at which new vehicles come into this view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from reid.types import Calibration
from tracker.multi_camera.appearance import Comparison, Similarity
from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.pooling import pool
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology import (
    NO_CELL,
    NS,
    Topology,
    Visits,
    cell_of,
)
from tracker.multi_camera.travel import Floats
from tracker.multi_camera.types import Observation

Rows = NDArray[np.intp]

#: Share of class and colour readings taken to be wrong.
CONFUSION = 0.1
ATTRIBUTE_LIMIT = 3.0
#: Transitions from which a link counts as known.
KNOWN_LINK = 5.0
#: How many times more identities are compared over known links than over unknown ones.
KNOWN_LINK_FACTOR = 4
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
        return {name: round(float(self.parts[i, at]), 4) for i, name in enumerate(SOURCES)}

    def of(self, row: int) -> float:
        """Total of a row, -inf when it is no candidate."""
        at = int(np.searchsorted(self.rows, row))
        return float(self.total[at]) if at < len(self.rows) and self.rows[at] == row else -np.inf


class Scorer:
    """Scores observations against a memory under a topology."""

    def __init__(
        self, settings: AssociationSettings, calibration: Calibration, memory: IdentityMemory, topology: Topology
    ) -> None:
        self._settings = settings
        self._calibration = pool(calibration, settings.visits_kept)
        self._memory = memory
        self._topology = topology
        self._comparison = Comparison(memory)

    def score(self, observation: Observation, keep: int | None = None) -> Scores:
        """Evidence that the observation is each of the remembered identities; it must not be a member of one.

        Args:
            observation: What to score.
            keep: A row to score even if it would not be a candidate.
        """
        settings, memory = self._settings, self._memory
        similarity = self._comparison.similarity(observation)
        rows = self._candidates(observation, similarity, keep)
        time, zone = self._travel(observation, rows)
        appearance = self._calibration.nats(similarity[rows].astype(np.float64), memory.sources[rows])
        parts = np.zeros((len(SOURCES), len(rows)))
        parts[:] = [
            settings.appearance_weight * appearance,
            settings.time_weight * time,
            settings.zone_weight * zone,
            settings.class_weight * self._class(observation, rows),
            settings.colour_weight * self._colour(observation, rows),
        ]
        return Scores(rows, parts.sum(axis=0), parts)

    def appearance_nats(self, similarity: Floats, one: NDArray[np.intp], other: NDArray[np.intp]) -> Floats:
        """Evidence of products of two means over so many sightings each; arguments broadcast."""
        nats: Floats = self._settings.appearance_weight * self._calibration.nats(similarity, one, other)
        return nats

    def prepare(self, batch: Sequence[Observation]) -> None:
        """Tells which observations will be scored next, so that they are compared together."""
        self._comparison.prepare(batch)

    def _candidates(self, observation: Observation, best: Similarity, keep: int | None) -> Rows:
        """Rows nearest by appearance, fewer of them over unknown links than over known ones; and ``keep``."""
        memory = self._memory
        near = _nearest(best, KNOWN_LINK_FACTOR * self._settings.unknown_link_candidates)
        near = near[best[near] > -np.inf]
        last = memory.visits.camera[near, memory.visit_counts[near] - 1]
        camera = self._topology.camera(observation.camera_id)
        known = self._topology.tables().travelled[last, camera] >= KNOWN_LINK
        unknown = near[~known]
        unknown = unknown[_nearest(best[unknown], self._settings.unknown_link_candidates)]
        chosen = np.concatenate([near[known], unknown])
        if keep is not None and best[keep] > -np.inf:
            chosen = np.append(chosen, keep)
        return np.unique(chosen)

    # ------------------------------------------------------------------ travel

    def _travel(self, observation: Observation, rows: Rows) -> tuple[Floats, Floats]:
        """Time and zone evidence, (R,) each; time is -inf for identities that cannot be it."""
        memory = self._memory
        time, zone = np.zeros(len(rows)), np.zeros(len(rows))
        here = self._here(observation)
        start_s = float(here.start_s)
        involved = (memory.busy_until_s[rows] >= start_s) | (memory.latest_start_s[rows] > start_s)
        plain = rows[~involved]
        last = _pick(memory.visits, plain, memory.visit_counts[plain] - 1)
        time[~involved], zone[~involved] = self.transition(last, here)
        if involved.any():
            time[involved], zone[involved] = self._insert(rows[involved], here)
        return time, zone

    def _here(self, observation: Observation) -> Visits:
        return Visits(
            camera=np.array(self._topology.camera(observation.camera_id)),
            start_s=np.array(observation.start_ns * NS),
            end_s=np.array(observation.end_ns * NS),
            open=np.array(not observation.final),
            entry=np.array(cell_of(observation.entry)),
            exit=np.array(cell_of(observation.exit) if observation.final else NO_CELL),
        )

    def _insert(self, rows: Rows, here: Visits) -> tuple[Floats, Floats]:
        """Evidence of putting a visit between those of identities that are in view now or were seen later."""
        memory, tables = self._memory, self._topology.tables()
        visits = _pick(memory.visits, rows, slice(None))
        counts = memory.visit_counts[rows]
        before = (visits.start_s <= here.start_s).sum(axis=1) - 1
        after = before + 1
        each = np.arange(len(rows))
        has_before, has_after = before >= 0, after < counts
        previous = _pick(visits, each, np.maximum(before, 0))
        following = _pick(visits, each, np.minimum(after, counts - 1))
        time, zone = _masked(self.transition(previous, here), has_before)
        for sign, step, mask in (
            (1.0, self.transition(here, following), has_after),
            (-1.0, self.transition(previous, following), has_before & has_after),
        ):
            step_time, step_zone = _masked(step, mask)
            time, zone = time + sign * step_time, zone + sign * step_zone

        until = np.where(visits.open, np.inf, visits.end_s)
        here_until = np.inf if here.open else here.end_s
        real = np.arange(visits.camera.shape[1])[None, :] < counts[:, None]
        together = real & (visits.start_s < here_until) & (until > here.start_s)
        column = np.arange(visits.camera.shape[1])[None, :]
        neighbour = (column == before[:, None]) | (column == after[:, None])
        against = np.minimum(tables.log_overlap[visits.camera, here.camera] - tables.log_prior_overlap, 0.0)
        time += np.where(together & ~neighbour, against, 0.0).sum(axis=1)
        time[(together & (visits.camera == here.camera)).any(axis=1)] = -np.inf
        return time, zone

    def transition(self, before: Visits, after: Visits) -> tuple[Floats, Floats]:
        """Evidence that vehicles went from one visit to the next, in nats against new arrivals.

        Args:
            before: Visits, any shape.
            after: Visits that start no earlier, broadcasting with ``before``.

        Returns:
            Time and zone evidence.
        """
        time = self._topology.log_transition(before, after)
        tables = self._topology.tables()
        zone = (
            tables.zone_entry[before.camera, after.camera, after.entry]
            + tables.zone_exit[before.camera, after.camera, before.exit]
        )
        return time, zone

    def joint_path_nats(self, one: int, other: int) -> float:
        """Evidence from time and zones that two rows are one vehicle's path; -inf when one camera saw both at once."""
        memory = self._memory
        a, b = (_pick(memory.visits, np.array(r), slice(0, int(memory.visit_counts[r]))) for r in (one, other))
        a_until, b_until = (np.where(v.open, np.inf, v.end_s) for v in (a, b))
        together = (a.start_s[:, None] < b_until[None, :]) & (b.start_s[None, :] < a_until[:, None])
        if (together & (a.camera[:, None] == b.camera[None, :])).any():
            return -np.inf
        joint = Visits(*(np.concatenate([getattr(a, f.name), getattr(b, f.name)]) for f in fields(Visits)))
        return self._path_nats(joint) - self._path_nats(a) - self._path_nats(b)

    def _path_nats(self, visits: Visits) -> float:
        order = np.argsort(visits.start_s, kind="stable")
        before, after = (
            Visits(*(getattr(visits, f.name)[index] for f in fields(Visits))) for index in (order[:-1], order[1:])
        )
        time, zone = self.transition(before, after)
        return float(self._settings.time_weight * time.sum() + self._settings.zone_weight * zone.sum())

    # ------------------------------------------------------------------ attributes

    def _class(self, observation: Observation, rows: Rows) -> Floats:
        return _agreement(np.asarray(observation.class_probs, np.float64), self._memory.class_probs[rows])

    def _colour(self, observation: Observation, rows: Rows) -> Floats:
        memory = self._memory
        if not observation.colour:
            return np.zeros(len(rows))
        here = memory.colour_vector(observation)
        names = memory.colours_known
        return _agreement(here[:names], memory.colour_probs[rows, :names])


def _agreement(here: Floats, known: Floats) -> Floats:
    """Log ratio of two readings agreeing on one thing against two things drawn at random.

    Args:
        here: float64 (A,), probabilities of the observation.
        known: float64 (K, A), of the identities; rows of zeros carry no evidence.

    Returns:
        float64 (K,), nats within ``ATTRIBUTE_LIMIT``.
    """
    seen = known.sum(axis=1) > 0
    base = known.sum(axis=0) + here + 1.0
    base = base / base.sum()
    a = (1 - CONFUSION) * here / max(here.sum(), 1e-9) + CONFUSION * base
    b = (1 - CONFUSION) * known + CONFUSION * base
    ratio = np.log(np.maximum((a * b / base).sum(axis=1), 1e-9))
    return np.where(seen, np.clip(ratio, -ATTRIBUTE_LIMIT, ATTRIBUTE_LIMIT), 0.0)


def _nearest(similarity: Similarity, limit: int) -> Rows:
    """Indices of the largest, at most ``limit`` of them, in no order."""
    if len(similarity) <= limit:
        return np.arange(len(similarity))
    return np.argpartition(similarity, -limit)[-limit:]


def _pick(visits: Visits, rows: Rows, columns: Rows | slice) -> Visits:
    return Visits(
        camera=visits.camera[rows, columns],
        start_s=visits.start_s[rows, columns],
        end_s=visits.end_s[rows, columns],
        open=visits.open[rows, columns],
        entry=visits.entry[rows, columns],
        exit=visits.exit[rows, columns],
    )


def _masked(pair: tuple[Floats, Floats], mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    return np.where(mask, pair[0], 0.0), np.where(mask, pair[1], 0.0)

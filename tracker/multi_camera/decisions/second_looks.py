"""Closed sightings looked at again, together with those of identities they may belong to. Owns what is looked at.

Proposes how sightings should stand together; changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tracker.multi_camera.decisions.regroup import Evidence, Group, evidence_of, regrouped
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.score import Scorer, Scores
from tracker.multi_camera.types import Observation

#: Nats that a proposal has to gain to be followed.
GAINED = 0.5
#: Nats against "never seen before" from which an identity's sightings are looked at with those of the sighting's own.
NEAR = -6.0
#: Nats that such an identity may be behind the sighting's own: where that is clear there is nothing to look at.
BEHIND = 8.0
#: Identities looked at together, and their sightings, at most.
TOGETHER, SIGHTINGS = 8, 48


@dataclass(frozen=True, slots=True)
class Proposal:
    """How sightings should stand together.

    Attributes:
        groups: Sightings of one vehicle each, by start.
        gained: Nats by which that explains all of them better than how they stand; infinite where they could not.
    """

    groups: list[list[Observation]]
    gained: float


class SecondLooks:
    """Puts the sightings of a few identities together anew.

    Args:
        scorer: Judges looks, times and zones.
        memory: Holds the identities.
        free: Whether a sighting may leave its identity; others stay together as they are.
    """

    def __init__(self, scorer: Scorer, memory: IdentityMemory, free: Callable[[str], bool]) -> None:
        self._scorer = scorer
        self._memory = memory
        self._free = free

    def propose(self, owner: str, scores: Scores, leave_out: Callable[[str], bool]) -> Proposal | None:
        """How an identity's sightings and those of the likeliest others should stand together.

        Args:
            owner: The identity.
            scores: Evidence for a sighting of it, as if that were not decided.
            leave_out: Tells identities that are not looked at.

        Returns:
            None when there is nothing to look at, or the evidence gains less than ``GAINED``.
        """
        members = self._members(owner, scores, leave_out)
        if len(members) < 2:
            return None
        seen = sorted((o for part in members for o in part), key=lambda o: (o.start_ns, o.sighting_id))
        number = {o.sighting_id: i for i, o in enumerate(seen)}
        evidence = self._evidence(seen)
        if evidence is None:
            return None
        now: list[Group] = []
        blocks: list[Group] = []
        for part in members:
            now.append(sorted(number[o.sighting_id] for o in part))
            bound = sorted(number[o.sighting_id] for o in part if not self._free(o.sighting_id))
            blocks += [[number[o.sighting_id]] for o in part if self._free(o.sighting_id)] + ([bound] if bound else [])
        groups = regrouped(evidence, sorted(blocks))
        if sorted(groups) == sorted(now):
            return None
        gained = evidence_of(evidence, groups) - evidence_of(evidence, now)
        if gained <= GAINED:
            return None
        return Proposal([[seen[i] for i in group] for group in groups], gained)

    def _members(self, owner: str, scores: Scores, leave_out: Callable[[str], bool]) -> list[list[Observation]]:
        """Sightings by identity: the owner's and those of the likeliest others."""
        memory = self._memory
        own = scores.of(memory.row(owner))
        own = own if np.isfinite(own) else 0.0
        near = np.flatnonzero(scores.total > max(NEAR, own - BEHIND))
        order = near[np.argsort(-scores.total[near], kind="stable")]
        members = [memory.members(owner)]
        total = len(members[0])
        for row in scores.rows[order].tolist():
            identity_id = memory.row_ids[row]
            if identity_id is None or identity_id == owner or leave_out(identity_id):
                continue
            part = memory.members(identity_id)
            total += len(part)
            if total > SIGHTINGS or len(members) == TOGETHER:
                break
            members.append(part)
        return members

    def _evidence(self, seen: Sequence[Observation]) -> Evidence | None:
        vectors = [self._memory.query_vector(o) for o in seen]
        known = [v for v in vectors if v is not None]
        if len(known) < len(seen):
            return None
        n = len(seen)
        stacked = np.stack(known).astype(np.float64)
        visits = self._scorer.paths.visits_of(seen)
        i, j = np.triu_indices(n, 1)
        step = np.zeros((n, n))
        step[i, j] = self._scorer.paths.step_nats(visits.at(i), visits.at(j))
        until_s = np.where(visits.open, np.inf, visits.end_s)
        apart = (visits.start_s[:, None] < until_s[None, :]) & (visits.start_s[None, :] < until_s[:, None])
        apart &= visits.camera[:, None] == visits.camera[None, :]
        np.fill_diagonal(apart, val=False)
        detail = np.array([o.detail for o in seen])
        return Evidence(stacked @ stacked.T, detail, step, apart, self._scorer.appearance_nats)

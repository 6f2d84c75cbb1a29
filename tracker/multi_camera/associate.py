"""Sightings of many cameras become identities, online. Owns the order of decisions and their revision; does no I/O.

Pure in the sense that matters: the same pushes, the same clock readings and the same id factory give the same outcomes,
and a snapshot restored elsewhere goes on as the original would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from reid.types import Calibration
from tracker.multi_camera.assignment import Choice, assign, choose
from tracker.multi_camera.camera_means import CameraMeans
from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.merging import merge_nats, twins
from tracker.multi_camera.origins import Recent
from tracker.multi_camera.score import Scorer, Scores
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology import NS, Topology
from tracker.multi_camera.types import (
    Assigned,
    IdentityChange,
    IdentityMerge,
    IdentitySplit,
    Observation,
    Outcome,
    Snapshot,
)
from tracker.types import Decision, DecisionStatus

IdFactory = Callable[[], str]

#: Seconds after a sighting's last box at which it is looked at again, with what has come into view since. They leave
#: the bucket's wait and the tracker's until the 10 s within which identities settle.
REVIEW_AGE_S = 6.0


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is said of a sighting: its status, the identity it stands under, and who came second."""

    status: DecisionStatus
    identity_id: str
    runner_up: str | None


@dataclass(frozen=True, slots=True)
class _Look:
    """What another look at a sighting shows: where it stands, where it belongs now, and by how many nats more."""

    owner: str
    own_row: int | None
    scores: Scores
    choice: Choice
    target: str | None
    runner_up: str | None
    lead: float


@dataclass(slots=True)
class _Bucket:
    """What is being decided together, and what came of it so far."""

    owners: dict[str, str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    changes: list[IdentityChange] = field(default_factory=list)


class Associator:
    """Decides which identity each sighting belongs to, and revises it as the sighting grows.

    Call :meth:`push` for every revision that arrives and :meth:`decide` whenever :meth:`due` says so; apply the outcome
    in its order. Not thread-safe.

    Args:
        settings: The knobs.
        calibration: Of the model whose vectors are compared.
        model_id: Only its vectors are compared; sightings of other models stay identities of their own.
        id_factory: Fresh identity ids, never one twice.
    """

    def __init__(
        self, settings: AssociationSettings, calibration: Calibration, model_id: str, id_factory: IdFactory
    ) -> None:
        self._settings = settings
        self._calibration = calibration
        self._model_id = model_id
        self._id_factory = id_factory
        self._pending: dict[str, Observation] = {}
        self._oldest_pending_ns: int | None = None
        self._reset()

    def _reset(self) -> None:
        self._ambiguous: set[str] = set()
        # Sightings closed lately, with their ends.
        self._closed: dict[str, int] = {}
        self._latest_ns = 0
        self._means = CameraMeans(self._settings.camera_mean_min)
        self._topology = Topology(self._settings)
        self._memory = IdentityMemory(
            self._settings, self._model_id, camera_number=self._topology.camera, remove_camera=self._means.remove
        )
        self._recent = Recent(self._calibration, self._settings.max_trip_s)
        self._scorer = Scorer(self._settings, self._calibration, self._memory, self._topology)

    # ------------------------------------------------------------------ arrivals

    def push(self, observation: Observation, now_ns: int) -> bool:
        """Takes a revision to be decided with the next bucket; false when one as new was decided or waits already.

        A revision that comes again with ``final`` set is new.
        """
        sighting_id = observation.sighting_id
        standing = self._pending.get(sighting_id) or self._memory.observation(sighting_id)
        if standing is not None and (standing.revision, standing.final) >= (observation.revision, observation.final):
            return False
        self._pending[sighting_id] = observation
        if self._oldest_pending_ns is None:
            self._oldest_pending_ns = now_ns
        return True

    def knows(self, sighting_id: str) -> bool:
        """Whether a sighting was decided before, as far as is remembered."""
        return self._memory.owner(sighting_id) is not None

    def forget(self, sighting_id: str) -> None:
        """Drops a sighting that was deleted elsewhere."""
        self._pending.pop(sighting_id, None)
        self._ambiguous.discard(sighting_id)
        self._memory.forget_sighting(sighting_id)
        self._recent.drop(sighting_id)

    @property
    def pending(self) -> int:
        """Sightings that wait for the bucket to close."""
        return len(self._pending)

    def wait_s(self, now_ns: int) -> float | None:
        """Seconds until the bucket closes, 0 when it is due, None when nothing waits."""
        if self._oldest_pending_ns is None:
            return None
        return max(self._settings.bucket_s - (now_ns - self._oldest_pending_ns) * NS, 0.0)

    def due(self, now_ns: int) -> bool:
        """Whether the first arrival of the bucket has waited long enough."""
        return self.wait_s(now_ns) == 0.0

    # ------------------------------------------------------------------ decisions

    def decide(self) -> Outcome:
        """Decides all that waits, whether due or not.

        Vehicles that come into view are decided camera by camera in the order of their first start, jointly within a
        camera; then sightings decided before are looked at again, by start.
        """
        batch = sorted(self._pending.values(), key=lambda o: (o.start_ns, o.sighting_id))
        self._pending.clear()
        self._oldest_pending_ns = None
        if not batch:
            return Outcome()
        begun_ns, self._latest_ns = self._latest_ns, max(self._latest_ns, *(o.start_ns for o in batch))
        self._expire()
        reviewed = self._due_for_review(begun_ns)
        self._scorer.prepare([*batch, *reviewed])
        bucket = _Bucket()
        revised: list[Observation] = []
        arrivals: list[Observation] = []
        for observation in batch:
            self._remember(observation)
            owner = self._memory.owner(observation.sighting_id)
            if owner is None:
                self._topology.arrive(observation)
                arrivals.append(observation)
            else:
                bucket.owners[observation.sighting_id] = owner
                self._memory.assign(observation, owner)
                revised.append(observation)
        first_start = {o.camera_id: o.start_ns for o in reversed(arrivals)}
        arrivals.sort(key=lambda o: (first_start[o.camera_id], o.camera_id))
        for _, group in groupby(arrivals, key=lambda o: o.camera_id):
            self._admit(list(group), bucket)
        for observation in revised:
            self._revise(observation, bucket)
        for observation in reviewed:
            self._review(observation, bucket)
        self._unite([o for o in batch if o.final] + reviewed, bucket)
        self._learn([o for o in batch if o.final])
        links = {**self._topology.drain_links(), **self._means.drain_links()}
        return Outcome(tuple(bucket.decisions), tuple(bucket.changes), links)

    def _remember(self, observation: Observation) -> None:
        if observation.final:
            self._closed[observation.sighting_id] = observation.end_ns
        if observation.model_id == self._model_id:
            self._recent.put(observation)

    def _expire(self) -> None:
        gone = self._memory.forget_before(self._latest_ns * NS - self._settings.max_trip_s)
        self._ambiguous.difference_update(gone)

    def _admit(self, group: list[Observation], bucket: _Bucket) -> None:
        """First decisions on sightings of one camera."""
        scores = [self._scorer.score(o) for o in group]
        columns, totals = _table(scores)
        choices = [_in_rows(c, columns) for c in assign(totals)]
        # Rows are looked up before the first new identity takes one.
        named = [(self._identity(c.column), self._identity(c.runner_up)) for c in choices]
        for observation, score, choice, (chosen, second) in zip(group, scores, choices, named, strict=True):
            sure = choice.margin >= self._needed(observation)
            if chosen is not None and sure:
                status, identity_id, runner_up = DecisionStatus.MATCHED, chosen, second
            else:
                status = DecisionStatus.NEW if sure else DecisionStatus.AMBIGUOUS
                identity_id, runner_up = self._id_factory(), chosen or second
            self._memory.assign(observation, identity_id)
            self._note(bucket, observation, _Verdict(status, identity_id, runner_up), choice, score)

    def _revise(self, observation: Observation, bucket: _Bucket) -> None:
        """Another look at a sighting decided before, with what is known by now."""
        look = self._look_again(observation)
        runner_up = look.runner_up
        stays = look.choice.column == look.own_row or not self._overturns(observation, look.lead)
        if stays:
            status = self._standing(observation, look)
            if look.target != look.owner:
                runner_up = look.target or runner_up
        else:
            status = DecisionStatus.MATCHED if look.target is not None else DecisionStatus.NEW
            self._move(observation, look.owner, look.target, bucket)
        verdict = _Verdict(status, bucket.owners[observation.sighting_id], runner_up)
        self._note(bucket, observation, verdict, look.choice, look.scores)

    def _look_again(self, observation: Observation) -> _Look:
        """Scores a sighting as if it were not decided, and leaves it where it stands."""
        owner = self._memory.detach(observation.sighting_id)
        own_row = self._memory.row(owner) if owner in self._memory else None
        scores = self._scorer.score(observation, keep=own_row)
        own_score = 0.0 if own_row is None else scores.of(own_row)
        choice = _in_rows(choose(scores.total), scores.rows)
        # Rows are looked up before the sighting takes one back.
        target, runner_up = self._identity(choice.column), self._identity(choice.runner_up)
        self._memory.assign(observation, owner)
        return _Look(owner, own_row, scores, choice, target, runner_up, choice.score - own_score)

    def _due_for_review(self, begun_ns: int) -> list[Observation]:
        """Closed sightings that came of an age to be looked at again since the last bucket, by start."""
        oldest_ns = begun_ns - int(REVIEW_AGE_S / NS)
        self._closed = {s: end_ns for s, end_ns in self._closed.items() if end_ns >= oldest_ns}
        due = []
        for sighting_id, end_ns in self._closed.items():
            observation = self._memory.observation(sighting_id)
            if observation is not None and begun_ns < end_ns + int(REVIEW_AGE_S / NS) <= self._latest_ns:
                due.append(observation)
        return sorted(due, key=lambda o: (o.start_ns, o.sighting_id))

    def _review(self, observation: Observation, bucket: _Bucket) -> None:
        """Another look at a sighting that will not change any more; only a change is told."""
        if self._memory.owner(observation.sighting_id) is None:
            return
        look = self._look_again(observation)
        elsewhere = look.choice.column != look.own_row and look.lead > self._settings.revise_margin_nats
        if elsewhere and not self._provisional(look.target):
            self._move(observation, look.owner, look.target, bucket)

    def _provisional(self, identity_id: str | None) -> bool:
        """Whether an identity stands for nothing but a sighting that is not decided yet."""
        members = self._memory.members(identity_id) if identity_id is not None else []
        return bool(members) and all(o.sighting_id in self._ambiguous for o in members)

    def _needed(self, observation: Observation) -> float:
        """The lead in nats from which a sighting is decided."""
        return self._settings.final_margin_nats if observation.final else self._settings.margin_nats

    def _overturns(self, observation: Observation, lead: float) -> bool:
        undecided = observation.sighting_id in self._ambiguous
        return lead > 0.0 and lead >= (self._needed(observation) if undecided else self._settings.revise_margin_nats)

    def _standing(self, observation: Observation, look: _Look) -> DecisionStatus:
        """The status of a sighting that stays where it is."""
        if look.own_row is not None:
            first = self._memory.members(look.owner)[0].sighting_id == observation.sighting_id
            return DecisionStatus.NEW if first else DecisionStatus.MATCHED
        sure = look.choice.column is None and look.choice.margin >= self._needed(observation)
        return DecisionStatus.NEW if sure or observation.final else DecisionStatus.AMBIGUOUS

    def _move(self, observation: Observation, owner: str, target: str | None, bucket: _Bucket) -> None:
        """Takes a sighting out of its identity: to another, or to one of its own."""
        alone = len(self._memory.members(owner)) == 1
        if target is not None and (alone or merge_nats(self._scorer, self._memory, target, owner) > 0.0):
            self._merge(target, owner, "revised", bucket)
            return
        fresh = self._id_factory()
        self._memory.assign(observation, fresh)
        bucket.changes.append(IdentitySplit(owner, fresh, (observation.sighting_id,), "revised"))
        if target is not None:
            self._merge(target, fresh, "revised", bucket)

    def _unite(self, closed: list[Observation], bucket: _Bucket) -> None:
        """Merges identities that closed sightings belong to with others that turn out to be the same."""
        touched = dict.fromkeys(self._memory.owner(o.sighting_id) for o in closed)
        least = self._settings.merge_margin_nats
        # What grew by a merge may no longer be its twin's twin; the evidence on all others is as it was.
        merged: set[str] = set()
        for pair in twins(self._scorer, self._memory, [i for i in touched if i is not None], least):
            if any(i not in self._memory or self._provisional(i) for i in pair):
                continue
            if merged.isdisjoint(pair) or merge_nats(self._scorer, self._memory, *pair) > least:
                merged.add(self._merge(*pair, "same vehicle", bucket))

    def _merge(self, one: str, other: str, reason: str, bucket: _Bucket) -> str:
        """Makes two identities one; the one seen first survives and is returned."""
        survivor, absorbed = sorted((one, other), key=lambda i: (self._memory.members(i)[0].start_ns, i))
        self._memory.merge(survivor, absorbed)
        bucket.changes.append(IdentityMerge(survivor, absorbed, reason))
        return survivor

    def _note(
        self, bucket: _Bucket, observation: Observation, verdict: _Verdict, choice: Choice, scores: Scores
    ) -> None:
        if verdict.status is DecisionStatus.AMBIGUOUS:
            self._ambiguous.add(observation.sighting_id)
        else:
            self._ambiguous.discard(observation.sighting_id)
        matched = verdict.status is DecisionStatus.MATCHED and choice.column is not None
        looked_at = choice.column if choice.column is not None else choice.runner_up
        bucket.decisions.append(
            Decision(
                sighting_id=observation.sighting_id,
                revision=observation.revision,
                status=verdict.status,
                identity_id=verdict.identity_id,
                log_likelihood_ratio=choice.score if matched else 0.0,
                margin=choice.margin,
                probability=choice.probability if matched or choice.column is None else 1.0 - choice.probability,
                evidence={} if looked_at is None else scores.evidence(looked_at),
                runner_up=verdict.runner_up,
            )
        )

    def _learn(self, closed: list[Observation]) -> None:
        """Takes in what sightings that will not change any more teach."""
        own = [o for o in closed if o.model_id == self._model_id]
        self._learn_links(own)
        renewed = [self._means.add(o.camera_id, o.embedding) for o in own]
        if any(renewed):
            self._memory.refresh_all()

    def _learn_links(self, own: list[Observation]) -> None:
        """Takes in where such sightings of the model may have come from."""
        self._topology.conclude(self._recent.origins(own, self._topology))

    def _identity(self, row: int | None) -> str | None:
        return None if row is None else self._memory.row_ids[row]

    # ------------------------------------------------------------------ state

    def resolve(self, identity_id: str) -> str:
        """The identity behind an alias, as far as it is remembered; otherwise the id itself."""
        return self._memory.resolve(identity_id)

    @property
    def active(self) -> int:
        """Identities remembered."""
        return len(self._memory)

    def snapshot(self) -> Snapshot:
        """What :meth:`restore` needs. Arrivals that were not decided yet have to be pushed again."""
        assigned = tuple(
            Assigned(observation, identity_id, observation.sighting_id in self._ambiguous)
            for observation, identity_id in self._memory.all_members()
        )
        return Snapshot(assigned, {**self._topology.all_links(), **self._means.all_links()})

    def restore(self, assigned: Iterable[Assigned], links: Mapping[str, str]) -> None:
        """Forgets everything, arrivals included, and rebuilds from what was decided before.

        Args:
            assigned: Sightings with their identities, in any order; those older than the longest trip may be left out.
            links: Learned state by name.

        Raises:
            ValueError: Learned state cannot be read.
        """
        self._pending.clear()
        self._oldest_pending_ns = None
        self._reset()
        self._topology.load(links)
        self._means.load(links)
        for entry in sorted(assigned, key=lambda a: (a.observation.start_ns, a.observation.sighting_id)):
            self._memory.assign(entry.observation, entry.identity_id)
            self._remember(entry.observation)
            if entry.settled:
                self._closed.pop(entry.observation.sighting_id, None)
            if entry.ambiguous:
                self._ambiguous.add(entry.observation.sighting_id)
            self._latest_ns = max(self._latest_ns, entry.observation.start_ns)
        self._expire()


def _table(scores: Sequence[Scores]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Rows that are a candidate of any observation, (R,), and every observation's totals over them, (N, R)."""
    rows = np.unique(np.concatenate([s.rows for s in scores]))
    totals = np.full((len(scores), len(rows)), -np.inf)
    for i, score in enumerate(scores):
        totals[i, np.searchsorted(rows, score.rows)] = score.total
    return rows, totals


def _in_rows(choice: Choice, rows: NDArray[np.intp]) -> Choice:
    """The same choice with the memory's rows in place of a table's columns."""
    column, runner_up = (None if c is None else int(rows[c]) for c in (choice.column, choice.runner_up))
    return replace(choice, column=column, runner_up=runner_up)

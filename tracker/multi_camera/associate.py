"""Sightings of many cameras become identities, online. Owns the order of decisions and what restarts need; does no I/O.

Pure in the sense that matters: the same pushes, clock readings and ids, decisions and steps in the same order, give the
same outcomes, and a snapshot restored elsewhere goes on as the original would have.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from reid.types import Calibration
from tracker.multi_camera.asked import ASKED, from_state, to_state
from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.clocks.site_time import LINK as TIME
from tracker.multi_camera.clocks.site_time import SiteTime
from tracker.multi_camera.decisions.joint import joint_groups
from tracker.multi_camera.decisions.verdicts import Findings, IdFactory
from tracker.multi_camera.parts import Parts
from tracker.multi_camera.reconsider import Reconsideration
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.types import Assigned, Observation, Outcome, Snapshot
from tracker.multi_camera.visits import NS

#: Buckets whose second looks may be left when the next is decided: so long they may take longer than what arrives.
MOST_BEHIND = 4
#: A clock is not believed that is ahead of most others by this share of the longest trip.
FAR_SHARE = 0.5


class Associator:
    """Decides which identity each sighting belongs to, and revises it as the sighting grows.

    Call :meth:`push` for every revision that arrives and :meth:`decide` whenever :meth:`due` says so and
    :attr:`may_decide`; in between :meth:`reconsider` until :attr:`unfinished` is 0. Apply every outcome in its order.
    Between two steps arrivals may be pushed; when that happens changes no outcome. Not thread-safe.

    Args:
        settings: The knobs.
        calibration: Of the model whose vectors are compared.
        model_id: Only its vectors are compared; sightings of other models stay identities of their own.
        id_factory: Fresh identity ids, never one twice.
    """

    #: Whether closed sightings teach of links and clocks.
    learns_links: ClassVar[bool] = True

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
        # Of every bucket with a step left: sightings that arrived in it, unless what was written since tells of them,
        # and those that closed.
        self._asked: deque[tuple[list[Observation], list[Observation]]] = deque()
        self._time = SiteTime(int(FAR_SHARE * self._settings.max_trip_s / NS))
        self._parts = Parts.build(self._settings, self._calibration, self._model_id, self._id_factory)
        self._later = Reconsideration(
            self._parts,
            self._settings.merge_margin_nats,
            prepare=lambda: self._parts.scorer.prepare_in_parts(list(self._pending.values())),
            learns_links=self.learns_links,
            correct_waiting=self._correct_waiting,
        )

    # ------------------------------------------------------------------ arrivals

    def push(self, observation: Observation, now_ns: int) -> bool:
        """Takes a revision to be decided with the next bucket; false when one as new was decided or waits already.

        A revision that comes again with ``final`` set is new.
        """
        sighting_id = observation.sighting_id
        standing = self._pending.get(sighting_id) or self._parts.memory.observation(sighting_id)
        if standing is not None and (standing.revision, standing.final) >= (observation.revision, observation.final):
            return False
        right = self._pending[sighting_id] = self._parts.topology.put_right(observation)
        self._time.see(right.camera_id, right.end_ns, now_ns)
        if self._oldest_pending_ns is None:
            self._oldest_pending_ns = now_ns
        return True

    def knows(self, sighting_id: str) -> bool:
        """Whether a sighting was decided before, as far as is remembered."""
        return self._parts.memory.owner(sighting_id) is not None

    def forget(self, sighting_id: str) -> None:
        """Drops a sighting that was deleted elsewhere."""
        self._pending.pop(sighting_id, None)
        self._parts.scorer.forget([sighting_id])
        self._parts.verdicts.forget([sighting_id])
        self._parts.memory.forget_sighting(sighting_id)
        self._parts.recent.drop(sighting_id)
        self._parts.closed.bind(sighting_id)

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

    def _correct_waiting(self, corrections: Sequence[Correction]) -> None:
        """Gives what waits the times that are right by what was learned of clocks since it came."""
        for correction in corrections:
            for sighting_id, observation in self._pending.items():
                if self._parts.topology.camera(observation.camera_id) == correction.camera:
                    self._pending[sighting_id] = correction.applied(observation)

    # ------------------------------------------------------------------ decisions

    def prepare(self) -> None:
        """Compares what waits with what is remembered, ahead of :meth:`decide`, which is the faster for it."""
        self._parts.topology.prepare()
        self._parts.scorer.prepare(list(self._pending.values()))

    def decide(self) -> Outcome:
        """Decides all that waits, whether due or not.

        Vehicles that come into view are decided jointly within a camera and with those of others that they cannot be,
        else in the order of the cameras' first starts; then new revisions of sightings decided before, by start.
        """
        batch = sorted(self._pending.values(), key=lambda o: (o.start_ns, o.sighting_id))
        self._pending.clear()
        self._oldest_pending_ns = None
        if not batch:
            return Outcome()
        self._time.go_on()
        self._expire(self._time.latest_ns * NS)
        reviewed, past = self._due_for_review()
        self._parts.scorer.prepare(batch)
        findings = Findings()
        revised: list[Observation] = []
        arrivals: list[Observation] = []
        for observation in batch:
            if self._may_be(observation):
                self._remember(observation)
            owner = self._parts.memory.owner(observation.sighting_id)
            if owner is None:
                self._parts.topology.arrive(observation, self._time.now_ns * NS)
                arrivals.append(observation)
            else:
                findings.owners[observation.sighting_id] = owner
                self._compare_revisions(observation)
                self._parts.memory.assign(observation, owner)
                revised.append(observation)
        groups = joint_groups(arrivals, self._parts.scorer.at_once)
        arrivals = [observation for group in groups for observation in group]
        self._parts.scorer.expect([*arrivals, *revised])
        for group in groups:
            self._parts.verdicts.admit(group, findings)
        for observation in revised:
            self._parts.verdicts.revise(observation, findings)
        self._parts.scorer.expect(())
        closed = [o for o in batch if o.final and self._may_be(o)]
        kept = {o.sighting_id for o in closed}
        self._parts.scorer.forget(o.sighting_id for o in batch if o.sighting_id not in kept)
        self._later.renew_means()
        self._later.plan(closed, [*closed, *reviewed], reviewed, past)
        self._asked.append((arrivals, closed))
        return Outcome(tuple(findings.decisions), tuple(findings.changes), self._standing())

    def _standing(self) -> dict[str, str]:
        """What buckets leave behind by name: what they still ask for, and what time it is."""
        return {TIME: self._time.to_state(), ASKED: self._note()}

    def _note(self) -> str:
        arrived = (o for arrivals, _ in self._asked for o in arrivals)
        return to_state(arrived, (o for _, closed in self._asked for o in closed))

    def _may_be(self, observation: Observation) -> bool:
        """Whether it was seen by a clock that can be right.

        Else it would be the newest there is, and wait to be old enough for second looks, until the site's time is that.
        """
        return observation.end_ns <= self._time.latest_ns

    def _remember(self, observation: Observation) -> None:
        if observation.final:
            self._parts.closed.put(observation.sighting_id, observation.end_ns)
        if observation.model_id == self._model_id:
            self._parts.recent.put(observation)

    def _compare_revisions(self, observation: Observation) -> None:
        before = self._parts.memory.observation(observation.sighting_id)
        if before is not None and before.model_id == observation.model_id == self._model_id:
            self._parts.agreement.learn(before, observation)

    def _expire(self, latest_s: float = math.inf) -> None:
        gone = self._parts.memory.forget_before(self._time.now_ns * NS - self._settings.max_trip_s, latest_s)
        self._parts.verdicts.forget(gone)

    def _due_for_review(self) -> tuple[list[Observation], list[str]]:
        """Closed sightings that came of an age to be looked at again, by start, and those that never will be again."""
        due, past = self._parts.closed.advance(self._time.now_ns)
        found = [o for o in map(self._parts.memory.observation, due) if o is not None]
        return sorted(found, key=lambda o: (o.start_ns, o.sighting_id)), past

    # ------------------------------------------------------------------ second looks

    @property
    def unfinished(self) -> int:
        """Steps of second looks and learning that what was decided still asks for."""
        return len(self._later)

    @property
    def behind(self) -> int:
        """Buckets of which a step is left."""
        return self._later.buckets

    @property
    def may_decide(self) -> bool:
        """Whether the next bucket may be decided before more steps are taken."""
        return self._later.buckets < MOST_BEHIND

    def reconsider(self) -> Outcome:
        """Takes one step of bounded size after a bucket: second looks, then merges, then what was learned.

        Returns:
            Changes; with the last step of a bucket what was learned, by name. Nothing when no step is left.
        """
        if not self._later:
            return Outcome()
        findings = Findings()
        links: dict[str, str] = {}
        if self._later.step(findings):
            self._asked.popleft()
            # What is written now tells of all that arrived; what closed in later buckets is still to be learned from.
            self._asked = deque(([], closed) for _, closed in self._asked)
            links = {**self._parts.drain_links(), ASKED: self._note()}
        return Outcome(changes=tuple(findings.changes), links=links)

    def decide_fully(self) -> Outcome:
        """:meth:`decide` and every step of :meth:`reconsider` at once, as one outcome."""
        first = self.decide()
        changes, links = list(first.changes), dict(first.links)
        while self._later:
            later = self.reconsider()
            changes += later.changes
            links.update(later.links)
        return Outcome(first.decisions, tuple(changes), links)

    # ------------------------------------------------------------------ state

    def resolve(self, identity_id: str) -> str:
        """The identity behind an alias, as far as it is remembered; otherwise the id itself."""
        return self._parts.memory.resolve(identity_id)

    @property
    def ahead(self) -> tuple[str, ...]:
        """Cameras whose clock is so far ahead of most others' that it is not believed."""
        return self._time.ahead

    @property
    def active(self) -> int:
        """Identities remembered."""
        return len(self._parts.memory)

    def snapshot(self) -> Snapshot:
        """What :meth:`restore` needs. Arrivals that were not decided yet have to be pushed again.

        Taken while something is unfinished it leaves out second looks; what was to be learned is learned after all.
        """
        topology, verdicts = self._parts.topology, self._parts.verdicts
        assigned = tuple(
            Assigned(
                topology.as_shown(observation),
                identity_id,
                ambiguous=observation.sighting_id in verdicts.ambiguous,
                corrected=observation.sighting_id in verdicts.corrected,
            )
            for observation, identity_id in self._parts.memory.all_members()
        )
        return Snapshot(assigned, {**self._parts.all_links(), **self._standing()})

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
        self._parts.load(links)
        for entry in sorted(assigned, key=lambda a: (a.observation.start_ns, a.observation.sighting_id)):
            observation = self._parts.topology.put_right(entry.observation)
            self._parts.memory.assign(observation, entry.identity_id)
            self._remember(observation)
            if entry.settled:
                self._parts.closed.bind(entry.observation.sighting_id)
            if entry.corrected:
                self._parts.verdicts.corrected.add(entry.observation.sighting_id)
            if entry.ambiguous:
                self._parts.verdicts.ambiguous.add(entry.observation.sighting_id)
        self._time.restore(links.get(TIME), (o.end_ns for o, _ in self._parts.memory.all_members()))
        self._parts.closed.advance(self._time.now_ns)
        self._expire()
        self._parts.topology.prepare()
        arrived, closed = (
            [o for o in map(self._parts.memory.observation, names) if o is not None]
            for names in (from_state(links[ASKED]) if ASKED in links else ((), ()))
        )
        self._parts.recent.teach_all_but(closed)
        self._learn_what_was_asked(arrived, closed)

    def _learn_what_was_asked(self, arrived: Sequence[Observation], closed: Sequence[Observation]) -> None:
        """Goes on learning from a bucket that was decided before a restart, but looks at nothing a second time."""
        for observation in arrived:
            self._parts.topology.arrive(observation)
        if arrived or closed:
            self._later.plan(closed, (), ())
            self._asked.append((list(arrived), list(closed)))

"""Sightings of many cameras become identities, online. Owns the order of decisions and second looks; does no I/O.

Pure in the sense that matters: the same pushes, the same clock readings and the same id factory give the same outcomes,
and a snapshot restored elsewhere goes on as the original would have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby

from reid.types import Calibration
from tracker.multi_camera.asked import ASKED, from_state, to_state
from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.decisions.closed import Closed
from tracker.multi_camera.decisions.merging import Twins, twins
from tracker.multi_camera.decisions.verdicts import Findings, IdFactory, Verdicts
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.agreement import Agreement
from tracker.multi_camera.scoring.camera_means import CameraMeans
from tracker.multi_camera.scoring.score import Scorer
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.topology.origins import Recent
from tracker.multi_camera.types import Assigned, Observation, Outcome, Snapshot
from tracker.multi_camera.visits import NS

#: Sightings that one step of second looks takes.
STEP_SIGHTINGS = 16
#: Identities whose mean vector is computed anew with each bucket after camera means changed; those seen last go first.
REFRESHED = 512

Step = Callable[[Findings], None]


class Associator:
    """Decides which identity each sighting belongs to, and revises it as the sighting grows.

    Call :meth:`push` for every revision that arrives and :meth:`decide` whenever :meth:`due` says so; then, before the
    next bucket is decided, :meth:`reconsider` until :attr:`unfinished` is 0. Apply every outcome in its order. Between
    two steps arrivals may be pushed; when that happens changes no outcome. Not thread-safe.

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
        self._steps: deque[Step] = deque()
        self._asked: str | None = None
        self._closed = Closed()
        self._latest_ns = 0
        self._means = CameraMeans(self._settings.camera_mean_min)
        self._topology = Topology(self._settings)
        self._memory = IdentityMemory(
            self._settings, self._model_id, camera_number=self._topology.camera, remove_camera=self._means.remove
        )
        self._recent = Recent(self._calibration, self._settings.max_trip_s)
        self._agreement = Agreement()
        self._scorer = Scorer(
            self._settings, self._calibration, self._memory, self._topology, self._agreement.reliability
        )
        self._verdicts = Verdicts(self._settings, self._scorer, self._memory, self._id_factory, self._closed.free)

    # ------------------------------------------------------------------ arrivals

    def push(self, observation: Observation, now_ns: int) -> bool:
        """Takes a revision to be decided with the next bucket; false when one as new was decided or waits already.

        A revision that comes again with ``final`` set is new.
        """
        sighting_id = observation.sighting_id
        standing = self._pending.get(sighting_id) or self._memory.observation(sighting_id)
        if standing is not None and (standing.revision, standing.final) >= (observation.revision, observation.final):
            return False
        self._pending[sighting_id] = self._topology.put_right(observation)
        if self._oldest_pending_ns is None:
            self._oldest_pending_ns = now_ns
        return True

    def knows(self, sighting_id: str) -> bool:
        """Whether a sighting was decided before, as far as is remembered."""
        return self._memory.owner(sighting_id) is not None

    def forget(self, sighting_id: str) -> None:
        """Drops a sighting that was deleted elsewhere."""
        self._pending.pop(sighting_id, None)
        self._scorer.forget([sighting_id])
        self._verdicts.ambiguous.discard(sighting_id)
        self._memory.forget_sighting(sighting_id)
        self._recent.drop(sighting_id)
        self._closed.bind(sighting_id)

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

    def prepare(self) -> None:
        """Compares what waits with what is remembered, ahead of :meth:`decide`, which is the faster for it."""
        self._scorer.prepare(list(self._pending.values()))

    def decide(self) -> Outcome:
        """Decides all that waits, whether due or not.

        Vehicles that come into view are decided camera by camera in the order of their first start, jointly within a
        camera; then new revisions of sightings decided before, by start.
        """
        batch = sorted(self._pending.values(), key=lambda o: (o.start_ns, o.sighting_id))
        self._pending.clear()
        self._oldest_pending_ns = None
        if not batch:
            return Outcome()
        self._latest_ns = max(self._latest_ns, *(o.end_ns for o in batch))
        self._expire()
        reviewed = self._due_for_review()
        self._scorer.prepare(batch)
        findings = Findings()
        revised: list[Observation] = []
        arrivals: list[Observation] = []
        for observation in batch:
            self._remember(observation)
            owner = self._memory.owner(observation.sighting_id)
            if owner is None:
                self._topology.arrive(observation)
                arrivals.append(observation)
            else:
                findings.owners[observation.sighting_id] = owner
                self._compare_revisions(observation)
                self._memory.assign(observation, owner)
                revised.append(observation)
        first_start = {o.camera_id: o.start_ns for o in reversed(arrivals)}
        arrivals.sort(key=lambda o: (first_start[o.camera_id], o.camera_id))
        for _, group in groupby(arrivals, key=lambda o: o.camera_id):
            self._verdicts.admit(list(group), findings)
        for observation in revised:
            self._verdicts.revise(observation, findings)
        self._scorer.forget(o.sighting_id for o in batch if not o.final)
        closed = [o for o in batch if o.final]
        self._plan_second_looks(closed, [*closed, *reviewed], reviewed)
        self._asked = to_state(arrivals, closed)
        return Outcome(tuple(findings.decisions), tuple(findings.changes), {ASKED: self._asked})

    def _remember(self, observation: Observation) -> None:
        if observation.final:
            self._closed.put(observation.sighting_id, observation.end_ns)
        if observation.model_id == self._model_id:
            self._recent.put(observation)

    def _compare_revisions(self, observation: Observation) -> None:
        before = self._memory.observation(observation.sighting_id)
        if before is not None and before.model_id == observation.model_id == self._model_id:
            self._agreement.learn(before, observation)

    def _expire(self) -> None:
        gone = self._memory.forget_before(self._latest_ns * NS - self._settings.max_trip_s)
        self._verdicts.ambiguous.difference_update(gone)

    def _due_for_review(self) -> list[Observation]:
        """Closed sightings that came of an age to be looked at again since the last bucket, by start."""
        due, past = self._closed.advance(self._latest_ns)
        # What was compared for a closed sighting serves its second looks, too.
        self._scorer.forget(past)
        found = [o for o in map(self._memory.observation, due) if o is not None]
        return sorted(found, key=lambda o: (o.start_ns, o.sighting_id))

    # ------------------------------------------------------------------ second looks

    @property
    def unfinished(self) -> int:
        """Steps of second looks and learning that what was decided still asks for."""
        return len(self._steps)

    def reconsider(self) -> Outcome:
        """Takes one step of bounded size after a bucket: second looks, then merges, then what was learned.

        Returns:
            Changes; with the last step what was learned, by name. Nothing when no step is left.
        """
        if not self._steps:
            return Outcome()
        findings = Findings()
        self._steps.popleft()(findings)
        links: dict[str, str] = {}
        if not self._steps:
            self._asked = to_state((), ())
            learned = (self._topology, self._means, self._agreement)
            links = {name: text for part in learned for name, text in part.drain_links().items()}
            links[ASKED] = self._asked
        return Outcome(changes=tuple(findings.changes), links=links)

    def decide_fully(self) -> Outcome:
        """:meth:`decide` and every step of :meth:`reconsider` at once, as one outcome."""
        first = self.decide()
        changes, links = list(first.changes), dict(first.links)
        while self._steps:
            later = self.reconsider()
            changes += later.changes
            links.update(later.links)
        return Outcome(first.decisions, tuple(changes), links)

    def _plan_second_looks(
        self, closed: Sequence[Observation], touched: Sequence[Observation], reviewed: Sequence[Observation]
    ) -> None:
        steps = self._steps
        steps.extend(partial(self._review, part) for part in _parts(reviewed))
        found: list[Twins] = []
        steps.extend(partial(self._find_twins, part, found) for part in _parts(touched))
        steps.append(partial(self._verdicts.unite, found))
        steps.extend(partial(self._learn, part) for part in _parts(closed))
        steps.append(self._tidy)

    def _review(self, reviewed: Sequence[Observation], findings: Findings) -> None:
        """Another look at sightings that will not change any more."""
        self._scorer.prepare(reviewed)
        for observation in reviewed:
            self._verdicts.review(observation, findings)

    def _find_twins(self, closed: Sequence[Observation], found: list[Twins], findings: Findings) -> None:
        """Looks for others that the identities of closed sightings may be the same as."""
        del findings
        found.extend(twins(self._scorer, self._memory, closed, self._settings.merge_margin_nats))

    def _learn(self, closed: Sequence[Observation], findings: Findings) -> None:
        """Takes in what sightings that will not change any more teach."""
        del findings
        own = [o for o in closed if o.model_id == self._model_id]
        self._learn_links(own)
        renewed = [self._means.add(o.camera_id, o.embedding) for o in own]
        if any(renewed):
            self._memory.outdate()

    def _learn_links(self, own: Sequence[Observation]) -> None:
        """Takes in where such sightings of the model may have come from."""
        self._topology.conclude(self._recent.origins(own, self._topology))
        corrections = self._topology.meet(self._recent.encounters(own, self._topology))
        if corrections:
            self._correct(corrections)

    def _correct(self, corrections: Sequence[Correction]) -> None:
        """Gives what was seen lately the times that are right by what is newly known of clocks."""
        for observation in self._recent.correct(corrections, self._topology):
            owner = self._memory.owner(observation.sighting_id)
            if owner is not None:
                self._memory.assign(observation, owner)
        if self._topology.moved(corrections):
            self._topology.relearn(self._recent.origins(self._recent.closed(), self._topology))

    def _tidy(self, findings: Findings) -> None:
        del findings
        self._topology.tables()
        self._memory.forget_aliases()
        self._memory.refresh_outdated(REFRESHED)
        self.prepare()

    # ------------------------------------------------------------------ state

    def resolve(self, identity_id: str) -> str:
        """The identity behind an alias, as far as it is remembered; otherwise the id itself."""
        return self._memory.resolve(identity_id)

    @property
    def active(self) -> int:
        """Identities remembered."""
        return len(self._memory)

    def snapshot(self) -> Snapshot:
        """What :meth:`restore` needs. Arrivals that were not decided yet have to be pushed again.

        Taken while something is unfinished it leaves out second looks; what was to be learned is learned after all.
        """
        assigned = tuple(
            Assigned(
                self._topology.as_shown(observation), identity_id, observation.sighting_id in self._verdicts.ambiguous
            )
            for observation, identity_id in self._memory.all_members()
        )
        asked = {} if self._asked is None else {ASKED: self._asked}
        learned = (self._topology, self._means, self._agreement)
        links = {name: text for part in learned for name, text in part.all_links().items()}
        return Snapshot(assigned, {**links, **asked})

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
        self._agreement.load(links)
        for entry in sorted(assigned, key=lambda a: (a.observation.start_ns, a.observation.sighting_id)):
            observation = self._topology.put_right(entry.observation)
            self._memory.assign(observation, entry.identity_id)
            self._remember(observation)
            if entry.settled:
                self._closed.bind(entry.observation.sighting_id)
            if entry.ambiguous:
                self._verdicts.ambiguous.add(entry.observation.sighting_id)
            self._latest_ns = max(self._latest_ns, observation.end_ns)
        self._closed.advance(self._latest_ns)
        self._expire()
        self._asked = links.get(ASKED)
        if self._asked is not None:
            self._learn_what_was_asked(self._asked)

    def _learn_what_was_asked(self, asked: str) -> None:
        """Goes on learning from a bucket that was decided before a restart, but looks at nothing a second time."""
        arrived, closed = (
            [o for o in map(self._memory.observation, names) if o is not None] for names in from_state(asked)
        )
        for observation in arrived:
            self._topology.arrive(observation)
        if arrived or closed:
            self._plan_second_looks(closed, (), ())


def _parts(observations: Sequence[Observation]) -> list[Sequence[Observation]]:
    return [observations[i : i + STEP_SIGHTINGS] for i in range(0, len(observations), STEP_SIGHTINGS)]

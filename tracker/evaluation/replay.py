"""Plays tracklets through the live associator on a clock of its own. Owns the clock and what was believed when."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tracker.evaluation.identities import truth_new
from tracker.evaluation.simulated.embeddings import Simulated
from tracker.evaluation.truth import SECOND_NS, TruthTracklet
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.types import IdentityMerge, IdentitySplit, Observation, Outcome
from tracker.types import Decision, DecisionStatus

MODEL_ID = "simulated"
#: When labels are read, seconds after a tracklet closed; infinity is the end.
LATENCIES_S = (0.0, 2.0, 10.0)
#: A tracker needs this long to know that a vehicle has gone.
CLOSE_NS = SECOND_NS
#: What it takes to cut, embed and send.
SEND_NS = SECOND_NS // 5
FIRST_NS = 2 * SECOND_NS
STEP_MAX_NS = 60 * SECOND_NS
#: A detector is right about the class this often; what is left goes to the others.
CLASS_SURE = 0.85
#: What can happen, in the order of precedence at one instant.
_DECIDE, _ARRIVE, _READ = range(3)


def revisions(tracklet: TruthTracklet, index: int, simulated: Simulated) -> list[tuple[int, Observation]]:
    """The revisions ingest would send, each with the true time of its arrival: after 2 s, then at doubling steps.

    Args:
        tracklet: What is seen; observations carry the times that its camera's clock shows.
        index: Its row in ``simulated``, and its name.
        simulated: Embeddings.
    """
    whole = Observation(
        sighting_id=sighting_name(index),
        revision=1,
        final=True,
        camera_id=tracklet.camera_id,
        start_ns=tracklet.shown_start_ns,
        end_ns=tracklet.shown_end_ns,
        entry=tracklet.entry,
        exit=tracklet.exit,
        embedding=simulated.final[index],
        class_probs=_class_probs(tracklet.vehicle_class),
        colour={},
        model_id=MODEL_ID,
    )
    sent: list[tuple[int, Observation]] = []
    age_ns, step_ns = FIRST_NS, FIRST_NS
    while tracklet.start_ns + age_ns < tracklet.end_ns:
        early = replace(
            whole,
            revision=len(sent) + 1,
            final=False,
            end_ns=tracklet.shown_start_ns + age_ns,
            exit=None,
            embedding=simulated.first[index] if not sent else whole.embedding,
        )
        sent.append((tracklet.start_ns + age_ns + SEND_NS, early))
        age_ns += step_ns
        step_ns = min(2 * step_ns, STEP_MAX_NS)
    sent.append((tracklet.end_ns + CLOSE_NS, replace(whole, revision=len(sent) + 1)))
    return sent


def sighting_name(index: int) -> str:
    """The sighting id of a tracklet."""
    return f"s{index:06d}"


def _class_probs(vehicle_class: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    probs = np.full(4, (1.0 - CLASS_SURE) / 3, np.float32)
    probs[max(vehicle_class, 0)] = CLASS_SURE
    return probs


@dataclass(frozen=True, slots=True)
class Labels:
    """What was published of N tracklets a while after each closed, by latency in seconds; infinity is the end.

    Attributes:
        identity: N identities, None where nothing had been published.
        new: N answers to "was it new?": None for ambiguous at 0 s and for what was not decided.
        outcomes: Counts of decisions, merges and splits by name.
        said: Of every first decision that was not ambiguous, its probability and whether it was right when it was
            taken: MATCHED where most of the identity's tracklets so far are of its vehicle, NEW where no earlier one of
            its vehicle lies within retention.
    """

    identity: Mapping[float, tuple[str | None, ...]]
    new: Mapping[float, tuple[bool | None, ...]]
    outcomes: Mapping[str, int]
    said: tuple[tuple[float, bool], ...]


@dataclass(slots=True)
class _Belief:
    """Which identity each tracklet has now. Keeps members of identities, so that an answer costs no search."""

    identity: dict[int, str] = field(default_factory=dict)
    status: dict[int, DecisionStatus] = field(default_factory=dict)
    members: dict[str, set[int]] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)

    def apply(self, outcome: Outcome) -> Iterator[tuple[int, Decision, tuple[int, ...]]]:
        """Takes everything in; gives each first decision of a tracklet with what its identity held before."""
        for decision in outcome.decisions:
            index = int(decision.sighting_id[1:])
            self.status[index] = decision.status
            if index not in self.identity:
                identity_id = self._living(decision.identity_id)
                yield index, decision, tuple(self.members.get(identity_id, ()))
                self._put(index, identity_id)
        for change in outcome.changes:
            if isinstance(change, IdentityMerge):
                self._merge(change)
            else:
                self._split(change)

    def _merge(self, change: IdentityMerge) -> None:
        survivor, absorbed = self._living(change.survivor_id), self._living(change.absorbed_id)
        if survivor == absorbed:
            return
        for index in self.members.pop(absorbed, ()):
            self._put(index, survivor)
        self.alias[absorbed] = survivor

    def _split(self, change: IdentitySplit) -> None:
        for sighting_id in change.sighting_ids:
            index = int(sighting_id[1:])
            self.members.get(self.identity[index], set()).discard(index)
            self._put(index, change.new_identity_id)

    def _put(self, index: int, identity_id: str) -> None:
        self.identity[index] = identity_id
        self.members.setdefault(identity_id, set()).add(index)

    def _living(self, identity_id: str) -> str:
        while identity_id in self.alias:
            identity_id = self.alias[identity_id]
        return identity_id


#: Told of every bucket decided: the true time, and what came of it.
Watcher = Callable[[int, Outcome], None]


class Replay:
    """One run.

    Args:
        associator: The live code.
        retention_s: A vehicle not seen for longer counts as new again.
        watch: Told of every bucket.
    """

    def __init__(self, associator: Associator, retention_s: float, watch: Watcher | None = None) -> None:
        self._associator = associator
        self._retention_ns = round(retention_s * SECOND_NS)
        self._watch = watch
        self._belief = _Belief()
        self._outcomes: Counter[str] = Counter()
        self._tracklets: Sequence[TruthTracklet] = ()
        self._new: NDArray[np.bool_] = np.zeros(0, bool)
        self._said: list[tuple[float, bool]] = []

    def run(self, tracklets: Sequence[TruthTracklet], simulated: Simulated) -> Labels:
        """Plays everything to its end."""
        self._tracklets, self._new = tracklets, truth_new(tracklets, self._retention_ns / SECOND_NS)
        arrivals: list[Observation] = []
        dues: list[tuple[float, int]] = []
        queue: list[tuple[int, int, int]] = []
        for index, tracklet in enumerate(tracklets):
            for at_ns, observation in revisions(tracklet, index, simulated):
                queue.append((at_ns, _ARRIVE, len(arrivals)))
                arrivals.append(observation)
            for latency_s in LATENCIES_S:
                queue.append((tracklet.end_ns + CLOSE_NS + round(latency_s * SECOND_NS), _READ, len(dues)))
                dues.append((latency_s, index))
        heapq.heapify(queue)
        n = len(tracklets)
        identity: dict[float, list[str | None]] = {s: [None] * n for s in LATENCIES_S}
        new: dict[float, list[bool | None]] = {s: [None] * n for s in LATENCIES_S}
        while queue:
            at_ns, kind, number = heapq.heappop(queue)
            if kind == _DECIDE:
                self._decide(at_ns)
            elif kind == _ARRIVE:
                self._associator.push(arrivals[number], at_ns)
                wait_s = self._associator.wait_s(at_ns)
                if self._associator.pending == 1 and wait_s is not None:
                    heapq.heappush(queue, (at_ns + math.ceil(wait_s * SECOND_NS), _DECIDE, 0))
            else:
                latency_s, index = dues[number]
                identity[latency_s][index] = self._belief.identity.get(index)
                new[latency_s][index] = self._is_new(index, at_once=latency_s == 0.0)
        identity[math.inf] = [self._belief.identity.get(i) for i in range(n)]
        new[math.inf] = [self._is_new(i, at_once=False) for i in range(n)]
        return Labels(
            {k: tuple(v) for k, v in identity.items()},
            {k: tuple(v) for k, v in new.items()},
            dict(self._outcomes),
            tuple(self._said),
        )

    def _decide(self, at_ns: int) -> None:
        outcome = self._associator.decide_fully()
        for index, decision, before in self._belief.apply(outcome):
            if decision.status is not DecisionStatus.AMBIGUOUS:
                self._said.append((decision.probability, self._is_right(index, decision, before)))
        self._outcomes.update(decision.status.value for decision in outcome.decisions)
        self._outcomes.update("merge" if isinstance(c, IdentityMerge) else "split" for c in outcome.changes)
        if self._watch is not None:
            self._watch(at_ns, outcome)

    def _is_right(self, index: int, decision: Decision, before: Sequence[int]) -> bool:
        if decision.status is DecisionStatus.NEW:
            return bool(self._new[index])
        vehicles = [self._tracklets[i].vehicle_id for i in before]
        return 2 * vehicles.count(self._tracklets[index].vehicle_id) > len(vehicles)

    def _is_new(self, index: int, *, at_once: bool) -> bool | None:
        """Whether its identity holds nothing earlier within retention; None for undecided, and ambiguous at once."""
        belief = self._belief
        if index not in belief.identity or (at_once and belief.status[index] is DecisionStatus.AMBIGUOUS):
            return None
        here = self._tracklets[index]
        others = (self._tracklets[i] for i in belief.members[belief.identity[index]] if i != index)
        return not any(
            (t.start_ns, t.camera_id) < (here.start_ns, here.camera_id)
            and here.start_ns - t.end_ns <= self._retention_ns
            for t in others
        )

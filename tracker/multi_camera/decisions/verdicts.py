"""First and further decisions on single sightings. Owns when a verdict stands or falls; not the order of sightings.

Changes identities only by splits and merges that it tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tracker.multi_camera.decisions.assignment import Choice, assign, choose
from tracker.multi_camera.decisions.merging import Twins, merge_nats
from tracker.multi_camera.decisions.second_looks import Proposal, SecondLooks
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.score import Scorer, Scores
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.types import IdentityChange, IdentityMerge, IdentitySplit, Observation
from tracker.types import Decision, DecisionStatus

IdFactory = Callable[[], str]


@dataclass(slots=True)
class Findings:
    """What is being decided together, and what came of it so far.

    Attributes:
        owners: For each sighting decided before, the identity it stood under when this began.
        decisions: In their order.
        changes: In their order.
    """

    owners: dict[str, str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    changes: list[IdentityChange] = field(default_factory=list)


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


class Verdicts:
    """Says whose a sighting is, and says it again as it grows.

    Args:
        settings: The margins.
        scorer: Judges evidence.
        memory: Holds who stands under which identity; changed here.
        id_factory: Fresh identity ids, never one twice.
        free: Whether a sighting may be taken out of its identity after it closed.
    """

    def __init__(
        self,
        settings: AssociationSettings,
        scorer: Scorer,
        memory: IdentityMemory,
        id_factory: IdFactory,
        free: Callable[[str], bool],
    ) -> None:
        self._settings = settings
        self._scorer = scorer
        self._memory = memory
        self._id_factory = id_factory
        self._free = free
        self._together = SecondLooks(scorer, memory, free)
        #: Sightings whose identity is provisional.
        self.ambiguous: set[str] = set()
        #: Sightings whose identity a person put right.
        self.corrected: set[str] = set()

    def forget(self, sighting_ids: Iterable[str]) -> None:
        """Drops what is said of sightings that are not remembered any more."""
        for said in (self.ambiguous, self.corrected):
            said.difference_update(sighting_ids)

    # ------------------------------------------------------------------ decisions

    def admit(self, group: Sequence[Observation], findings: Findings) -> None:
        """First decisions on sightings of one camera."""
        scores = self._scorer.score_all(group)
        choices = assign([(score.rows, score.total) for score in scores])
        # Rows are looked up before the first new identity takes one.
        named = [(self._identity(c.row), self._identity(c.runner_up)) for c in choices]
        for observation, score, choice, (chosen, second) in zip(group, scores, choices, named, strict=True):
            sure = choice.margin >= self._needed(observation)
            if chosen is not None and sure:
                status, identity_id, runner_up = DecisionStatus.MATCHED, chosen, second
            else:
                status = DecisionStatus.NEW if sure else DecisionStatus.AMBIGUOUS
                identity_id, runner_up = self._id_factory(), chosen or second
            self._memory.assign(observation, identity_id)
            self._note(findings, observation, _Verdict(status, identity_id, runner_up), choice, score)

    def revise(self, observation: Observation, findings: Findings) -> None:
        """Another look at a sighting decided before, with what is known by now."""
        look = self._look_again(observation)
        runner_up = look.runner_up
        stays = look.choice.row == look.own_row or not self._overturns(observation, look.lead)
        stays |= observation.sighting_id in self.corrected
        if stays:
            status = self._standing(observation, look)
            if look.target != look.owner:
                runner_up = look.target or runner_up
        else:
            status = DecisionStatus.MATCHED if look.target is not None else DecisionStatus.NEW
            self._move(observation, look, findings)
        verdict = _Verdict(status, findings.owners[observation.sighting_id], runner_up)
        self._note(findings, observation, verdict, look.choice, look.scores)

    # ------------------------------------------------------------------ second looks

    def review(self, observation: Observation, findings: Findings) -> None:
        """Another look at a sighting that will not change any more; only a change is told."""
        owner = self._memory.owner(observation.sighting_id)
        if owner is None or observation.sighting_id in self.corrected:
            return
        look = self._look_again(observation)
        proposal = None
        if not self._put_right(owner):
            proposal = self._together.propose(owner, look.scores, self._left_out)
        if proposal is not None:
            self._rearrange(proposal, findings)
            return
        elsewhere = look.choice.row != look.own_row and look.lead > self._settings.revise_margin_nats
        if elsewhere and not self._provisional(look.target):
            self._move(observation, look, findings)

    def unite(self, found: Sequence[Twins], findings: Findings) -> None:
        """Merges pairs of identities that are still there; those with most evidence first."""
        for _, one, other in sorted(found, key=lambda f: (-f[0], f[1], f[2])):
            if any(i not in self._memory or self._provisional(i) for i in (one, other)):
                continue
            if self._kept_apart(one, other):
                continue
            # Judged anew: a merge, or a bucket decided since they were found, may have changed either.
            nats = merge_nats(self._scorer, self._memory, one, other)
            if nats > self._settings.merge_margin_nats:
                self._merge(one, other, _because("same vehicle", nats), findings)

    # ------------------------------------------------------------------ looking

    def _look_again(self, observation: Observation) -> _Look:
        """Scores a sighting as if it were not decided, and leaves it where it stands."""
        owner = self._memory.detach(observation.sighting_id)
        own_row = self._memory.row(owner) if owner in self._memory else None
        scores = self._scorer.score(observation, keep=own_row)
        own_score = 0.0 if own_row is None else scores.of(own_row)
        choice = choose(scores.rows, scores.total)
        # Rows are looked up before the sighting takes one back.
        target, runner_up = self._identity(choice.row), self._identity(choice.runner_up)
        self._memory.assign(observation, owner)
        return _Look(owner, own_row, scores, choice, target, runner_up, choice.score - own_score)

    def _provisional(self, identity_id: str | None) -> bool:
        """Whether an identity stands for nothing but a sighting that is not decided yet."""
        members = self._memory.members(identity_id) if identity_id is not None else []
        return bool(members) and all(o.sighting_id in self.ambiguous for o in members)

    def _put_right(self, identity_id: str) -> bool:
        """Whether a person put an identity right."""
        return bool(self.corrected) and any(o.sighting_id in self.corrected for o in self._memory.members(identity_id))

    def _kept_apart(self, one: str, other: str) -> bool:
        """Whether two identities are left as two because a person put both right."""
        return self._put_right(one) and self._put_right(other)

    def _left_out(self, identity_id: str) -> bool:
        """Whether an identity's sightings are not put together anew with others'."""
        return self._provisional(identity_id) or self._put_right(identity_id)

    def _needed(self, observation: Observation) -> float:
        """The lead in nats from which a sighting is decided."""
        return self._settings.final_margin_nats if observation.final else self._settings.margin_nats

    def _overturns(self, observation: Observation, lead: float) -> bool:
        undecided = observation.sighting_id in self.ambiguous
        return lead > 0.0 and lead >= (self._needed(observation) if undecided else self._settings.revise_margin_nats)

    def _standing(self, observation: Observation, look: _Look) -> DecisionStatus:
        """The status of a sighting that stays where it is."""
        if look.own_row is not None:
            first = self._memory.members(look.owner)[0].sighting_id == observation.sighting_id
            return DecisionStatus.NEW if first else DecisionStatus.MATCHED
        sure = look.choice.row is None and look.choice.margin >= self._needed(observation)
        return DecisionStatus.NEW if sure or observation.final else DecisionStatus.AMBIGUOUS

    # ------------------------------------------------------------------ changing

    def _move(self, observation: Observation, look: _Look, findings: Findings) -> None:
        """Takes a sighting out of its identity: to another, or to one of its own."""
        owner, target, why = look.owner, look.target, _because("revised", look.lead)
        alone = len(self._memory.members(owner)) == 1
        if (
            target is not None
            and not self._kept_apart(target, owner)
            and (alone or merge_nats(self._scorer, self._memory, target, owner) > 0.0)
        ):
            self._merge(target, owner, why, findings)
            return
        fresh = self._id_factory()
        self._memory.assign(observation, fresh)
        findings.changes.append(IdentitySplit(owner, fresh, (observation.sighting_id,), why))
        if target is not None:
            self._merge(target, fresh, why, findings)

    def _rearrange(self, proposal: Proposal, findings: Findings) -> None:
        """Makes one identity of each group: of the parts that identities have in it, the first keeps its id."""
        groups, why = proposal.groups, _because("regrouped", proposal.gained)
        parts: dict[str, list[list[Observation]]] = {}
        for group in groups:
            mine: dict[str, list[Observation]] = {}
            for observation in group:
                mine.setdefault(self._memory.owner(observation.sighting_id) or "", []).append(observation)
            for owner, part in mine.items():
                parts.setdefault(owner, []).append(part)
        for owner, shares in parts.items():
            # What may not leave keeps the id; else the largest part: fewest sightings are told to have moved.
            for part in sorted(shares, key=lambda p: (all(self._free(o.sighting_id) for o in p), -len(p)))[1:]:
                fresh = self._id_factory()
                for observation in part:
                    self._memory.assign(observation, fresh)
                findings.changes.append(IdentitySplit(owner, fresh, tuple(o.sighting_id for o in part), why))
        for group in groups:
            ids = dict.fromkeys(self._memory.owner(o.sighting_id) or "" for o in group)
            one, *others = ids
            for other in others:
                one = self._merge(one, other, why, findings)
            self.ambiguous.difference_update(o.sighting_id for o in group if len(ids) > 1)

    def _merge(self, one: str, other: str, reason: str, findings: Findings) -> str:
        """Makes two identities one; the one seen first survives and is returned."""
        survivor, absorbed = sorted((one, other), key=lambda i: (self._memory.members(i)[0].start_ns, i))
        self._memory.merge(survivor, absorbed)
        findings.changes.append(IdentityMerge(survivor, absorbed, reason))
        return survivor

    def _note(
        self, findings: Findings, observation: Observation, verdict: _Verdict, choice: Choice, scores: Scores
    ) -> None:
        if verdict.status is DecisionStatus.AMBIGUOUS:
            self.ambiguous.add(observation.sighting_id)
        else:
            self.ambiguous.discard(observation.sighting_id)
        matched = verdict.status is DecisionStatus.MATCHED and choice.row is not None
        looked_at = choice.row if choice.row is not None else choice.runner_up
        findings.decisions.append(
            Decision(
                sighting_id=observation.sighting_id,
                revision=observation.revision,
                status=verdict.status,
                identity_id=verdict.identity_id,
                log_likelihood_ratio=choice.score if matched else 0.0,
                margin=choice.margin,
                probability=choice.probability if matched or choice.row is None else 1.0 - choice.probability,
                evidence={} if looked_at is None else scores.evidence(looked_at),
                runner_up=verdict.runner_up,
            )
        )

    def _identity(self, row: int | None) -> str | None:
        return None if row is None else self._memory.row_ids[row]


def _because(what: str, nats: float) -> str:
    """Why identities change, with the evidence for it."""
    return f"{what}: {nats:+.1f} nats"

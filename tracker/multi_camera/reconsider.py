"""What a bucket still asks for once it is decided: second looks, merges, learning. Owns these steps and their order.

Each step is of bounded size; how sightings are decided first is not known here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.decisions.merging import Twins, twins
from tracker.multi_camera.decisions.verdicts import Findings
from tracker.multi_camera.parts import Parts
from tracker.multi_camera.types import Observation

#: Sightings that one step takes, and looks at again: a bucket that is due waits for the step that is running.
STEP_SIGHTINGS, LOOKED_AT = 16, 4
#: Sightings that one step compares with what is remembered: a few cost as much as many.
COMPARED = 64
#: Identities whose mean vector is computed anew with each bucket after camera means changed; those seen last go first.
REFRESHED = 512
#: Of these, those that one step takes, and entries of what was learned that one step writes.
REFRESHED_AT_ONCE, WRITTEN_AT_ONCE = 128, 192
#: Identities up to which renewed camera means take effect at once; of more, so much smaller a share of cameras follows
#: with each bucket, for whatever was seen there lately is compared with all identities anew.
AT_ONCE = 2048

Step = Callable[[Findings], None]
NOTHING_LEFT = object()


class Reconsideration:
    """Steps that are left to take after buckets were decided.

    Args:
        parts: Of the associator; changed here.
        merge_margin_nats: Evidence from which two identities are taken to be one vehicle.
        prepare: Compares what waits already for the next bucket, part by part.
        learns_links: Whether closed sightings teach of links and clocks.
        correct_waiting: Gives what waits for the next bucket other times.
    """

    def __init__(
        self,
        parts: Parts,
        merge_margin_nats: float,
        *,
        prepare: Callable[[], Iterator[None]],
        learns_links: bool = True,
        correct_waiting: Callable[[Sequence[Correction]], None] = lambda _: None,
    ) -> None:
        self._parts = parts
        self._merge_margin_nats = merge_margin_nats
        self._prepare = prepare
        self._learns_links = learns_links
        self._correct_waiting = correct_waiting
        self._steps: deque[Step] = deque()
        self._buckets = 0

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def buckets(self) -> int:
        """Buckets of which a step is left."""
        return self._buckets

    def plan(
        self,
        closed: Sequence[Observation],
        touched: Sequence[Observation],
        reviewed: Sequence[Observation],
        past: Sequence[str] = (),
    ) -> None:
        """Puts the steps of one bucket behind those that are left.

        Args:
            closed: Sightings that will not change any more, which are learned from.
            touched: Those whose identities may be others' twins.
            reviewed: Those to look at again.
            past: Those that buckets before have looked at again for the last time.
        """
        steps = self._steps
        self._buckets += 1
        steps.extend(partial(self._compare, part) for part in _portions(reviewed, COMPARED))
        steps.extend(partial(self._review, part) for part in _portions(reviewed, LOOKED_AT))
        found: list[Twins] = []
        steps.extend(partial(self._find_twins, part, found) for part in _portions(touched))
        steps.append(partial(self._parts.verdicts.unite, found))
        lessons = _portions(closed)
        if lessons:
            steps.append(self._order)
        steps.extend(partial(self._learn, part, part is not lessons[-1]) for part in lessons)
        steps.append(partial(self._tidy, past))

    def renew_means(self) -> None:
        """Lets renewed camera means take effect; for when no arrival waits, which would have to be compared anew."""
        memory = self._parts.memory
        renewed = self._parts.means.take_over(min(1.0, AT_ONCE / max(len(memory), 1)))
        if renewed:
            memory.outdate(renewed)

    def step(self, findings: Findings) -> bool:
        """Takes the next step. Raises IndexError when none is left.

        Returns:
            Whether it was the last of its bucket.
        """
        before = self._buckets
        self._steps.popleft()(findings)
        return self._buckets < before

    def _go_on_with(self, *steps: Step) -> None:
        """Puts steps before those that are left."""
        self._steps.extendleft(reversed(steps))

    # ------------------------------------------------------------------ second looks

    def _compare(self, reviewed: Sequence[Observation], findings: Findings) -> None:
        """Compares sightings with what is new in memory, many at once: it is gone through once for all of them."""
        self._part_of(self._parts.scorer.prepare_in_parts(self._standing(reviewed)), findings)

    def _part_of(self, parts: Iterator[None], findings: Findings) -> None:
        """Does the next part of something; the others follow step by step."""
        del findings
        if next(parts, NOTHING_LEFT) is not NOTHING_LEFT:
            self._go_on_with(partial(self._part_of, parts))

    def _review(self, reviewed: Sequence[Observation], findings: Findings) -> None:
        """Another look at sightings that will not change any more."""
        standing = self._standing(reviewed)
        self._parts.scorer.expect(standing)
        for observation in standing:
            self._parts.verdicts.review(observation, findings)
        self._parts.scorer.expect(())

    def _find_twins(self, closed: Sequence[Observation], found: list[Twins], findings: Findings) -> None:
        """Looks for others that the identities of closed sightings may be the same as."""
        del findings
        if standing := self._standing(closed):
            found.extend(twins(self._parts.scorer, self._parts.memory, standing, self._merge_margin_nats))

    def _standing(self, observations: Sequence[Observation]) -> list[Observation]:
        """As they are by now: what was deleted since is left out, what a clock's correction moved has moved."""
        found = (self._parts.memory.observation(o.sighting_id) for o in observations)
        return [o for o in found if o is not None]

    # ------------------------------------------------------------------ learning

    def _order(self, findings: Findings) -> None:
        """Writes down what was seen lately for lessons to be looked for in, and forgets what is too old for them."""
        del findings
        self._parts.recent.prepare(self._parts.topology)

    def _learn(self, closed: Sequence[Observation], more: bool, findings: Findings) -> None:
        """Takes in where sightings that will not change any more may have come from.

        Links are fitted anew after the last of them.
        """
        del findings
        topology, recent = self._parts.topology, self._parts.recent
        if self._learns_links:
            topology.conclude(recent.origins(recent.standing(closed), topology), more=more)
        self._go_on_with(partial(self._meet, closed), self._fit)

    def _meet(self, closed: Sequence[Observation], findings: Findings) -> None:
        """Takes in what else such sightings of the model teach: of clocks, and what their cameras add to vectors."""
        del findings
        topology, recent = self._parts.topology, self._parts.recent
        own = recent.standing(closed)
        if self._learns_links:
            recent.teach(own)
            corrections = topology.meet(recent.encounters(own, topology))
            if corrections:
                self._correct(corrections)
        for observation in own:
            self._parts.means.add(observation.camera_id, observation.embedding)

    def _fit(self, findings: Findings) -> None:
        """Fits links anew where lessons asked for it, before anything reads what is known of them."""
        del findings
        self._parts.topology.tables()

    def _correct(self, corrections: Sequence[Correction]) -> None:
        """Gives what was seen lately the times that are right by what is newly known of clocks."""
        topology, recent, memory = self._parts.topology, self._parts.recent, self._parts.memory
        for observation in recent.correct(corrections, topology):
            owner = memory.owner(observation.sighting_id)
            if owner is not None:
                memory.assign(observation, owner)
        self._correct_waiting(corrections)
        if topology.moved(corrections):
            topology.relearn(recent.origins(recent.taught(topology.lessons_open), topology))

    # ------------------------------------------------------------------ the end of a bucket

    def _tidy(self, past: Sequence[str], findings: Findings) -> None:
        """Drops what was compared for nothing but second looks, and aliases of identities that are forgotten."""
        del findings
        self._parts.scorer.forget(past)
        self._parts.memory.forget_aliases()
        self._go_on_with(partial(self._refresh, REFRESHED), self._foresee, self._write, self._end)

    def _refresh(self, most: int, findings: Findings) -> None:
        """Computes mean vectors anew that are out of date, so many of them at most."""
        del findings
        self._parts.memory.refresh_outdated(min(most, REFRESHED_AT_ONCE))
        if most > REFRESHED_AT_ONCE and self._parts.memory.outdated:
            self._go_on_with(partial(self._refresh, most - REFRESHED_AT_ONCE))

    def _foresee(self, findings: Findings) -> None:
        """Works out ahead what the next bucket would wait for."""
        del findings
        self._parts.topology.prepare()
        self._go_on_with(partial(self._part_of, self._prepare()))

    def _write(self, findings: Findings) -> None:
        """Writes some of what was learned ahead of handing it over."""
        del findings
        if self._parts.topology.write_ahead(WRITTEN_AT_ONCE):
            self._go_on_with(self._write)

    def _end(self, findings: Findings) -> None:
        """With this step the bucket is done."""
        del findings
        self._buckets -= 1


def _portions(observations: Sequence[Observation], size: int = STEP_SIGHTINGS) -> list[Sequence[Observation]]:
    return [observations[i : i + size] for i in range(0, len(observations), size)]

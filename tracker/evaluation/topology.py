"""Judges learned topology against what vehicles really did, as the cameras' clocks show it. Learns nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tracker.evaluation.replay import CLOSE_NS
from tracker.evaluation.truth import SECOND_NS, ClockStep, TruthTracklet
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.report import LinkReport, TopologyReport, topology_report
from tracker.multi_camera.types import Outcome

#: Transitions from which a link is judged.
LEAST_TRANSITIONS = 30
#: A travel time is right within this, or within this share of it.
TRAVEL_S, TRAVEL_SHARE = 1.0, 0.1
OFFSET_S = 0.5
#: Share of transitions in both views at once from which two views overlap.
OVERLAPPING = 0.5
#: Transitions after a step in which it may be noticed.
WATCHED = 60


def transitions(tracklets: Sequence[TruthTracklet]) -> Iterator[tuple[TruthTracklet, TruthTracklet]]:
    """Consecutive passages of each vehicle, by true start."""
    by_vehicle: dict[int, list[TruthTracklet]] = defaultdict(list)
    for tracklet in tracklets:
        by_vehicle[tracklet.vehicle_id].append(tracklet)
    for passages in by_vehicle.values():
        yield from pairwise(sorted(passages, key=lambda t: (t.start_ns, t.end_ns)))


@dataclass(frozen=True, slots=True)
class TopologyFit:
    """How much of what was learned is right.

    Attributes:
        links: Links without overlap that were travelled often enough to be judged.
        travel_right: Of these, how many have their median travel time (clock offset included) right.
        overlaps: Pairs of overlapping views that were travelled often enough.
        offsets_right: Of these, how many have their clock offset right; one that was not identified is wrong.
        warnings: Clocks said to have moved.
    """

    links: int
    travel_right: int
    overlaps: int
    offsets_right: int
    warnings: int


def learned_of(associator: Associator, settings: AssociationSettings) -> TopologyReport:
    """What an associator has learned so far."""
    return topology_report(settings, associator.snapshot().links)


def judge_topology(report: TopologyReport, tracklets: Sequence[TruthTracklet]) -> TopologyFit:
    """Compares a report with the passages that it was learned from.

    Args:
        report: What was learned.
        tracklets: Passages; times are compared as shown.
    """
    known = {(link.from_camera, link.to_camera): link for link in report.links}
    gaps: dict[tuple[str, str], list[float]] = defaultdict(list)
    together: dict[tuple[str, str], int] = defaultdict(int)
    shift_s: dict[str, float] = {}
    for before, after in transitions(tracklets):
        pair = before.camera_id, after.camera_id
        gaps[pair].append((after.shown_start_ns - before.shown_end_ns) / SECOND_NS)
        together[pair] += after.start_ns < before.end_ns
        shift_s[pair[0]], shift_s[pair[1]] = before.shift_ns / SECOND_NS, after.shift_ns / SECOND_NS
    links = travel_right = overlaps = offsets_right = 0
    for pair, durations in gaps.items():
        if len(durations) < LEAST_TRANSITIONS or pair[0] == pair[1]:
            continue
        link = known.get(pair)
        if together[pair] / len(durations) >= OVERLAPPING:
            overlaps += 1
            offsets_right += _offset_right(link, shift_s[pair[1]] - shift_s[pair[0]])
        elif together[pair] == 0:
            links += 1
            travel_right += _travel_right(link, float(np.median(durations)))
    return TopologyFit(links, travel_right, overlaps, offsets_right, len(report.warnings))


def _travel_right(link: LinkReport | None, true_s: float) -> bool:
    if link is None or link.travel_median_s is None:
        return False
    return abs(link.travel_median_s - true_s) <= max(TRAVEL_S, TRAVEL_SHARE * abs(true_s))


def _offset_right(link: LinkReport | None, true_s: float) -> bool:
    return link is not None and link.offset_s is not None and abs(link.offset_s - true_s) <= OFFSET_S


class StepWatch:
    """Notes after how many transitions a clock's step is told. Give it to a replay as its watcher.

    Transitions count that show the step: a vehicle goes between the camera and another, and passes the camera after
    the step; each counts when its second passage has closed.

    Args:
        associator: Watched.
        settings: Of association.
        tracklets: As played, the step among them.
        step: What to wait for.
    """

    def __init__(
        self, associator: Associator, settings: AssociationSettings, tracklets: Sequence[TruthTracklet], step: ClockStep
    ) -> None:
        self._associator, self._settings, self._step = associator, settings, step
        at_ns = min(t.start_ns for t in tracklets) + round(step.at_s * SECOND_NS)
        here = step.camera_id
        self._known_ns = sorted(
            after.end_ns + CLOSE_NS
            for before, after in transitions(tracklets)
            if (before.camera_id == here) != (after.camera_id == here)
            and (before if before.camera_id == here else after).start_ns >= at_ns
        )
        self._seen = 0
        self.flagged_after: int | None = None

    def __call__(self, at_ns: int, outcome: Outcome) -> None:
        """Looks for the warning whenever another transition is known."""
        del outcome
        before = self._seen
        while self._seen < len(self._known_ns) and self._known_ns[self._seen] <= at_ns:
            self._seen += 1
        if self.flagged_after is None and before < self._seen <= WATCHED and self._is_told():
            self.flagged_after = self._seen

    def _is_told(self) -> bool:
        return any(
            w.camera_id == self._step.camera_id and w.kind == "step" and w.change_s * self._step.by_s > 0
            for w in learned_of(self._associator, self._settings).warnings
        )

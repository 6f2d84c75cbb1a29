"""One seed: embeddings drawn, the live code played, its baselines cut. Owns the order of things; averages nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reid.types import Calibration
from tracker.evaluation.baselines.thresholds import JOINERS, Curve, joiner_curves
from tracker.evaluation.flat_time import FlatTimeAssociator
from tracker.evaluation.identities import NewVehicles, new_vehicles, tracklet_idf1, truth_new
from tracker.evaluation.replay import LATENCIES_S, MODEL_ID, Labels, Replay, Watcher
from tracker.evaluation.simulated.calibration import calibrate
from tracker.evaluation.simulated.components import Components
from tracker.evaluation.simulated.embeddings import Draw, Parts, Simulated, Solved, solve_rank1
from tracker.evaluation.topology import StepWatch, TopologyFit, judge_topology, learned_of
from tracker.evaluation.truth import ClockStep, TruthTracklet, with_skew, with_step
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.settings import AssociationSettings

APPEARANCE_ONLY = "appearance_only"
BASELINES = (*JOINERS, APPEARANCE_ONLY)
#: Nats added to the evidence of looks; the thresholds of the live code when nothing but looks speaks.
OFFSETS: tuple[float, ...] = (-6.0, -4.5, -3.0, -1.5, 0.0, 1.5)
#: The fleet that teaches is another than the one judged.
_LESSON_FLEET = 1


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """What every seed does.

    Attributes:
        tracklets: Judged.
        components: Sizes of the parts of embeddings.
        rank1: That embeddings have between tracklets of different cameras.
        settings: Of association; nothing in them is chosen for the file.
        lesson: Played before, so that cameras and links are known; empty to start knowing nothing.
        baselines: Names in ``BASELINES``.
        flat_time: Play as well without anything learned of time and links.
        skew_s: Play as well with every camera's clock wrong by so much; 0 for not.
        step: Play as well with a clock that jumps.
    """

    tracklets: Sequence[TruthTracklet]
    components: Components
    rank1: float
    settings: AssociationSettings = field(default_factory=AssociationSettings)
    lesson: Sequence[TruthTracklet] = ()
    baselines: tuple[str, ...] = BASELINES
    flat_time: bool = False
    skew_s: float = 0.0
    step: ClockStep | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """One playing of the live code.

    Attributes:
        idf1_at: By latency in seconds; infinity is the end.
        idf1_all: At 10 s, without the camera rule.
        new_at: New vehicles at 0 s and 10 s.
        topology: What was learned, against the passages played.
        outcomes: Counts of decisions, merges and splits.
        said: Probability of every first decision that was not ambiguous, and whether it was right then.
    """

    idf1_at: Mapping[float, float]
    idf1_all: float
    new_at: Mapping[float, NewVehicles]
    topology: TopologyFit
    outcomes: Mapping[str, int]
    said: tuple[tuple[float, bool], ...]

    @property
    def idf1(self) -> float:
        """What ``idf1`` without more means: at 10 s."""
        return self.idf1_at[10.0]


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One seed.

    Attributes:
        seed: Which.
        solved: The noise that gave the rank-1.
        calibration: That the simulated network came with.
        ours: The live code.
        curves: IDF1 of baselines by name, one figure a threshold (an offset for ``appearance_only``).
        flat_time: The live code without anything learned of time, where asked for.
        skewed: With wrong clocks, where asked for.
        stepped: With a clock that jumps, where asked for.
        flagged_after: Transitions after which the jump was told; None for never.
    """

    seed: int
    solved: Solved
    calibration: Calibration
    ours: Played
    curves: Mapping[str, Curve]
    flat_time: Played | None = None
    skewed: Played | None = None
    stepped: Played | None = None
    flagged_after: int | None = None


def run_trial(plan: TrialPlan, seed: int) -> TrialResult:
    """Plays one seed.

    Raises:
        ValueError: The rank-1 cannot be reached.
    """
    parts = Parts(plan.tracklets, plan.components, Draw(seed))
    solved = solve_rank1(parts, plan.rank1)
    simulated = parts.at(solved.level, solved.shift)
    table = _Table(plan, solved, calibrate(plan.components, solved, seed), seed)
    curves = dict(joiner_curves(plan.tracklets, simulated, plan.settings.max_trip_s, plan.baselines))
    if APPEARANCE_ONLY in plan.baselines:
        curves[APPEARANCE_ONLY] = tuple(table.by_looks(simulated, offset) for offset in OFFSETS)
    flat = table.play(plan.tracklets, simulated, flat=True) if plan.flat_time else None
    skewed = table.play_skewed(simulated) if plan.skew_s else None
    stepped, flagged_after = (None, None) if plan.step is None else table.play_stepped(simulated, plan.step)
    ours = table.play(plan.tracklets, simulated)
    return TrialResult(seed, solved, table.calibration, ours, curves, flat, skewed, stepped, flagged_after)


class _Table:
    """The live code as it stands before one seed's tracklets."""

    def __init__(self, plan: TrialPlan, solved: Solved, calibration: Calibration, seed: int) -> None:
        self._plan, self._seed, self._solved = plan, seed, solved
        self.calibration = calibration
        self._lessons: dict[tuple[bool, float], Mapping[str, str]] = {}

    def play(self, tracklets: Sequence[TruthTracklet], simulated: Simulated, *, flat: bool = False) -> Played:
        """Plays tracklets after the lesson."""
        return self._judged(self._taught(flat=flat), tracklets, simulated)

    def play_skewed(self, simulated: Simulated) -> Played:
        """Plays the judged tracklets with wrong clocks, after a lesson with the same ones."""
        skew_s = self._plan.skew_s
        skewed = with_skew(self._plan.tracklets, skew_s, self._seed)
        return self._judged(self._taught(skew_s=skew_s), skewed, simulated)

    def play_stepped(self, simulated: Simulated, step: ClockStep) -> tuple[Played, int | None]:
        """Plays the judged tracklets with a clock that jumps; also after how many transitions that was told."""
        tracklets = with_step(self._plan.tracklets, step)
        associator = self._taught()
        watch = StepWatch(associator, self._plan.settings, tracklets, step)
        return self._judged(associator, tracklets, simulated, watch), watch.flagged_after

    def by_looks(self, simulated: Simulated, offset: float) -> float:
        """IDF1 at 10 s of the judged tracklets played with nothing but looks, its threshold shifted."""
        c = self.calibration
        shifted = replace(c, offset=c.offset + offset, limit=c.limit + abs(offset))
        weights = dict.fromkeys(("time_weight", "zone_weight", "class_weight", "colour_weight"), 0.0)
        associator = self._associator(self._plan.settings.model_copy(update=weights), shifted, flat=False)
        associator.restore((), self._lesson(flat=False, skew_s=0.0))
        tracklets = self._plan.tracklets
        labels = Replay(associator, self._plan.settings.max_trip_s).run(tracklets, simulated)
        return tracklet_idf1(tracklets, labels.identity[10.0])

    def _taught(self, *, flat: bool = False, skew_s: float = 0.0) -> Associator:
        associator = self._associator(self._plan.settings, self.calibration, flat=flat)
        associator.restore((), self._lesson(flat=flat, skew_s=skew_s))
        return associator

    def _associator(self, settings: AssociationSettings, calibration: Calibration, *, flat: bool) -> Associator:
        count = iter(range(10**9))
        made = FlatTimeAssociator if flat else Associator
        return made(settings, calibration, MODEL_ID, lambda: f"i{next(count):06d}")

    def _lesson(self, *, flat: bool, skew_s: float) -> Mapping[str, str]:
        """What the lesson taught, played once for each kind of clock."""
        plan = self._plan
        if not plan.lesson:
            return {}
        if (flat, skew_s) not in self._lessons:
            tracklets = with_skew(plan.lesson, skew_s, self._seed)
            parts = Parts(tracklets, plan.components, Draw(self._seed, _LESSON_FLEET))
            associator = self._associator(plan.settings, self.calibration, flat=flat)
            simulated = parts.at(self._solved.level, self._solved.shift)
            Replay(associator, plan.settings.max_trip_s).run(tracklets, simulated)
            self._lessons[flat, skew_s] = associator.snapshot().links
        return self._lessons[flat, skew_s]

    def _judged(
        self,
        associator: Associator,
        tracklets: Sequence[TruthTracklet],
        simulated: Simulated,
        watch: Watcher | None = None,
    ) -> Played:
        retention_s = self._plan.settings.max_trip_s
        labels: Labels = Replay(associator, retention_s, watch).run(tracklets, simulated)
        truth = truth_new(tracklets, retention_s)
        return Played(
            idf1_at={s: tracklet_idf1(tracklets, labels.identity[s]) for s in (*LATENCIES_S, math.inf)},
            idf1_all=tracklet_idf1(tracklets, labels.identity[10.0], min_cameras=1),
            new_at={s: new_vehicles(truth, labels.new[s]) for s in (0.0, 10.0)},
            topology=judge_topology(learned_of(associator, self._plan.settings), tracklets),
            outcomes=labels.outcomes,
            said=labels.said,
        )

"""What ``vreid evaluate association`` does between its options and its output: reads, plays, judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.cli.evaluate.truth_files import SceneOptions, camera_number, cameras_of, read_lesson, read_truth
from services.cli.simulate.progress import progress
from services.errors import InputError
from tracker.evaluation.truth import LARGEST_S, ClockStep, TruthTracklet, camera_name

if TYPE_CHECKING:
    from tracker.evaluation.simulated.components import Components

_STEP_FORM = "expected CAMERA=SECONDS@AT_SECONDS, such as north=5@900"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command, as given; see their help."""

    truth: Path
    scene: SceneOptions = field(default_factory=SceneOptions)
    rank1: float = 0.75
    seeds: int = 20
    first_seed: int = 0
    learn: Path | None = None
    baselines: tuple[str, ...] | None = None
    flat_time: bool = False
    skew_s: float = 0.0
    step: str | None = None
    components: Path | None = None
    processes: int = 1


def judge_association(asked: Asked) -> dict[str, Any]:
    """Does all of it.

    Returns:
        The score document.

    Raises:
        InputError: Anything that was given cannot be used; the message is one for the user.
    """
    from tracker.evaluation.study import run_study, study_document
    from tracker.evaluation.trial import BASELINES, TrialPlan

    if not 0.0 < asked.rank1 < 1.0:
        raise InputError(f"--rank1: must be between 0 and 1, got {asked.rank1:g}")
    tracklets = read_truth(asked.truth, asked.scene)
    if not tracklets_seen_twice(tracklets):
        raise InputError(f"{asked.truth}: no vehicle was seen by two cameras: there is nothing to associate")
    unknown = set(asked.baselines or ()) - set(BASELINES)
    if unknown:
        raise InputError(f"--baseline: no baseline {sorted(unknown)[0]!r}; known are {', '.join(BASELINES)}")
    plan = TrialPlan(
        tracklets=tracklets,
        components=_components(asked.components),
        rank1=asked.rank1,
        lesson=read_lesson(asked.learn, asked.scene) if asked.learn else (),
        baselines=BASELINES if asked.baselines is None else asked.baselines,
        flat_time=asked.flat_time,
        skew_s=asked.skew_s,
        step=None if asked.step is None else parse_step(asked.step, tracklets),
    )
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    try:
        with progress("seeds") as tell:
            results = run_study(plan, seeds, asked.processes, tell)
    except ValueError as exc:
        raise InputError(f"{asked.truth}: {exc}") from exc
    return study_document(plan, results)


def tracklets_seen_twice(tracklets: Sequence[TruthTracklet]) -> list[TruthTracklet]:
    """The tracklets of vehicles that two cameras or more saw."""
    cameras: dict[int, set[str]] = {}
    for tracklet in tracklets:
        cameras.setdefault(tracklet.vehicle_id, set()).add(tracklet.camera_id)
    return [t for t in tracklets if len(cameras[t.vehicle_id]) > 1]


def parse_step(text: str, tracklets: Sequence[TruthTracklet]) -> ClockStep:
    """Reads CAMERA=SECONDS@AT_SECONDS.

    Raises:
        InputError: It is not of that form, names a camera that is not there, or a number is out of range.
    """
    name, _, rest = text.partition("=")
    by, _, at = rest.partition("@")
    try:
        step = ClockStep(_camera(name.strip(), tracklets), float(by), float(at))
    except ValueError as exc:
        raise InputError(f"--step {text}: {_STEP_FORM}") from exc
    if not abs(step.by_s) <= LARGEST_S:
        raise InputError(f"--step {text}: a clock jumps by at most {LARGEST_S:g} s")
    last_s = (max(t.start_ns for t in tracklets) - min(t.start_ns for t in tracklets)) / 1e9
    if not 0.0 <= step.at_s <= last_s:
        raise InputError(f"--step {text}: the tracklets begin within {last_s:.0f} s; the step lies outside")
    return step


def _camera(name: str, tracklets: Sequence[TruthTracklet]) -> str:
    known = cameras_of(tracklets)
    if name in known:
        return name
    try:
        numbered = camera_name(camera_number(name))
    except ValueError:
        numbered = name
    if numbered not in known:
        raise InputError(f"--step: no camera {name!r}; there are {', '.join(known)}")
    return numbered


def _components(path: Path | None) -> Components:
    from tracker.evaluation.simulated.components import packaged_components, parse_components

    if path is None:
        return packaged_components()
    try:
        return parse_components(path.read_text(encoding="utf-8"), str(path))
    except OSError as exc:
        raise InputError(f"{path}: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise InputError(str(exc)) from exc

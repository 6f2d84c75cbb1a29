"""All seeds of an evaluation and the document they give. Owns averaging and pairing; plays nothing itself."""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

import numpy as np

from reid.evaluation.reliability import reliability
from tracker.evaluation.baselines.thresholds import THRESHOLDS, Curve
from tracker.evaluation.intervals import Mean, bootstrap_mean, mean_of
from tracker.evaluation.trial import APPEARANCE_ONLY, OFFSETS, Played, TrialPlan, TrialResult, run_trial
from tracker.evaluation.truth import ClockStep

#: Told how many seeds are done, of how many.
Progress = Callable[[int, int], None]

_LATENCY_NAMES = {0.0: "0s", 2.0: "2s", 10.0: "10s", math.inf: "end"}
_DIGITS = 4
#: Mathematics libraries start a thread per core in every process unless told otherwise.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_study(
    plan: TrialPlan, seeds: Sequence[int], processes: int = 1, progress: Progress = lambda _done, _of: None
) -> list[TrialResult]:
    """Plays every seed.

    Args:
        plan: What each does.
        seeds: At least one.
        processes: Seeds played at once.
        progress: Told after every seed.

    Returns:
        By seed; the same whatever ``processes`` is.

    Raises:
        ValueError: There is no seed, or the rank-1 cannot be reached.
    """
    if not seeds:
        raise ValueError("there must be at least one seed")
    done: dict[int, TrialResult] = {}
    if min(processes, len(seeds)) == 1:
        for seed in seeds:
            done[seed] = run_trial(plan, seed)
            progress(len(done), len(seeds))
        return [done[seed] for seed in seeds]
    spawn = multiprocessing.get_context("spawn")
    with _one_thread_each(), ProcessPoolExecutor(min(processes, len(seeds)), mp_context=spawn) as pool:
        waiting = {pool.submit(run_trial, plan, seed): seed for seed in seeds}
        try:
            for future in as_completed(waiting):
                done[waiting[future]] = future.result()
                progress(len(done), len(seeds))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [done[seed] for seed in seeds]


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """What children read when they start; put back afterwards."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def study_document(plan: TrialPlan, results: Sequence[TrialResult]) -> dict[str, Any]:
    """What a study found, JSON-like: means over seeds, intervals by bootstrap over seeds, a row per seed.

    ``paired`` holds ours minus each baseline, seed by seed, the baseline at the one threshold that is best over all
    seeds of this file.
    """
    ours = [r.ours for r in results]
    main = bootstrap_mean([p.idf1 for p in ours])
    baselines: dict[str, float | None] = {}
    paired: dict[str, Any] = {}
    best: dict[str, list[float]] = {}
    for name in results[0].curves:
        values, threshold = _at_best(
            [r.curves[name] for r in results], OFFSETS if name == APPEARANCE_ONLY else THRESHOLDS
        )
        best[name] = values
        mean = bootstrap_mean(values)
        baselines[name] = _number(mean.value)
        paired[name] = {
            "threshold": threshold,
            "ci95": _interval(mean),
            **_difference("difference", [p.idf1 for p in ours], values),
        }
    return {
        "idf1": _number(main.value),
        "idf1_at": {n: _number(mean_of([p.idf1_at[s] for p in ours])) for s, n in _LATENCY_NAMES.items()},
        "ci95": _interval(main),
        "baselines": baselines,
        "idf1_all": _number(mean_of([p.idf1_all for p in ours])),
        "new_vehicle": {_LATENCY_NAMES[s]: _new(ours, s) for s in (0.0, 10.0)},
        "decisions": _sureness(ours),
        "topology": _topology(ours),
        "paired": paired,
        **_ablations(plan, results),
        "rank1": {"asked": plan.rank1, "reached": _number(mean_of([r.solved.rank1 for r in results]))},
        "tracklets": len(plan.tracklets),
        "vehicles": len({t.vehicle_id for t in plan.tracklets}),
        "cameras": len({t.camera_id for t in plan.tracklets}),
        "lesson_tracklets": len(plan.lesson),
        "seeds": [_row(r, {name: values[i] for name, values in best.items()}) for i, r in enumerate(results)],
    }


def _at_best(curves: Sequence[Curve], thresholds: Sequence[float]) -> tuple[list[float], float | None]:
    """Values by seed at the threshold whose mean is best, and that threshold; nan and None where not measured."""
    table = np.array(curves)
    means = table.mean(axis=0)
    if np.isnan(means).all():
        return [math.nan] * len(curves), None
    k = int(np.nanargmax(means))
    return table[:, k].tolist(), thresholds[k]


def _difference(name: str, ours: Sequence[float], others: Sequence[float]) -> dict[str, Any]:
    """What ours is above others, seed by seed, under that name."""
    mean = bootstrap_mean([one - other for one, other in zip(ours, others, strict=True)])
    return {name: _number(mean.value), f"{name}_ci95": _interval(mean)}


def _new(played: Sequence[Played], latency_s: float) -> dict[str, float | None]:
    return {
        name: _number(mean_of([getattr(p.new_at[latency_s], name) for p in played])) for name in ("precision", "recall")
    }


def _sureness(played: Sequence[Played]) -> dict[str, Any] | None:
    """How sure first decisions were, and how often they were right, over all seeds; None where none was taken."""
    said = [pair for p in played for pair in p.said]
    if not said:
        return None
    stated, right = np.array([s for s, _ in said]), np.array([r for _, r in said], np.bool_)
    means = {"stated": _number(float(stated.mean())), "right": _number(float(right.mean()))}
    return means | reliability(stated, right).document()


def _ablations(plan: TrialPlan, results: Sequence[TrialResult]) -> dict[str, Any]:
    """What else was played, each against ours of the same seed: what time gains, what wrong clocks lose."""
    found: dict[str, Any] = {}
    for name, what in (("flat_time", "gain"), ("skewed", "loss"), ("stepped", "loss")):
        played = [getattr(r, name) for r in results]
        if all(p is not None for p in played):
            theirs = [p.idf1 for p in played]
            mean = bootstrap_mean(theirs)
            found[name] = {
                "idf1": _number(mean.value),
                "ci95": _interval(mean),
                **_difference(what, [r.ours.idf1 for r in results], theirs),
            }
    if "skewed" in found:
        found["skewed"]["skew_s"] = plan.skew_s
        found["skewed"]["topology"] = _topology([r.skewed for r in results if r.skewed is not None])
    if "stepped" in found and plan.step is not None:
        found["stepped"].update(_flagged(plan.step, [r.flagged_after for r in results]))
    return found


def _flagged(step: ClockStep, after: Sequence[int | None]) -> dict[str, Any]:
    """After how many transitions a step was told: the median and the worst of the seeds in which it was."""
    told = [n for n in after if n is not None]
    return {
        "camera_id": step.camera_id,
        "by_s": step.by_s,
        "at_s": step.at_s,
        "flagged_share": _number(len(told) / len(after)),
        "flagged_after": {"median": float(np.median(told)), "worst": max(told)} if told else None,
    }


def _topology(played: Sequence[Played]) -> dict[str, float | None]:
    """Of links and overlaps travelled often enough to be judged, the share that was learned right, over all seeds."""
    fits = [p.topology for p in played]
    links, overlaps = sum(f.links for f in fits), sum(f.overlaps for f in fits)
    return {
        "links": links / len(fits),
        "travel_right": _number(sum(f.travel_right for f in fits) / links) if links else None,
        "overlaps": overlaps / len(fits),
        "offsets_right": _number(sum(f.offsets_right for f in fits) / overlaps) if overlaps else None,
        "warnings": sum(f.warnings for f in fits) / len(fits),
    }


def _row(result: TrialResult, baselines: Mapping[str, float]) -> dict[str, Any]:
    ours = result.ours
    more = {n: p for n in ("flat_time", "skewed", "stepped") if (p := getattr(result, n)) is not None}
    return {
        "seed": result.seed,
        "idf1": _number(ours.idf1),
        "idf1_at": {name: _number(ours.idf1_at[s]) for s, name in _LATENCY_NAMES.items()},
        "baselines": {name: _number(value) for name, value in baselines.items()},
        **{name: _number(played.idf1) for name, played in more.items()},
        **({} if result.stepped is None else {"flagged_after": result.flagged_after}),
        "rank1": _number(result.solved.rank1),
        "noise": _number(result.solved.level),
        "shift": _number(result.solved.shift),
        "outcomes": dict(ours.outcomes),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, _DIGITS)


def _interval(mean: Mean) -> list[float | None]:
    return [_number(mean.low), _number(mean.high)]

"""Kills a site again and again, fault by fault, and adds up what its rounds found. Knows no merge and no enrolment."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.crash.site import CrashSite
from benchmarks.crash.unsynced import UnsupportedError

FAULTS = ("matcher", "server", "power")


@dataclass(frozen=True, slots=True)
class CrashBench:
    """What to do.

    Attributes:
        times: Kills of each kind.
        faults: Of FAULTS.
        seed: Of everything drawn.
    """

    times: int = 50
    faults: tuple[str, ...] = FAULTS
    seed: int = 1


class Rounds(Protocol):
    """Work on a site that is killed in the middle of it."""

    def one(self, kill: Callable[[], None]) -> None:
        """Works, has the site killed meanwhile, starts it again and checks all that was acknowledged."""
        ...

    def document(self) -> dict[str, Any]:
        """What was found so far."""
        ...


def run_faults(
    bench: CrashBench,
    rounds_on: Callable[[CrashSite, Path, np.random.Generator], Rounds],
    wrong: tuple[str, ...],
    report: Callable[[int, int], None],
    *,
    snapshots: bool = False,
) -> dict[str, Any]:
    """Tries each fault on a site of its own.

    Args:
        bench: What to do.
        rounds_on: Makes the rounds of a site, its data folder and a source of chance.
        wrong: Keys of a fault's document that must hold nothing.
        report: Told after every kill how many are done, of how many.
        snapshots: The matcher writes snapshots too.

    Returns:
        ``{times, faults: {name: document}, ok}``; a fault that cannot be tried here says why.
    """
    faults: dict[str, Any] = {}
    for number, fault in enumerate(bench.faults):
        try:
            with (
                tempfile.TemporaryDirectory(prefix="vreid-crash-") as folder,
                CrashSite(Path(folder), shim=fault == "power", snapshots=snapshots) as site,
            ):
                rounds = rounds_on(site, Path(folder), np.random.default_rng([bench.seed, FAULTS.index(fault)]))
                kill = {"matcher": site.kill_matcher, "server": site.kill_server, "power": site.cut_power}[fault]
                for done in range(bench.times):
                    rounds.one(kill)
                    report(number * bench.times + done + 1, bench.times * len(bench.faults))
                faults[fault] = rounds.document()
        except UnsupportedError as exc:
            faults[fault] = {"unsupported": str(exc)}
    tried = [found for found in faults.values() if "unsupported" not in found]
    ok = bool(tried) and not any(found[key] for found in tried for key in wrong)
    return {"times": bench.times, "faults": faults, "ok": ok}

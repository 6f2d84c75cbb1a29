"""Sends hostile requests to a matcher in a process of its own and looks at the codes, the process and its memory.

Judges nothing but whether each code is one that the request may get.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.crash.matcher import DIM
from benchmarks.crash.site import CrashSite
from benchmarks.matcher.hostile import Hostile, Target, hostile
from services.client import ImageMode
from services.client.raw import RawCalls, Status

_TIMEOUT_S = 60.0
_KNOWN = 20
_MB = 2**20
#: What is told of wrong answers.
_SHOWN = 20
#: How often memory is looked at; after the second time it is settled, and what it does later is growth.
_LOOKS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        asked: The request.
        status: Of the call.
    """

    asked: Hostile
    status: Status

    @property
    def wrong(self) -> bool:
        """Whether the code is none that is right, or more is said than one line without insides."""
        details = self.status.details
        return self.status.code not in self.asked.codes or "\n" in details or "Traceback" in details


def answers(address: str, seeds: range, target: Target) -> Iterator[Answer]:
    """What a matcher answers to the requests of some seeds, one after another."""
    with RawCalls(address, _TIMEOUT_S) as calls:
        for seed in seeds:
            asked = hostile(seed, target)
            yield Answer(asked, calls.ask(asked.call, asked.body))


def fuzz_figures(
    requests: int, seed: int, report: Callable[[int, int], None] = lambda done, of: None
) -> dict[str, Any]:
    """Asks a matcher over an embedded server.

    Args:
        requests: How many.
        seed: Of the first; the others follow.
        report: Told now and then how many are done, of how many.

    Returns:
        ``requests``, ``codes`` (how often each came), ``calls`` (how many were tried), ``wrong`` (how many answers) and
        ``wrong_shown``, ``rss_mb`` after each tenth of the requests, ``growth_mb`` from the second of these to the
        last, ``alive`` (the same process serves) and ``unchanged`` (it holds and finds what it did before).
    """
    codes: Counter[str] = Counter()
    calls: set[str] = set()
    wrong: list[str] = []
    rss_mb: list[float] = []
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as name, CrashSite(Path(name), shim=False) as site:
        target = _fill(site)
        before, pid = _found(site, target), site.matcher_pid
        for number, answer in enumerate(answers(site.address, range(seed, seed + requests), target)):
            codes[answer.status.code] += 1
            calls.add(answer.asked.call)
            if answer.wrong:
                wrong.append(
                    f"seed {seed + number}: {answer.asked.call}: {answer.status.code}: {answer.status.details[:120]}"
                )
            if (number + 1) * _LOOKS // requests > len(rss_mb):
                rss_mb.append(_rss_mb(pid))
                report(number + 1, requests)
        after = _found(site, target)
        return {
            "requests": requests,
            "calls": len(calls),
            "codes": dict(codes.most_common()),
            "wrong": len(wrong),
            "wrong_shown": wrong[:_SHOWN],
            "rss_mb": rss_mb,
            "growth_mb": rss_mb[-1] - rss_mb[1],
            "alive": site.matcher_pid == pid and site.client.serving(),
            "unchanged": after == before,
        }


def _fill(site: CrashSite) -> Target:
    """Enrols some vehicles; the first is the one that requests name."""
    rng = np.random.default_rng(0)
    done = []
    for _ in range(_KNOWN):
        _, encoded = cv2.imencode(".png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        done.append(site.client.gallery_enroll([encoded.tobytes()], mode=ImageMode.AS_IS))
    return Target(DIM, done[0].sighting_id, done[0].identity_id)


def _found(site: CrashSite, target: Target) -> tuple[int, list[str]]:
    """How much the gallery holds, and whom it finds for one sighting."""
    found = site.client.search_sighting(target.sighting_id)
    return site.client.gallery_stats().sightings, [match.sighting_id for match in found.matches]


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB

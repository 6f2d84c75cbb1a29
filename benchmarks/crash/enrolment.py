"""Kills a site in the middle of enrolments and erasures and looks what is left: store, gallery, bytes on the disk."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.crash.faults import CrashBench, run_faults
from benchmarks.crash.site import CrashSite
from services.client import Enrolled, ImageMode
from services.crops import CropStore
from services.errors import NotFound, Unavailable
from services.identity.retention.erase import Eraser
from services.identity.retention.proof import search_folder

_ENROLLED_BEFORE = 2
_PICTURE_PX = 16
#: Longest that an erasure waits for a matcher that may be dead; then it is in doubt.
_PATIENCE_S = 3.0
_ERASED_SHARE = 0.35


@dataclass(slots=True)
class _Known:
    """What was answered with success, and what was not answered.

    Attributes:
        living: Enrolled and not erased since.
        erased: Erased, with proof.
        doubtful: Identities of which an erasure was not answered.
        vectors: Bytes of the vectors of what was erased.
        counts: Of everything.
    """

    living: dict[str, Enrolled] = field(default_factory=dict)
    erased: dict[str, Enrolled] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    vectors: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def run_enrolments(bench: CrashBench, report: Callable[[int, int], None] = lambda done, of: None) -> dict[str, Any]:
    """Runs the bench.

    Args:
        bench: What to do.
        report: Told after every kill how many are done, of how many.

    Returns:
        ``{faults: {name: {kills, enrolled, erased, in_doubt, lost, undead, traces}}, ok}``: ``lost`` acknowledged
        enrolments that are not there, ``undead`` acknowledged erasures that are, ``traces`` places in the data folder
        where bytes of an erased vector were found. A fault that cannot be tried here says why.
    """
    return run_faults(bench, _Rounds, ("lost", "undead", "traces"), report, snapshots=True)


class _Rounds:
    """Enrols and erases on a site, has it killed meanwhile, starts it again and checks all that was acknowledged."""

    def __init__(self, site: CrashSite, folder: Path, rng: np.random.Generator) -> None:
        self._site = site
        self._folder = folder
        self._rng = rng
        self._eraser = Eraser(site.store, CropStore(str(folder / "crops")), folder, _PATIENCE_S)
        self._known = _Known()
        self._lost: set[str] = set()
        self._undead: set[str] = set()
        self._kills = 0

    def one(self, kill: Callable[[], None]) -> None:
        """One kill."""
        for _ in range(_ENROLLED_BEFORE):
            self._enrol()
        burst = threading.Thread(target=self._burst, name="operator")
        burst.start()
        time.sleep(float(self._rng.uniform(0.0, 0.4)))
        kill()
        self._kills += 1
        burst.join()
        self._site.start()
        self._check()

    def document(self) -> dict[str, Any]:
        """All counts, and what is found of erased vectors in the data folder now."""
        known = self._known
        search = search_folder(self._folder, known.vectors)
        return {
            "kills": self._kills,
            "enrolled": known.counts["enrolled"],
            "erased": known.counts["erased"],
            "in_doubt": known.counts["in_doubt"],
            "lost": sorted(self._lost),
            "undead": sorted(self._undead),
            "traces": [str(trace) for trace in search.traces],
            "files_searched": search.files,
            "syncs": self._site.syncs,
            "unsynced_bytes_thrown_away": self._site.lost_bytes,
        }

    def _burst(self) -> None:
        """Work without pause, until something is not answered."""
        while self._erase() if self._rng.random() < _ERASED_SHARE else self._enrol():
            pass

    def _enrol(self) -> bool:
        picture = self._rng.integers(0, 256, (_PICTURE_PX, _PICTURE_PX, 3), dtype=np.uint8)
        _, encoded = cv2.imencode(".png", picture)
        try:
            done = self._site.client.gallery_enroll([encoded.tobytes()], mode=ImageMode.AS_IS)
        except Unavailable:
            self._known.counts["in_doubt"] += 1
            return False
        self._known.living[done.identity_id] = done
        self._known.counts["enrolled"] += 1
        return True

    def _erase(self) -> bool:
        known = self._known
        sure = sorted(known.living.keys() - known.doubtful)
        if not sure:
            return True
        chosen = known.living[sure[int(self._rng.integers(len(sure)))]]
        known.doubtful.add(chosen.identity_id)
        try:
            vectors = self._site.store.vector_bytes((chosen.sighting_id,))
            done = self._eraser.identity(chosen.identity_id, "crash")
        except (Unavailable, NotFound):
            known.counts["in_doubt"] += 1
            return False
        if not done.proven:
            known.counts["in_doubt"] += 1
            return False
        known.doubtful.discard(chosen.identity_id)
        known.erased[chosen.identity_id] = known.living.pop(chosen.identity_id)
        known.vectors += vectors
        known.counts["erased"] += 1
        return True

    def _check(self) -> None:
        """Every acknowledged enrolment is there, every acknowledged erasure is not."""
        known = self._known
        for name, one in known.living.items():
            if name not in known.doubtful and not self._is_held(name, one):
                self._lost.add(name)
        for name, one in known.erased.items():
            if self._site.store.get_sighting(one.sighting_id) is not None or self._answers(name):
                self._undead.add(name)

    def _is_held(self, identity_id: str, enrolled: Enrolled) -> bool:
        return self._site.store.get_sighting(enrolled.sighting_id) is not None and self._answers(identity_id)

    def _answers(self, identity_id: str) -> bool:
        try:
            return self._site.client.gallery_get(identity_id).sighting_count > 0
        except NotFound:
            return False

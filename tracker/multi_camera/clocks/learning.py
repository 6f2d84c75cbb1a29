"""What vehicles show of the cameras' clocks: offsets, steps, drift. Owns what was concluded from encounters.

Offsets that are large and certain, and steps, are corrected: from then on all times are those of one clock.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats
from tracker.multi_camera.clocks.corrections import Ahead, Correction
from tracker.multi_camera.clocks.encounters import Encounter
from tracker.multi_camera.clocks.offsets import (
    LEAST,
    MAD_TO_SD,
    OVERLAPPING_WAY_SD_S,
    WAY_SD_S,
    Fit,
    drift,
    fit,
    settle,
)
from tracker.multi_camera.clocks.ring import EncounterRing
from tracker.multi_camera.clocks.steps import RECENT, Lateness, jump
from tracker.multi_camera.types import Observation

#: How little two movements must differ, squared, to be alike, and how many alike tell what is usual.
ALIKE, LEAST_ALIKE = 0.5, 5
#: The least scatter of what is usual, and how many times the least of several is about as little.
LEAST_SCALE_S, TIGHT = 0.5, 1.5
#: It is estimated anew after this many more, or half as many as it was estimated from.
ANEW = 16
#: Encounters after which all clocks are compared.
ALIGN_EVERY = 16
#: Clocks are corrected when two are apart by this, and by so many standard errors.
LEAST_OFFSET_S, OFFSET_ERRORS = 1.5, 4.0
#: Encounters of two cameras, and the largest error of their offset, for it to count in that.
ALIGN_TRIPS, ALIGN_ERROR_S = 12, 3.0
#: Seconds for which a step is told.
TOLD_S = 3600.0
STEPS_KEPT = 8
#: Seconds that encounters must span for drift to be told, encounters of two cameras that count, and by how much a
#: clock must have moved: seconds, and standard errors.
DRIFT_SPAN_S, DRIFT_TRIPS, LEAST_DRIFT_S, DRIFT_ERRORS = 900.0, 16, 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """A clock that jumped: whose, when, by how many seconds forward, and from how many trips that is concluded."""

    camera: int
    at_s: float
    change_s: float
    trips: int


@dataclass(frozen=True, slots=True)
class Drift:
    """A clock that runs wrong: whose, by how many seconds it went forward, and from how many trips that is told."""

    camera: int
    change_s: float
    trips: int


class Clocks:
    """The newest encounters and what they say."""

    def __init__(self) -> None:
        self._ring = EncounterRing()
        self._ahead: dict[int, Ahead] = {}
        self._steps: list[Step] = []
        self._fits: dict[tuple[int, int], Fit] = {}
        self._since_fit: dict[tuple[int, int], int] = {}
        self._changed_cameras: set[int] = set()

    @property
    def taken(self) -> int:
        """Encounters taken in so far."""
        return self._ring.taken

    # ------------------------------------------------------------------ times

    def put_right(self, observation: Observation, camera: int) -> Observation:
        """An observation with the site's times in place of those shown."""
        ahead = self._ahead.get(camera)
        return observation if ahead is None else ahead.put_right(observation)

    def as_shown(self, observation: Observation, camera: int) -> Observation:
        """The reverse of :meth:`put_right`."""
        ahead = self._ahead.get(camera)
        return observation if ahead is None else ahead.as_shown(observation)

    def ahead_s(self, camera: int) -> float:
        """Seconds by which a clock is corrected now."""
        ahead = self._ahead.get(camera)
        return 0.0 if ahead is None else ahead.now_s

    # ------------------------------------------------------------------ learning

    def take(self, encounters: Iterable[Encounter]) -> list[Correction]:
        """Takes encounters in, in the order in which they became known; returns what that newly says of clocks."""
        found: list[Correction] = []
        for told in encounters:
            encounter = told
            for correction in found:  # They were met before it was known.
                encounter = encounter.put_right(correction)
            late_s, scale_s = self._late(encounter)
            self._ring.put(encounter, late_s, scale_s)
            self._refit((encounter.one, encounter.other))
            if abs(late_s) > scale_s:
                found += self._stepped(encounter)
            if self._ring.taken % ALIGN_EVERY == 0:
                found += self._aligned()
        return found

    def _late(self, encounter: Encounter) -> tuple[float, float]:
        """By how much more than usual lies between two views for whoever moves like that, and how far that scatters.

        Begin or end before the one camera is compared with begin or end before the other. A vehicle that waits on its
        way, in a view or between the two, does so before some of them; a clock that moved shows in all. Of those that
        scatter least the least change counts.
        """
        ring, seen_s = self._ring, np.array([encounter.one_s, encounter.other_s])
        rows = ring.between(encounter.one, encounter.other)
        alike = rows[((ring.movement[rows] - encounter.movement) ** 2).sum(axis=1) <= ALIKE]
        if len(alike) < LEAST_ALIKE:
            return 0.0, 0.0
        usual_s = _between(ring.seen_s[alike])
        median_s = np.median(usual_s, axis=0)
        scale_s = np.maximum(MAD_TO_SD * np.median(np.abs(usual_s - median_s), axis=0), LEAST_SCALE_S)
        tight = scale_s <= TIGHT * scale_s.min()
        late_s = (_between(seen_s[None])[0] - median_s)[tight]
        least = int(np.abs(late_s).argmin())
        if np.ptp(np.sign(late_s)):
            return 0.0, float(scale_s[tight].max())
        return float(late_s[least]), float(scale_s[tight].max())

    def _refit(self, pair: tuple[int, int]) -> None:
        known, more = self._fits.get(pair), self._since_fit.get(pair, 0) + 1
        self._since_fit[pair] = more
        if known is None or more >= min(ANEW, max(known.trips // 2, 1)):
            fresh = self.fit_of(*pair)
            if fresh is not None:
                self._fits[pair], self._since_fit[pair] = fresh, 0

    def fit_of(self, one: int, other: int, *, overlap: bool = False) -> Fit | None:
        """What the newest encounters of two cameras show; None of too few.

        Args:
            one: The smaller number.
            other: The larger.
            overlap: Their views are known to overlap.
        """
        rows = self._ring.between(one, other)
        if len(rows) < LEAST:
            return None
        return fit(self._ring.between_s(rows), self._ring.movement[rows], OVERLAPPING_WAY_SD_S if overlap else WAY_SD_S)

    def _lateness(self, camera: int) -> Lateness:
        ring = self._ring
        rows = ring.comparable(camera, RECENT)
        sign = ring.sign(rows, camera)
        begun_s = ring.seen_s[rows, np.where(sign > 0, 1, 0), 0]
        late_s, scale_s = ring.late_s[rows], ring.scale_s[rows]
        return Lateness(sign * late_s, scale_s, sign * (ring.between_s(rows) - late_s), begun_s)

    def _stepped(self, encounter: Encounter) -> list[Correction]:
        """Whether the clock of either camera jumped; the likelier of the two is corrected."""
        found = [(jump(self._lateness(camera)), camera) for camera in (encounter.one, encounter.other)]
        (jumped, camera), (rival, _) = sorted(found, key=lambda f: -math.inf if f[0] is None else f[0].nats)[::-1]
        if jumped is None or not jumped.is_certain(rival):
            return []
        ring = self._ring
        first = ring.comparable(camera, RECENT)[jumped.since]
        at_s = float(ring.seen_s[first, int(ring.cameras[first, 1] == camera), 0])
        self._steps = [*self._steps, Step(camera, at_s, jumped.change_s, round(jumped.agreeing))][-STEPS_KEPT:]
        correction = Correction(camera, at_s, jumped.change_s)
        mine = ring.of(camera) & (ring.number >= ring.number[first])
        ring.late_s[mine] -= ring.sign(np.flatnonzero(mine), camera) * jumped.change_s
        self._correct(correction, mine)
        return [correction]

    def _correct(self, correction: Correction, rows: NDArray[np.bool_]) -> None:
        camera = correction.camera
        self._ahead.setdefault(camera, Ahead()).correct(correction)
        self._ring.put_back(camera, rows, correction.by_s)
        self._changed_cameras.add(camera)

    def _aligned(self) -> list[Correction]:
        """Corrects the clocks when two of them are far apart and that is certain."""
        good = {
            pair: known
            for pair, known in self._fits.items()
            if known.trips >= ALIGN_TRIPS and known.error_s <= ALIGN_ERROR_S
        }
        if not any(abs(known.offset_s) >= LEAST_OFFSET_S for known in good.values()):
            return []
        ahead_s, covariance = settle(good, 1 + int(self._ring.cameras.max()))
        if not any(self._apart(ahead_s, covariance, *pair) for pair in good):
            return []
        corrections = [Correction(k, -math.inf, float(by)) for k, by in enumerate(ahead_s) if by]
        for correction in corrections:
            self._correct(correction, self._ring.of(correction.camera))
        self._fits = {
            (one, other): known.moved(float(ahead_s[one] - ahead_s[other]))
            for (one, other), known in self._fits.items()
        }
        return corrections

    @staticmethod
    def _apart(ahead_s: Floats, covariance: Floats, one: int, other: int) -> bool:
        variance = covariance[one, one] + covariance[other, other] - 2 * covariance[one, other]
        least_s = max(LEAST_OFFSET_S, OFFSET_ERRORS * math.sqrt(variance))
        return bool(abs(ahead_s[other] - ahead_s[one]) >= least_s)

    # ------------------------------------------------------------------ reading

    def steps(self) -> list[Step]:
        """Clocks that jumped lately, the newest of each camera, by camera."""
        now_s = float(self._ring.seen_s.max())
        newest = {step.camera: step for step in self._steps if now_s - step.at_s <= TOLD_S}
        return [newest[camera] for camera in sorted(newest)]

    def drifts(self) -> list[Drift]:
        """Clocks that run faster or slower than those around them, by camera, over the time of the encounters kept."""
        ring = self._ring
        kept = ring.kept()
        at_s = ring.seen_s.mean(axis=(1, 2))
        span_s = float(np.ptp(at_s[kept])) if len(kept) else 0.0
        if span_s < DRIFT_SPAN_S:
            return []
        age = (at_s - at_s[kept].min()) / span_s - 0.5
        fits = {}
        for one, other in np.unique(ring.cameras[kept], axis=0).tolist():
            rows = np.flatnonzero((ring.cameras[:, 0] == one) & (ring.cameras[:, 1] == other))
            if len(rows) >= DRIFT_TRIPS:
                fits[one, other] = drift(ring.between_s(rows), ring.movement[rows], age[rows])
        if not fits:
            return []
        moved_s, covariance = settle(fits, 1 + int(ring.cameras.max()))
        # Most clocks are right.
        moved_s = moved_s - np.median(moved_s[np.unique(list(fits))])
        trips = Counter(camera for pair, known in fits.items() for camera in pair for _ in range(known.trips))
        least_s = np.maximum(LEAST_DRIFT_S, DRIFT_ERRORS * np.sqrt(np.diag(covariance)))
        return [Drift(k, float(moved_s[k]), trips[k]) for k in np.flatnonzero(np.abs(moved_s) >= least_s).tolist()]

    # ------------------------------------------------------------------ state

    def drain_changed(self) -> tuple[set[int], set[int]]:
        """Rows of encounters, and cameras whose clocks were corrected, that changed since the last call."""
        changed, self._changed_cameras = self._changed_cameras, set()
        return self._ring.drain_changed(), changed

    def all_kept(self) -> tuple[set[int], set[int]]:
        """Rows of all encounters, and all cameras whose clocks were corrected."""
        return set(self._ring.kept().tolist()), set(self._ahead)

    def encounter_state(self, row: int) -> dict[str, Any]:
        """JSON-like state of one encounter."""
        return self._ring.state(row)

    def clock_state(self, camera: int) -> dict[str, Any]:
        """JSON-like state of what was concluded of one clock."""
        steps = [[s.at_s, s.change_s, s.trips] for s in self._steps if s.camera == camera]
        return {"ahead": self._ahead[camera].history, "steps": steps}

    def load_encounter(self, state: Mapping[str, Any]) -> None:
        """Takes over :meth:`encounter_state`."""
        self._ring.load(state)

    def load_clock(self, camera: int, state: Mapping[str, Any]) -> None:
        """Takes over :meth:`clock_state`."""
        self._ahead[camera] = Ahead([(since, by) for since, by in state["ahead"]])
        steps = [Step(camera, float(at), float(change), int(trips)) for at, change, trips in state["steps"]]
        self._steps = sorted([*self._steps, *steps], key=lambda step: step.at_s)


def _between(seen_s: Floats) -> Floats:
    """From begin and end before the one camera to begin and end before the other: (N, 2, 2) to (N, 4)."""
    between_s: Floats = (seen_s[:, 1, :, None] - seen_s[:, 0, None, :]).reshape(len(seen_s), 4)
    return between_s

"""Sightings gathered into passages, batch by batch, with the moments of entering and leaving interpolated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.recording.watch import Sightings, joined

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Passages:
    """Contiguous times in which a camera sees a vehicle; M of them.

    Attributes:
        camera: Index, (M,).
        vehicle: Index, (M,).
        start_s: True time, (M,).
        end_s: True time, (M,).
        entry_px: Middle of the first box, (M, 2).
        exit_px: Middle of the last box, (M, 2).
        width_px: Largest width, (M,).
        aspects_deg: First and last, (M, 2).
    """

    camera: Ints
    vehicle: Ints
    start_s: Floats
    end_s: Floats
    entry_px: Floats
    exit_px: Floats
    width_px: Floats
    aspects_deg: Floats


class Gatherer:
    """Turns a stream of sightings into passages; keeps only what is still in view."""

    def __init__(self, every_s: float) -> None:
        """Args: every_s is the time from one sighting to the next."""
        self._every_s = every_s
        self._open: list[Sightings] = []
        self._done: list[Passages] = []

    def add(self, sightings: Sightings, until_s: float) -> None:
        """Takes what was seen up to a moment; batches must follow each other in time."""
        everything = joined([*self._open, sightings])
        order = np.lexsort((everything.time_s, everything.vehicle, everything.camera))
        everything = everything.take(order)
        run = self._runs(everything)
        last = np.zeros(len(everything), bool)
        if len(everything):
            latest = np.maximum.reduceat(everything.time_s, np.flatnonzero(np.diff(run, prepend=-1)))
            last = latest[run] > until_s - 1.5 * self._every_s
        self._open = [everything.take(last)]
        self._close(everything.take(~last))

    def finish(self) -> Passages:
        """All passages; those in view at the end end there."""
        for rest in self._open:
            self._close(rest)
        self._open = []
        names = Passages.__slots__
        done = Passages(
            *(np.concatenate([getattr(part, name) for part in [_nothing(), *self._done]]) for name in names)
        )
        lasting = done.end_s > done.start_s
        return Passages(*(getattr(done, name)[lasting] for name in names))

    def _runs(self, seen: Sightings) -> Ints:
        """Number of the run of consecutive moments of one camera and vehicle, (K,)."""
        breaks = (np.diff(seen.camera) != 0) | (np.diff(seen.vehicle) != 0)
        breaks |= np.diff(seen.time_s) > 1.5 * self._every_s
        return np.concatenate([[0], np.cumsum(breaks)])[: len(seen)]

    def _close(self, seen: Sightings) -> None:
        """Cuts runs where the box is too small and notes each visible piece."""
        visible = seen.margin_px >= 0
        if not visible.any():
            self._done.append(_nothing())
            return
        run = self._runs(seen)
        before = np.concatenate([[False], visible[:-1] & (run[1:] == run[:-1])])
        after = np.concatenate([visible[1:] & (run[1:] == run[:-1]), [False]])
        first, last = np.flatnonzero(visible & ~before), np.flatnonzero(visible & ~after)
        piece = np.cumsum(visible & ~before) - 1
        width = np.zeros(len(first))
        np.maximum.at(width, piece[visible], (seen.box[:, 2] - seen.box[:, 0])[visible])
        middle = (seen.box[:, :2] + seen.box[:, 2:]) / 2
        self._done.append(
            Passages(
                camera=seen.camera[first],
                vehicle=seen.vehicle[first],
                start_s=self._crossing(seen, run, first, -1),
                end_s=self._crossing(seen, run, last, 1),
                entry_px=middle[first],
                exit_px=middle[last],
                width_px=width,
                aspects_deg=np.stack([seen.aspect_deg[first], seen.aspect_deg[last]], axis=1),
            )
        )

    @staticmethod
    def _crossing(seen: Sightings, run: Ints, at: Ints, step: int) -> Floats:
        """When the box became large enough, between a visible moment and the invisible one beside it."""
        beside = np.clip(at + step, 0, len(seen) - 1)
        known = (run[beside] == run[at]) & (beside != at)
        inside, outside = seen.margin_px[at], seen.margin_px[beside]
        share = np.where(known, inside / np.maximum(inside - outside, 1e-9), 0.0)
        moment: Floats = seen.time_s[at] + share * np.where(known, seen.time_s[beside] - seen.time_s[at], 0.0)
        return moment


def _nothing() -> Passages:
    none, pair = np.zeros(0), np.zeros((0, 2))
    index = np.zeros(0, np.int64)
    return Passages(index, index, none, none, pair, pair, none, pair)

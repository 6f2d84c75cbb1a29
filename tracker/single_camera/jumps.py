"""Owns whether a track's pictures show two vehicles. Never embeds a picture and never splits a track."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reid.pooled import PooledCalibration, pool
from reid.types import Calibration
from tracker.types import Contact

_ONE = np.ones(1, np.intp)


def find_jump(
    contacts: Sequence[Contact],
    times_ns: NDArray[np.int64],
    vectors: NDArray[np.float32],
    details: NDArray[np.float64],
    calibration: Calibration,
    least_nats: float,
) -> Contact | None:
    """The contact at which the pictures of a track turn into those of another vehicle.

    Only where tracks could have been taken for each other is a change looked for; elsewhere a vehicle that turns its
    other side to the camera would be taken for another. The two sides of a contact are as alike as their most alike
    pictures, so that one bad picture, or one view that the other side lacks, proves nothing. A track that only strayed
    to another vehicle and came back is left whole for the same reason. Where a side has small pictures alone, little
    likeness says little.

    Args:
        contacts: Of the track, by time.
        times_ns: int64 (N,), when the pictures were taken.
        vectors: float32 (N, D), L2 = 1, their embeddings.
        details: float64 (N,), the share of a vehicle's likeness that each has left at its size, in (0, 1].
        calibration: Of the network.
        least_nats: Evidence against one vehicle that a change takes.

    Returns:
        The contact with the strongest evidence; None where there is not enough, or no pictures on both sides.
    """
    evidence = _of_pairs(calibration)
    worst, found = -least_nats, None
    for contact in contacts:
        before = times_ns < contact.t_ns
        if before.all() or not before.any():
            continue
        alike = np.array([(vectors[before] @ vectors[~before].T).max()], np.float64)
        seen = float(details[before].max() * details[~before].max())
        nats = float(evidence.nats(alike, _ONE, _ONE, seen)[0])
        if nats <= worst:
            worst, found = nats, contact
    return found


@lru_cache(maxsize=8)
def _of_pairs(calibration: Calibration) -> PooledCalibration:
    """The calibration with what small pictures are worth."""
    return pool(calibration, 1)

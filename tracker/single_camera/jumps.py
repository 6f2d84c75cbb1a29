"""Owns whether a track's pictures show two vehicles. Never embeds a picture and never splits a track."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reid.types import Calibration
from tracker.types import Contact


def find_jump(
    contacts: Sequence[Contact],
    times_ns: NDArray[np.int64],
    vectors: NDArray[np.float32],
    calibration: Calibration,
    least_nats: float,
) -> Contact | None:
    """The contact at which the pictures of a track turn into those of another vehicle.

    Only where tracks could have been taken for each other is a change looked for; elsewhere a vehicle that turns its
    other side to the camera would be taken for another. The two sides of a contact are as alike as their most alike
    pictures, so that one bad picture, or one view that the other side lacks, proves nothing. A track that only strayed
    to another vehicle and came back is left whole for the same reason.

    Args:
        contacts: Of the track, by time.
        times_ns: int64 (N,), when the pictures were taken.
        vectors: float32 (N, D), L2 = 1, their embeddings.
        calibration: Of the network.
        least_nats: Evidence against one vehicle that a change takes.

    Returns:
        The contact with the strongest evidence; None where there is not enough, or no pictures on both sides.
    """
    worst, found = -least_nats, None
    for contact in contacts:
        before = times_ns < contact.t_ns
        if before.all() or not before.any():
            continue
        alike = float((vectors[before] @ vectors[~before].T).max())
        nats = calibration.log_likelihood_ratio(alike)
        if nats <= worst:
            worst, found = nats, contact
    return found

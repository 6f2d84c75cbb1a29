from __future__ import annotations

import numpy as np
import pytest

from tracker.evaluation.truth import SECOND_NS, TruthTracklet


def street_of(vehicles: int, seed: int) -> list[TruthTracklet]:
    """Vehicles along four cameras, most of them past all, with travel times of their own per link."""
    rng = np.random.default_rng(seed)
    tracklets = []
    for vehicle in range(vehicles):
        t = float(rng.uniform(0, 4 * vehicles))
        for camera in range(int(rng.integers(2, 5))):
            stay = float(rng.uniform(3, 7))
            start, end = (round(x * SECOND_NS) for x in (t, t + stay))
            tracklets.append(
                TruthTracklet(
                    f"c{camera}", vehicle, start, end, int(10 * stay), (0.1, 0.5), (0.9, 0.5), side=camera % 2
                )
            )
            t += stay + (6.0, 12.0, 9.0, 0.0)[camera] * float(rng.lognormal(0, 0.15))
    return sorted(tracklets, key=lambda x: x.start_ns)


@pytest.fixture(scope="session")
def street() -> list[TruthTracklet]:
    return street_of(40, 5)

"""Sightings of four numbers each, for tests that need a gallery and no pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.types import Sighting
from tracker.types import TrackKey


@pytest.fixture
def spec() -> EmbedderSpec:
    """Of the model that gives them."""
    return EmbedderSpec("m", 4, (32, 32), Calibration(slope=10.0, offset=-5.0))


@pytest.fixture
def seen() -> Callable[[str, int], Sighting]:
    """A closed sighting of that name whose vector lies along one of the four axes."""

    def make(name: str, axis: int) -> Sighting:
        none = np.zeros(0, np.int64)
        return Sighting(
            name, 1, True, (TrackKey("c", "x", 1),), "c", 0, 1, none, none, np.zeros((0, 4), np.float32),
            np.full(4, 0.25, np.float32), {}, np.eye(4, dtype=np.float32)[axis], np.zeros((0, 4), np.float32), 0.5, "m",
        )  # fmt: skip

    return make

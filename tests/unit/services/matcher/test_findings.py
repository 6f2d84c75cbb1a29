from __future__ import annotations

import doctest

import services.matcher.findings
import services.matcher.rerank
from services.matcher.rerank import agreeing


def test_examples() -> None:
    assert doctest.testmod(services.matcher.findings).failed == 0


def test_pictures_without_features_agree_in_nothing() -> None:
    import numpy as np

    nothing = (np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    assert agreeing(nothing, nothing) == 0

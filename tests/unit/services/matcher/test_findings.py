from __future__ import annotations

import doctest
from typing import Any

import cv2
import numpy as np
import pytest

import services.matcher.findings
import services.matcher.rerank
from services.matcher.rerank import agreeing, geometric


def test_examples() -> None:
    assert doctest.testmod(services.matcher.findings).failed == 0


def test_pictures_without_features_agree_in_nothing() -> None:
    nothing = (np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    assert agreeing(nothing, nothing) == 0


@pytest.mark.parametrize("shape", [(8, 20_000, 3), (20_000, 8, 3), (8, 8, 3), (120, 240, 3)])
def test_a_picture_of_any_shape_is_compared_at_a_bounded_size(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    resized, sizes = cv2.resize, []

    def noting(picture: np.ndarray, size: tuple[int, int], **how: Any) -> np.ndarray:
        sizes.append(size)
        return resized(picture, size, **how)

    monkeypatch.setattr(cv2, "resize", noting)
    assert geometric([np.zeros(shape, np.uint8)], [], lambda _: []) == []
    ((width, height),) = sizes
    assert 16 <= width <= 1536
    assert 16 <= height <= 192

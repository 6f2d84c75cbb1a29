"""What is asked of boxes by trackers and by those who read their tracks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def box_sizes(boxes_xyxy: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Square roots of the areas of boxes (N, 4), in their unit, (N,); 0 for one that is turned inside out.

    >>> box_sizes(np.float32([[0, 0, 4, 9], [5, 0, 4, 9]])).tolist()
    [6.0, 0.0]
    """
    sizes: NDArray[np.floating[Any]] = np.sqrt(np.maximum(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0.0).prod(axis=1))
    return sizes

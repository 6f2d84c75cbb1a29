"""Passages through cameras as arrays of numbers. Owns their form and the grid of zones; judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Index, Ints
from tracker.multi_camera.types import Observation, Point

#: Cells to a side of a picture, and all of them.
GRID = 4
CELLS = GRID * GRID
#: Cell of a point that is not known; carries no evidence.
NO_CELL = CELLS
NS = 1e-9
#: Of the arrays of visits, in their order.
_TYPES = (np.intp, np.float64, np.float64, np.bool_, np.intp, np.intp)


def cell_of(point: Point | None) -> int:
    """Grid cell of a normalised point, ``NO_CELL`` for None.

    >>> cell_of((0.0, 0.0)), cell_of((1.0, 1.0)), cell_of(None)
    (0, 15, 16)
    """
    if point is None:
        return NO_CELL
    x, y = int(point[0] * GRID), int(point[1] * GRID)
    return min(max(y, 0), GRID - 1) * GRID + min(max(x, 0), GRID - 1)


@dataclass(frozen=True, slots=True)
class Visits:
    """Arrays of passages through cameras, of any one shape.

    Attributes:
        camera: Camera numbers; -1 where there is no passage.
        start_s: Seconds, UTC.
        end_s: Seconds, UTC, as far as known.
        open: The vehicle may still be there.
        entry: Grid cell of the first box.
        exit: Grid cell of the last box.
    """

    camera: Ints
    start_s: Floats
    end_s: Floats
    open: NDArray[np.bool_]
    entry: Ints
    exit: Ints

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays, in the order of the attributes."""
        return self.camera, self.start_s, self.end_s, self.open, self.entry, self.exit

    @classmethod
    def of(cls, observations: Sequence[Observation], number: Callable[[str], int]) -> Visits:
        """Observations as visits, (N,).

        Args:
            observations: Any.
            number: Of a camera by its id.
        """
        listed = columns([number(o.camera_id) for o in observations], observations)
        return cls(*map(np.array, listed, _TYPES))

    def at(self, index: Ints | Index) -> Visits:
        """The visits at an index of every array."""
        return Visits(*(array[index] for array in self.arrays))

    def last_into(self, others: Visits) -> NDArray[np.bool_]:
        """Whether vehicles still stand in view, or may, when the other visits begin; element by element."""
        lasts: NDArray[np.bool_] = (others.start_s < self.end_s) | self.open
        return lasts

    def followed_by(self, others: Sequence[Visits]) -> Visits:
        """These visits and others behind them, along the first axis."""
        alike = zip(self.arrays, *(v.arrays for v in others), strict=True)
        return Visits(*(np.concatenate(arrays) for arrays in alike))

    def enlarged(self, length: int, start_s: float) -> Visits:
        """These visits, and none behind them up to a length of the first axis; see :func:`no_visits`."""
        more = no_visits((length - len(self.camera), *self.camera.shape[1:]), start_s)
        return self.followed_by([more])


def columns(cameras: Sequence[int], observations: Sequence[Observation]) -> tuple[Sequence[Any], ...]:
    """Observations, and the numbers of their cameras, as lists in the order of the attributes of :class:`Visits`."""
    return (
        cameras,
        [o.start_ns * NS for o in observations],
        [o.end_ns * NS for o in observations],
        [not o.final for o in observations],
        [cell_of(o.entry) for o in observations],
        [cell_of(o.exit) if o.final else NO_CELL for o in observations],
    )


def no_visits(shape: tuple[int, ...], start_s: float) -> Visits:
    """Places for visits of which none is taken; ``start_s`` stands for the start of such a one."""
    return Visits(
        camera=np.full(shape, -1, np.intp),
        start_s=np.full(shape, start_s),
        end_s=np.full(shape, -np.inf),
        open=np.zeros(shape, np.bool_),
        entry=np.full(shape, NO_CELL, np.intp),
        exit=np.full(shape, NO_CELL, np.intp),
    )

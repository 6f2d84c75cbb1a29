"""Other bodies of the bodies there are: as long, tall and raked as another maker's. Numbers; the renderer bends meshes.

Sixteen meshes teach a network sixteen outlines. Training sets may draw each in several shapes, so that what is learned
of one body helps with bodies never seen. Nothing that is judged ever shows them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from simulator.vehicles.catalogue import MODELS, BodyModel, Shape

#: Shapes of each body beside its maker's.
SHAPES = 8
_MARK = "~"


@dataclass(frozen=True, slots=True)
class _Spread:
    """How far the shapes of a kind of vehicle stray, as ``Shape`` counts."""

    width: float
    ends: float
    wheelbase: float
    waist: float
    windows: float
    rake: float
    taper: float
    slope: float


_SPREADS = {
    "car": _Spread(0.08, 0.35, 0.18, 0.18, 0.24, 0.09, 0.10, 0.16),
    "truck": _Spread(0.08, 0.25, 0.18, 0.12, 0.16, 0.03, 0.05, 0.06),
    "bus": _Spread(0.06, 0.25, 0.22, 0.15, 0.18, 0.03, 0.06, 0.05),
}


def shaped(name: str, rng: np.random.Generator) -> str:
    """A body in its maker's shape or in one of the others, all as often; motorcycles have but one."""
    drawn = int(rng.integers(SHAPES + 1))
    return name if drawn == 0 or MODELS[name].kind not in _SPREADS else f"{name}{_MARK}{drawn}"


def made_name(name: str) -> str:
    """The catalogue's name of a body, whatever its shape."""
    return name.partition(_MARK)[0]


@lru_cache(maxsize=512)
def body_of(name: str) -> BodyModel:
    """What the catalogue knows of a body, in the shape that its name tells.

    Raises:
        KeyError: There is no such body.
    """
    made, mark, number = name.partition(_MARK)
    body = MODELS[made]
    if not mark:
        return body
    spread = _SPREADS[body.kind]
    rng = np.random.default_rng([zlib.crc32(made.encode()), int(number)])

    def about(one: float) -> float:
        return float(1 + rng.uniform(-one, one))

    shape = Shape(
        width=about(spread.width),
        front=about(spread.ends),
        rear=about(spread.ends),
        wheelbase=about(spread.wheelbase),
        waist=about(spread.waist),
        windows=about(spread.windows),
        rake=about(spread.rake) - 1,
        taper=about(spread.taper) - 1,
        slopes=(about(spread.slope) - 1, about(spread.slope) - 1),
    )
    return replace(body, name=name, shape=shape)

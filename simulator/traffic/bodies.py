"""Which bodies drive about: models and colours by their real frequencies, with the sizes that traffic needs.

Draws many at once and never touches a mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.vehicles.catalogue import MODELS
from simulator.vehicles.identity import COLOURS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Width and height by class; long lorries are as high as the law allows.
_ACROSS_M = {"car": (1.8, 1.5), "truck": (2.2, 2.6), "bus": (2.5, 3.1)}
_LORRY_M = (2.5, 3.8)
_SMALL_M = (1.6, 1.55)
MODEL_NAMES = tuple(MODELS)
COLOUR_NAMES = tuple(COLOURS)


@dataclass(frozen=True, slots=True)
class Bodies:
    """What N vehicles look like, as far as a recording without pictures needs it.

    Attributes:
        model: Index into ``MODEL_NAMES``, (N,).
        colour: Index into ``COLOUR_NAMES``, (N,).
        size_m: Length, width and height, (N, 3).
    """

    model: Ints
    colour: Ints
    size_m: Floats

    @property
    def length_m(self) -> Floats:
        """Lengths, (N,)."""
        return self.size_m[:, 0]


def size_of(model: str) -> tuple[float, float, float]:
    """Length, width and height of a body model, in metres."""
    body = MODELS[model]
    if body.length_m < 3:
        return (body.length_m, *_SMALL_M)
    if body.kind == "truck" and body.length_m > 8:
        return (body.length_m, *_LORRY_M)
    return (body.length_m, *_ACROSS_M[body.kind])


def barred(longest_m: float) -> tuple[str, ...]:
    """Body models too long for a place that lets in bodies up to a length."""
    return tuple(name for name in MODEL_NAMES if MODELS[name].length_m > longest_m)


def draw_bodies(count: int, rng: np.random.Generator, without: tuple[str, ...] = ()) -> Bodies:
    """Draws bodies by weight and colours by frequency.

    Args:
        count: How many.
        rng: Source of chance.
        without: Models that are never drawn.
    """
    weights = np.array([0.0 if name in without else MODELS[name].weight for name in MODEL_NAMES])
    shares = np.array([COLOURS[name][1] for name in COLOUR_NAMES])
    model = rng.choice(len(MODEL_NAMES), size=count, p=weights / weights.sum())
    colour = rng.choice(len(COLOUR_NAMES), size=count, p=shares / shares.sum())
    sizes = np.array([size_of(name) for name in MODEL_NAMES])
    return Bodies(model, colour, sizes[model])

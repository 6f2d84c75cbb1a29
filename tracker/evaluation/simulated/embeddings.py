"""Embeddings of tracklets, made of shared parts and noise. Owns the draw and the noise that gives a stated rank-1."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.evaluation.simulated.components import Components
from tracker.evaluation.truth import TruthTracklet

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]

#: Pictures that a sighting is embedded from.
PICTURES = 4
#: Width from which a vehicle is as large as the network wants it.
FULL_WIDTH_PX = 160.0
LEAST_QUALITY = 0.3
SIDES = 3
#: Noise is looked for up to this factor on what the network has.
LEVEL_MAX = 16.0
_STEPS = 40
#: Streams of numbers, one for each part.
_LOOK, _LOOK_OF, _VEHICLE, _VIEW, _CAMERA, _NOISE, _COMMON = range(7)


@dataclass(frozen=True, slots=True)
class Draw:
    """What settles the numbers drawn.

    Attributes:
        seed: Same seed, same looks and cameras.
        fleet: Tells fleets of one seed apart: other vehicles, before the same cameras.
    """

    seed: int
    fleet: int = 0


@dataclass(frozen=True, slots=True)
class Simulated:
    """Embeddings of N tracklets.

    Attributes:
        first: float32 (N, D), of the first picture alone.
        final: float32 (N, D), of all pictures.
    """

    first: Vectors
    final: Vectors


class Parts:
    """The parts drawn for some tracklets, before they are put together.

    The same seed draws the same parts for a vehicle, a look or a camera whatever else there is, so a fresh hour before
    the same cameras has the same camera parts.

    Attributes:
        quality: float64 (N,), in [LEAST_QUALITY, 1].
    """

    def __init__(self, tracklets: Sequence[TruthTracklet], components: Components, draw: Draw) -> None:
        self._c, self._draw = components, draw
        self._cameras = np.array([t.camera_id for t in tracklets])
        self._vehicles = np.array([t.vehicle_id for t in tracklets], np.int64)
        side = np.array([t.side for t in tracklets], np.int64)
        looks = self._looks(tracklets)
        cameras = np.array([zlib.crc32(t.camera_id.encode()) for t in tracklets], np.int64)
        fleet = draw.fleet
        self._shared = (
            components.common * self._rows(_COMMON, 0, np.zeros_like(side))
            + components.look * self._rows(_LOOK, 0, looks)
            + components.vehicle * self._rows(_VEHICLE, fleet, self._vehicles)
        )
        self._shift = components.view * self._rows(
            _VIEW, fleet, self._vehicles * SIDES + side
        ) + components.camera * self._rows(_CAMERA, 0, cameras)
        rng = np.random.default_rng([draw.seed, _NOISE, fleet])
        n, dim = len(tracklets), components.dim
        size = np.clip(np.array([t.width_px for t in tracklets]) / FULL_WIDTH_PX, LEAST_QUALITY, 1.0)
        self.quality: Floats = np.maximum(size * rng.uniform(0.6, 1.0, n), LEAST_QUALITY)
        worse = 1.0 / self.quality
        worse /= math.sqrt(float((worse**2).mean())) if n else 1.0
        passage = components.passage * rng.standard_normal((n, 1, dim)) / math.sqrt(dim)
        pictures = components.picture * rng.standard_normal((n, PICTURES, dim)) / math.sqrt(dim)
        self._noise: Floats = passage + pictures * worse[:, None, None]

    def _rows(self, stream: int, fleet: int, keys: NDArray[np.int64]) -> Floats:
        """A row of mean square length 1 for each key, the same for the same key, (N, D)."""
        known, index = np.unique(keys, return_inverse=True)
        return self._drawn(stream, fleet, known.tolist())[index]

    def _drawn(self, stream: int, fleet: int, keys: Iterable[int]) -> Floats:
        dim = self._c.dim
        rows = [np.random.default_rng([self._draw.seed, stream, fleet, _word(k)]).standard_normal(dim) for k in keys]
        return np.array(rows).reshape(-1, dim) / math.sqrt(dim)

    def _looks(self, tracklets: Sequence[TruthTracklet]) -> NDArray[np.int64]:
        """Model and colour of each tracklet's vehicle: the truth's, or by lot among as many as real fleets have."""
        given = np.array([t.look for t in tracklets], np.int64)
        count = max(1, round(1.0 / self._c.same_look))
        known, index = np.unique(self._vehicles, return_inverse=True)
        lots = np.array(
            [
                np.random.default_rng([self._draw.seed, _LOOK_OF, self._draw.fleet, _word(v)]).integers(count)
                for v in known
            ],
            np.int64,
        )
        return np.where(given >= 0, given, lots[index] if len(known) else given)

    def at(self, level: float, shift: float = 1.0) -> Simulated:
        """The embeddings.

        Args:
            level: Factor on the noise of passages and pictures.
            shift: Factor on views and cameras.
        """
        base = self._base(level, shift)
        return Simulated(_unit(base[:, 0]), _unit(base.mean(axis=1)))

    def pictures(self, level: float, shift: float = 1.0) -> Vectors:
        """The embeddings of single pictures, float32 (N, PICTURES, D); arguments as in :meth:`at`."""
        return _unit(self._base(level, shift))

    def _base(self, level: float, shift: float) -> Floats:
        shared = self._shared + shift * self._shift
        base: Floats = shared[:, None, :] + level * self._noise
        return base

    def rank1(self, simulated: Simulated) -> float:
        """Share of tracklets whose nearest tracklet of another camera is of the same vehicle, of those that have one.

        nan when no vehicle was seen by two cameras.
        """
        similarity = simulated.final @ simulated.final.T
        elsewhere = self._cameras[:, None] != self._cameras[None, :]
        similarity[~elsewhere] = -np.inf
        judged = ((self._vehicles[:, None] == self._vehicles[None, :]) & elsewhere).any(axis=1)
        right = self._vehicles[similarity.argmax(axis=1)] == self._vehicles
        return float(right[judged].mean()) if judged.any() else math.nan


def _unit(vectors: Floats) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12), np.float32)


@dataclass(frozen=True, slots=True)
class Solved:
    """Factors at which a rank-1 is reached.

    Attributes:
        level: On noise.
        shift: On views and cameras; below 1 only where they alone put the rank-1 out of reach.
        rank1: What was reached.
    """

    level: float
    shift: float
    rank1: float


def solve_rank1(parts: Parts, target: float) -> Solved:
    """The noise at which final embeddings have a rank-1, by bisection.

    Args:
        parts: Of the tracklets that are judged.
        target: In (0, 1).

    Returns:
        The factors whose rank-1 came nearest to the target; one tracklet's step away at worst.

    Raises:
        ValueError: No vehicle was seen by two cameras, or the rank-1 cannot be reached at any noise.
    """
    clean = parts.rank1(parts.at(0.0))
    if math.isnan(clean):
        raise ValueError("no vehicle was seen by two cameras: there is no rank-1 to reach")
    if clean >= target:
        level, reached = _bisect(lambda x: parts.rank1(parts.at(x)), LEVEL_MAX, target)
        found = Solved(level, 1.0, reached)
    else:
        shift, reached = _bisect(lambda x: parts.rank1(parts.at(0.0, x)), 1.0, target)
        found = Solved(0.0, shift, reached)
    if abs(found.rank1 - target) > 0.05:
        raise ValueError(f"a rank-1 of {target:g} cannot be reached here; the nearest is {found.rank1:.3f}")
    return found


def _word(number: int) -> int:
    """A number as one word of a seed, which takes none below zero."""
    return int(number) & 0xFFFFFFFF


def _bisect(rank1: Callable[[float], float], high: float, target: float) -> tuple[float, float]:
    """Where a curve that falls comes nearest to a target, and how near."""
    low = 0.0
    tried = [(low, rank1(low)), (high, rank1(high))]
    for _ in range(_STEPS):
        middle = (low + high) / 2
        reached = rank1(middle)
        tried.append((middle, reached))
        if reached == target or high - low < 1e-6:
            break
        low, high = (middle, high) if reached > target else (low, middle)
    return min(tried, key=lambda pair: abs(pair[1] - target))

"""Embeddings in any number that are spread as this project's real ones are. Owns the generator and its fit.

A vehicle is the mean plus a normal draw with the covariance found between vehicles; a sighting is its vehicle plus a
normal draw with the covariance found within vehicles, scaled by a log-normal factor, because some pictures are bad.
Both covariances are kept by their leading directions; the parameters are in generator.safetensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

Vectors = NDArray[np.float32]

PARAMETERS = Path(__file__).with_name("generator.safetensors")
RANK = 96
SIGHTINGS_PER_VEHICLE = 20
_SPREAD = 0.3
_BATCH = 65_536


@dataclass(frozen=True, slots=True)
class Generator:
    """The fitted parameters.

    Attributes:
        mean: float32 (D,), of vehicles.
        between: float32 (D, R), a root of the covariance between vehicles.
        within: float32 (D, R), a root of the covariance within vehicles.
    """

    mean: Vectors
    between: Vectors
    within: Vectors

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return len(self.mean)

    def vehicles(self, count: int, rng: np.random.Generator) -> Vectors:
        """Centres of vehicles, (count, D), not normalised."""
        draws = rng.standard_normal((count, self.between.shape[1]), dtype=np.float32)
        centres: Vectors = self.mean + draws @ self.between.T
        return centres

    def sightings(self, centres: Vectors, rng: np.random.Generator) -> Vectors:
        """One sighting of each centre, (N, D), unit length."""
        made = np.empty_like(centres)
        for start in range(0, len(centres), _BATCH):
            part = centres[start : start + _BATCH]
            scale = np.exp(_SPREAD * rng.standard_normal((len(part), 1), dtype=np.float32))
            draws = scale * rng.standard_normal((len(part), self.within.shape[1]), dtype=np.float32)
            rows = part + draws @ self.within.T
            made[start : start + _BATCH] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return made

    def gallery(self, count: int, queries: int, seed: int) -> tuple[Vectors, Vectors]:
        """A gallery of ``count`` sightings in order of vehicles, and held-out queries of vehicles in it.

        Returns:
            Unit vectors (count, D) and (queries, D).
        """
        rng = np.random.default_rng(seed)
        vehicles = self.vehicles(max(1, -(-count // SIGHTINGS_PER_VEHICLE)), rng)
        gallery = self.sightings(np.repeat(vehicles, SIGHTINGS_PER_VEHICLE, axis=0)[:count], rng)
        asked = vehicles[rng.integers(0, len(vehicles), queries)]
        return gallery, self.sightings(asked, rng)


def load_generator() -> Generator:
    """The generator fitted to the default network."""
    return Generator(**load_file(PARAMETERS))


def fit_generator(vectors: Vectors, vehicle: NDArray[np.int64]) -> Generator:
    """Fits a generator.

    Args:
        vectors: float32 (N, D), unit length, at least two of each vehicle.
        vehicle: int64 (N,), whose each is.
    """
    _, codes, counts = np.unique(vehicle, return_inverse=True, return_counts=True)
    centres = np.zeros((len(counts), vectors.shape[1]), np.float64)
    np.add.at(centres, codes, vectors)
    centres /= counts[:, None]
    # The mean of n draws strays by 1/n of the variance: undone by n / (n - 1).
    rest = (vectors - centres[codes]) * np.sqrt(counts / (counts - 1))[codes, None]
    return Generator(centres.mean(axis=0).astype(np.float32), _root(np.cov(centres.T)), _root(np.cov(rest.T)))


def save_generator(generator: Generator, path: Path = PARAMETERS) -> None:
    """Writes the parameters."""
    tensors = {"mean": generator.mean, "between": generator.between, "within": generator.within}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)


def _root(covariance: NDArray[np.float64]) -> Vectors:
    """The leading RANK columns of a root of a covariance, (D, R)."""
    values, directions = np.linalg.eigh(covariance)
    rank = min(RANK, len(values))
    root: Vectors = (directions[:, -rank:] * np.sqrt(np.maximum(values[-rank:], 0))).astype(np.float32)
    return root

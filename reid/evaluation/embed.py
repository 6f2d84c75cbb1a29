"""Turns the pictures of a protocol's two sides into vectors with an embedder for serving. Never loads torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.data import Sample, read_picture
from reid.errors import DataError
from reid.evaluation.evaluate import Pictures
from reid.types import Embedder, Image

_BATCH = 32

#: Told how many pictures are done, of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class EmbeddedSides:
    """Both sides with vectors, without what cannot be read.

    Attributes:
        query: What is asked with.
        gallery: What is searched; the same object where one pool is both.
        tracks: Rows of ``gallery``; tracks without a readable picture are gone.
        unreadable: Pictures that were left out.
        ms_per_crop: Time inside the embedder, milliseconds per picture, setting up not counted.
    """

    query: Pictures
    gallery: Pictures
    tracks: tuple[tuple[int, ...], ...]
    unreadable: tuple[Path, ...]
    ms_per_crop: float


def embed_sides(
    embedder: Embedder,
    sides: tuple[Sequence[Sample], Sequence[Sample]],
    tracks: Sequence[Sequence[int]] = (),
    progress: Progress = lambda _done, _total: None,
) -> EmbeddedSides:
    """Embeds every picture of both sides once.

    Args:
        embedder: The network.
        sides: Queries and gallery; they may share pictures, or be the same.
        tracks: Rows of the gallery.
        progress: Told after every batch.

    Raises:
        DataError: No picture of a side can be read.
    """
    query, gallery = sides
    paths = list(dict.fromkeys(sample.path for sample in (*gallery, *query)))
    vectors, ms_per_crop = _embed(embedder, paths, progress)
    unreadable = tuple(path for path in paths if path not in vectors)
    kept = [row for row, sample in enumerate(gallery) if sample.path in vectors]
    searched = _pictures([gallery[row] for row in kept], vectors)
    asked = searched if query is gallery else _pictures([s for s in query if s.path in vectors], vectors)
    new_row = {row: number for number, row in enumerate(kept)}
    left = [tuple(new_row[row] for row in track if row in new_row) for track in tracks]
    return EmbeddedSides(asked, searched, tuple(track for track in left if track), unreadable, ms_per_crop)


def _pictures(samples: Sequence[Sample], vectors: dict[Path, NDArray[np.float32]]) -> Pictures:
    if not samples:
        raise DataError("no picture can be read")
    return Pictures(tuple(samples), np.stack([vectors[sample.path] for sample in samples]))


def _embed(
    embedder: Embedder, paths: Sequence[Path], progress: Progress
) -> tuple[dict[Path, NDArray[np.float32]], float]:
    """Vectors of the readable pictures, and milliseconds per picture."""
    vectors: dict[Path, NDArray[np.float32]] = {}
    spent_s, timed = 0.0, 0
    for start in range(0, len(paths), _BATCH):
        read = {path: read_picture(path) for path in paths[start : start + _BATCH]}
        pictures: dict[Path, Image] = {path: picture for path, picture in read.items() if picture is not None}
        if pictures:
            if not vectors:  # Networks set themselves up at their first call.
                embedder.embed(list(pictures.values()))
            began = time.perf_counter()
            rows = embedder.embed(list(pictures.values()))
            spent_s += time.perf_counter() - began
            timed += len(pictures)
            vectors.update(zip(pictures, rows, strict=True))
        progress(min(start + _BATCH, len(paths)), len(paths))
    return vectors, 1000 * spent_s / max(1, timed)

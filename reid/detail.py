"""How much of a vehicle's likeness is left when it is seen small. Measures that of a network; moves no weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reid.augment import Haze, streamed
from reid.calibrate import pooled_views
from reid.data import Sample
from reid.embedding import embed_samples
from reid.model import ReidNet
from reid.preprocess import Preprocessing
from reid.types import Detail, Image

#: Square roots of area, px, at which it is measured: a step of about 1.4 each.
SIZES_PX = (16.0, 22.0, 31.0, 44.0, 62.0, 88.0)
#: What stands for air, lens and stream, milder than the middle of what `reid.augment.from_afar` draws from.
HAZE, SOFT, QUALITY = Haze(0.1, 145.0), 0.4, 55
#: Shares below are not told from it: a vehicle so small shows next to nothing.
LEAST_SHARE = 0.05
#: Pairs that are looked at at once.
_BLOCK = 100_000


def measure_detail(
    net: ReidNet,
    preprocessing: Preprocessing,
    held_out: Mapping[str, Sequence[Sample]],
    embedded: Mapping[str, NDArray[np.float32]],
) -> Detail:
    """Compares vehicles seen small with the same vehicles in full, across cameras.

    Args:
        net: Trained.
        preprocessing: Of the network.
        held_out: Pictures of vehicles that the network has not seen, by domain.
        embedded: What it makes of them in full, (N, D) by domain.

    Returns:
        By size the mean similarity of small to full pictures of a vehicle over that of full to full ones, rising; no
        sizes where no vehicle is seen by two cameras, or full pictures are not alike.

    Raises:
        DataError: A picture cannot be read any more.
    """
    full, small = 0.0, np.zeros(len(SIZES_PX))
    for domain, samples in held_out.items():
        whole, keys = pooled_views(embedded[domain], samples)
        pairs = _pairs(keys)
        full += _likeness(whole, whole, pairs)
        for number, size_px in enumerate(SIZES_PX):
            seen = embed_samples(net, samples, preprocessing, through=partial(seen_small, size_px=size_px))
            small[number] += _likeness(pooled_views(seen, samples)[0], whole, pairs)
    if full <= 0.0:
        return Detail()
    shares = np.maximum.accumulate(np.clip(small / full, LEAST_SHARE, 1.0))
    return Detail(SIZES_PX, tuple(shares.round(4).tolist()))


def seen_small(picture: Image, size_px: float) -> Image:
    """As a stream shows a vehicle in so few pixels, sqrt(area); the picture itself when it has no more."""
    height, width = picture.shape[:2]
    factor = size_px / (height * width) ** 0.5
    if factor >= 1.0:
        return picture
    extent = max(2, round(height * factor)), max(2, round(width * factor))
    return streamed(picture, extent, HAZE, SOFT, QUALITY)


def _pairs(keys: NDArray[np.str_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Views of one vehicle by two cameras, either way round."""
    same = (keys[:, None, :2] == keys[None, :, :2]).all(axis=2)
    ones, others = np.nonzero(same & (keys[:, None, 2] != keys[None, :, 2]))
    return ones, others


def _likeness(
    ones: NDArray[np.float64], others: NDArray[np.float64], pairs: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> float:
    parts = [slice(start, start + _BLOCK) for start in range(0, len(pairs[0]), _BLOCK)]
    return float(sum(np.einsum("ij,ij->", ones[pairs[0][part]], others[pairs[1][part]]) for part in parts))

"""Semi-hard mining within a batch: negatives further away than the positive, but not by a margin."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reid.mining.triplets import Triplets, allowed_pairs


def semi_hard(
    distances: Tensor, labels: Tensor, rng: torch.Generator | None = None, *, margin: float = math.inf
) -> Triplets:
    """Takes for every (anchor, positive) the nearest negative with d_ap < d_an < d_ap + m.

    Harder negatives than that are often wrong labels early on, and can collapse features; easier ones teach nothing.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        rng: Not used; all miners are called alike.
        margin: m > 0; infinite for the soft margin, which has none.

    Returns:
        One triplet for each of the T (anchor, positive) whose anchor has a negative, by anchor, then positive. Where no
        negative is semi-hard it is the furthest one, the mildest lesson there is.

    Raises:
        ValueError: Shapes do not agree, or the margin is not positive.

    Source:
        Schroff, Kalenichenko, Philbin 2015, "FaceNet", section 3.2, equation 4. Departures: distances are Euclidean,
        not squared, between features that are not normalised (there squared, on the unit sphere), so m means another
        length; the nearest semi-hard negative instead of any; the furthest one where there is none (there the pair is
        left out), so that features which are all one point show as a loss of ln 2 instead of 0.
    """
    if not margin > 0:
        raise ValueError(f"margin must be > 0, got {margin}")
    positive, negative = allowed_pairs(distances, labels)  # (B, B) each
    a, p = torch.nonzero(positive, as_tuple=True)  # (T,) each
    d_ap, rows = distances[a, p], distances[a]  # (T,), (T, B)
    band = negative[a] & (rows > d_ap[:, None]) & (rows < d_ap[:, None] + margin)  # (T, B)
    told = rows.detach()
    n = torch.where(
        band.any(dim=1),
        told.masked_fill(~band, torch.inf).argmin(dim=1) if len(a) else a,
        told.masked_fill(~negative[a], -torch.inf).argmax(dim=1) if len(a) else a,
    )  # (T,)
    return Triplets(d_ap, distances[a, n], a)

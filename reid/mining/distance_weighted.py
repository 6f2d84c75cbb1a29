"""Distance-weighted mining: negatives of all distances alike often, because those of middling distance are too many."""

from __future__ import annotations

import torch
from torch import Tensor

from reid.mining.triplets import Triplets, allowed_pairs, gumbel

#: Distances on the unit sphere below this count as this: nearer negatives are noise.
CUTOFF = 0.5
#: And those above this as this: the density vanishes at 2.
FURTHEST = 1.99


def log_density(distances: Tensor, dim: int) -> Tensor:
    """Logarithm of how common a distance is between even points of the unit sphere, but for a constant.

    Args:
        distances: In (0, 2).
        dim: n ≥ 3 of the space.

    Source:
        Wu et al. 2017, "Sampling Matters in Deep Embedding Learning", section 3: q(d) ∝ dⁿ⁻² (1 − d²/4)^((n − 3)/2).
    """
    return (dim - 2) * torch.log(distances) + 0.5 * (dim - 3) * torch.log1p(-0.25 * distances.square())


def negative_odds(distances: Tensor, labels: Tensor, dim: int) -> Tensor:
    """Probability with which each row is drawn as a negative of each anchor, ∝ 1 / q(d).

    Features are not normalised here, so distances are first divided by the root of their mean square between negatives
    and multiplied by √2, which is that root on the unit sphere.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        dim: n of the sphere that is assumed; the higher, the nearer the draw comes to the hardest negative.

    Returns:
        float64 (B, B), rows sum to 1; zeros for anchors that lack a positive or a negative.
    """
    _, negative = allowed_pairs(distances, labels)  # (B, B)
    d = distances.detach().double()
    count = negative.sum().clamp(min=1)
    scale = torch.sqrt(2.0 / (d.square().masked_fill(~negative, 0.0).sum() / count).clamp(min=1e-24))
    commonness = log_density((d * scale).clamp(CUTOFF, FURTHEST), dim)  # (B, B)
    logits = (-commonness).masked_fill(~negative, -torch.inf)
    return torch.softmax(logits, dim=1).nan_to_num(0.0)


def distance_weighted(
    distances: Tensor, labels: Tensor, rng: torch.Generator | None = None, *, dim: int = 16
) -> Triplets:
    """Draws for every (anchor, positive) one negative with probability ∝ 1 / q(d_an).

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        rng: Source of all chance.
        dim: As for `negative_odds`.

    Returns:
        One triplet for each of the T (anchor, positive) whose anchor has a negative, by anchor, then positive.

    Raises:
        ValueError: Shapes do not agree, or there is no ``rng``.

    Source:
        Wu et al. 2017, section 4.1 and equation 5. Departures: features are not on a sphere (see `negative_odds`); n is
        the dimension in which features of vehicles really vary, not that of the vectors, since with n = 256 the
        weights of a batch fall on its hardest negative alone; λ bounds the weights through `CUTOFF`, as in the
        authors' code.
    """
    if rng is None:
        raise ValueError("triplets drawn by chance need a generator, got None")
    positive, _ = allowed_pairs(distances, labels)  # (B, B)
    a, p = torch.nonzero(positive, as_tuple=True)  # (T,) each
    if len(a) == 0:
        nothing = distances.flatten()[:0]
        return Triplets(nothing, nothing, a)
    logits = torch.log(negative_odds(distances, labels, dim))[a]  # (T, B)
    n = (logits + gumbel(logits, rng)).argmax(dim=1)  # (T,)
    return Triplets(distances[a, p], distances[a, n], a)

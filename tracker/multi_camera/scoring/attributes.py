"""What agreement of class and colour says. Owns that ratio only."""

from __future__ import annotations

import numpy as np

from tracker.multi_camera.arrays import Floats, Rows

#: Share of class and colour readings taken to be wrong.
CONFUSION = 0.1
ATTRIBUTE_LIMIT = 3.0


def agreement(here: Floats, of: Rows, known: Floats, total: Floats) -> Floats:
    """Log ratio of two readings agreeing on one thing against two things drawn at random.

    Args:
        here: float64 (N, A), probabilities of observations; rows of zeros carry no evidence.
        of: Observation of each pair, (P,).
        known: float64 (P, A), of identities; rows of zeros carry no evidence.
        total: float64 (A,), sum over everything remembered: how usual each reading is.

    Returns:
        float64 (P,), nats within ``ATTRIBUTE_LIMIT``.
    """
    sure = here.sum(axis=1)
    base = np.maximum(total, 0.0) + here + 1.0
    base /= base.sum(axis=1, keepdims=True)
    right = (1 - CONFUSION) * here / np.maximum(sure, 1e-9)[:, None] + CONFUSION * base
    # The sum over readings of both being so, over how usual that is; what the identity has no part in is the same for
    # all pairs of an observation.
    weight, rest = (1 - CONFUSION) * right / base, CONFUSION * right.sum(axis=1)
    ratio = np.log(np.maximum(np.einsum("pa,pa->p", weight[of], known) + rest[of], 1e-9))
    np.maximum(np.minimum(ratio, ATTRIBUTE_LIMIT, out=ratio), -ATTRIBUTE_LIMIT, out=ratio)
    ratio[~(known.any(axis=1) & (sure > 0)[of])] = 0.0
    return np.asarray(ratio)

"""What agreement of class and colour says. Owns that ratio only."""

from __future__ import annotations

import numpy as np

from tracker.multi_camera.arrays import Floats

#: Share of class and colour readings taken to be wrong.
CONFUSION = 0.1
ATTRIBUTE_LIMIT = 3.0


def agreement(here: Floats, known: Floats, total: Floats) -> Floats:
    """Log ratio of two readings agreeing on one thing against two things drawn at random.

    Args:
        here: float64 (P, A), probabilities of observations; rows of zeros carry no evidence.
        known: float64 (P, A), of identities; rows of zeros carry no evidence.
        total: float64 (A,), sum over everything remembered: how usual each reading is.

    Returns:
        float64 (P,), nats within ``ATTRIBUTE_LIMIT``.
    """
    sure, seen = here.sum(axis=1), known.sum(axis=1) > 0
    base = np.maximum(total, 0.0) + here + 1.0
    base /= base.sum(axis=1, keepdims=True)
    a = (1 - CONFUSION) * here / np.maximum(sure, 1e-9)[:, None] + CONFUSION * base
    b = (1 - CONFUSION) * known + CONFUSION * base
    ratio = np.log(np.maximum((a * b / base).sum(axis=1), 1e-9))
    return np.where(seen & (sure > 0), np.clip(ratio, -ATTRIBUTE_LIMIT, ATTRIBUTE_LIMIT), 0.0)

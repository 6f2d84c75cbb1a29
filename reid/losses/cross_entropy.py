"""Classification of training vehicles with smoothed labels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    """Mean cross entropy against (1 − s) · one-hot + s / C.

    Args:
        logits: (B, C).
        labels: (B,) integers in [0, C).
        smoothing: s in [0, 1): the share of the target spread evenly over all C classes, the right one included.

    Returns:
        Scalar.

    Raises:
        ValueError: ``smoothing`` is out of range.

    Source:
        Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7.
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must be in [0, 1), got {smoothing}")
    log_p = F.log_softmax(logits, dim=1)  # (B, C)
    right = -log_p.gather(1, labels[:, None]).squeeze(1)  # (B,)
    even = -log_p.mean(dim=1)  # (B,)
    return ((1 - smoothing) * right + smoothing * even).mean()

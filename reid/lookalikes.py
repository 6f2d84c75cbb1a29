"""Which training vehicles the network takes for alike, by its own classifier. Draws no batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from reid.sampler import Alike, Identity

#: Of each vehicle so many others are listed.
LISTED = 64


def look_alikes(classifier: Tensor, identities: Sequence[Identity]) -> Alike:
    """Orders the others of each vehicle's domain by the angle between their rows of the classifier.

    A row is what features of a vehicle are drawn to, so it stands for the vehicle without a look at its pictures.

    Args:
        classifier: (classes, D) weights.
        identities: Of each row.

    Returns:
        Most alike first, at most LISTED for each.
    """
    rows = F.normalize(classifier.detach().float(), dim=1)
    domains = sorted({domain for domain, _ in identities})
    alike: dict[Identity, list[Identity]] = {}
    for domain in domains:
        own = [n for n, identity in enumerate(identities) if identity[0] == domain]
        likeness = rows[own] @ rows[own].T  # (n, n)
        likeness.fill_diagonal_(-2.0)
        order = torch.argsort(likeness, dim=1, descending=True, stable=True)[:, : min(LISTED, len(own) - 1)]
        for row, others in zip(own, order.tolist(), strict=True):
            alike[identities[row]] = [identities[own[n]] for n in others]
    return alike

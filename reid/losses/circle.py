"""Circle loss over pairs, and its form over classes: each similarity is pushed as hard as it is off its optimum."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reid.losses.metric import PlainMetric, require_positive, require_rows

SCALE = 64.0
MARGIN = 0.35


def circle_loss(features: Tensor, labels: Tensor, scale: float = SCALE, margin: float = MARGIN) -> Tensor:
    """Mean over anchors of ln(1 + Σ_n exp(γ α_n (s_n − m)) · Σ_p exp(−γ α_p (s_p − 1 + m))).

    α_p = max(0, 1 + m − s_p) and α_n = max(0, s_n + m) are constants to the gradient, as in the paper's section 3.3.

    Args:
        features: (B, D); s is the cosine of two rows.
        labels: (B,) vehicle of each row.
        scale: γ > 0.
        margin: m in (0, 1).

    Returns:
        Scalar; 0, attached to the graph, where no anchor has a positive and a negative.

    Raises:
        ValueError: Shapes do not agree, or a parameter is out of range.

    Source:
        Sun et al. 2020, "Circle Loss: A Unified Perspective of Pair Similarity Optimization", equations 4 to 6 with
        O_p = 1 + m, O_n = −m, Δ_p = 1 − m, Δ_n = m. γ = 64 and m = 0.35 are those of fast-reid's recipes.
    """
    per_anchor = _per_anchor(features, labels, scale, margin)
    return per_anchor.sum() / max(1, len(per_anchor))


def circle_metric(scale: float, margin: float | None) -> PlainMetric:
    """The loss as training calls it; ``active`` is the share of anchors whose loss is above a thousandth."""
    m = MARGIN if margin is None else margin
    _check(scale, m)

    def judgement(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        per_anchor = _per_anchor(features, labels, scale, m)
        count = max(1, len(per_anchor))
        return per_anchor.sum() / count, (per_anchor.detach() > 1e-3).double().sum() / count

    return PlainMetric(judgement)


def circle_logits(cosines: Tensor, labels: Tensor, scale: float = SCALE, margin: float = MARGIN) -> Tensor:
    """Logits whose softmax cross entropy is circle loss over classes (circle softmax).

    γ α_p (s − 1 + m) for the right class, γ α_n (s − m) for all others; α as in `circle_loss`, constants likewise.

    Args:
        cosines: (B, C) of features with class weights.
        labels: (B,) right class.
        scale: γ > 0.
        margin: m in (0, 1).

    Returns:
        (B, C).

    Raises:
        ValueError: A parameter is out of range.

    Source:
        Sun et al. 2020, section 3.2 (with one class weight per class circle loss becomes a softmax), equation 6.
    """
    _check(scale, margin)
    right = F.one_hot(labels, cosines.shape[1]).bool()  # (B, C)
    told = cosines.detach()
    positive = F.relu(1 + margin - told) * (cosines - 1 + margin)
    negative = F.relu(told + margin) * (cosines - margin)
    return scale * torch.where(right, positive, negative)


class CosineClassifier(nn.Linear):  # type: ignore[misc]
    """(B, D) to (B, C): cosines of features with a weight vector per class."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__(dim, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Cosines in [-1, 1]."""
        return F.linear(F.normalize(x, dim=1), F.normalize(self.weight, dim=1))


def _per_anchor(features: Tensor, labels: Tensor, scale: float, margin: float) -> Tensor:
    """(A,) loss of every anchor that has both kinds of pairs."""
    _check(scale, margin)
    require_rows(features, labels)
    unit = F.normalize(features, dim=1)  # (B, D)
    s = unit @ unit.T  # (B, B)
    same = labels[:, None] == labels[None, :]  # (B, B)
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    anchors = positive.any(dim=1) & (~same).any(dim=1)  # (B,)
    told = s.detach()
    pull = -scale * F.relu(1 + margin - told) * (s - 1 + margin)  # (B, B)
    push = scale * F.relu(told + margin) * (s - margin)  # (B, B)
    pulled = pull.masked_fill(~positive, -torch.inf)[anchors].logsumexp(dim=1)  # (A,)
    pushed = push.masked_fill(same, -torch.inf)[anchors].logsumexp(dim=1)  # (A,)
    return F.softplus(pulled + pushed)


def _check(scale: float, margin: float) -> None:
    require_positive(scale=scale)
    if not 0 < margin < 1:
        raise ValueError(f"the circle's margin must be in (0, 1), got {margin}")

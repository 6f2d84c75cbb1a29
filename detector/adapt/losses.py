"""What a detector is told about a batch: where vehicles are, and to go on as before wherever nothing is known.

Sources: Feng et al., TOOD, ICCV 2021 (which anchors a box is assigned to), Li et al., Generalized Focal Loss, NeurIPS
2020 (sides as distributions), both as ultralytics has them; Li and Hoiem, Learning without Forgetting, ECCV 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from detector.adapt.labelled import Labelled

#: Sides (B, anchors, 4 x bins), class logits (B, anchors, classes), and the maps that anchors lie in.
Outputs = tuple[Tensor, Tensor, list[Tensor]]

#: Of ultralytics' own recipe: what boxes, classes and the distribution of their sides weigh.
_BOX, _CLASS, _SIDES = 7.5, 0.5, 1.5
#: An anchor at which the network saw less than this keeps its classes, and may draw its box as it likes.
_SEEN = 0.05


class AdaptLosses:
    """What the network is told about one batch after the other."""

    def __init__(self, head: Any, numbers: Sequence[int], distil: float) -> None:
        """Prepares the assignment of boxes to anchors.

        Args:
            head: Of the network, ultralytics' ``Detect``.
            numbers: The network's class of each class of the set.
            distil: What going on as before weighs on footage.
        """
        from ultralytics.utils.loss import BboxLoss
        from ultralytics.utils.tal import TaskAlignedAssigner

        self._head, self._numbers, self._distil, self._bins = head, list(numbers), distil, head.reg_max
        self._assign = TaskAlignedAssigner(topk=10, num_classes=head.nc, alpha=0.5, beta=6.0)
        self._boxes = BboxLoss(head.reg_max)
        self._steps = torch.arange(head.reg_max, dtype=torch.float32)

    def __call__(
        self,
        made: Outputs,
        said: Outputs,
        labelled: Sequence[Labelled],
    ) -> dict[str, Tensor]:
        """Losses by name, weighted.

        Args:
            made: The network's outputs, of pictures with boxes first, then of those without.
            said: Those before training.
            labelled: The pictures with boxes.
        """
        from ultralytics.utils.tal import dist2bbox, make_anchors

        sides, logits, maps = made
        anchors, strides = make_anchors([each.float() for each in maps], self._head.stride, 0.5)
        count = len(labelled)
        boxes = dist2bbox(self._spread(sides[:count]).softmax(3) @ self._steps, anchors, xywh=False)
        labels, truth, there = _targets(labelled, self._numbers)
        _, target_boxes, target_scores, of_vehicle, _ = self._assign(
            logits[:count].detach().sigmoid(), boxes.detach() * strides, anchors * strides, labels, truth, there
        )
        mass = target_scores.sum().clamp(min=1.0)
        size = torch.tensor([float(side * self._head.stride[0]) for side in maps[0].shape[2:]])
        wrong_box, wrong_sides = self._boxes(
            sides[:count], boxes, anchors, target_boxes / strides, target_scores, mass, of_vehicle, size, strides
        )
        # Where the set knows: its own classes everywhere but in ignored boxes, all classes where a vehicle is.
        knows = torch.zeros(count, len(anchors), logits.shape[2], dtype=torch.bool)
        knows[:, :, self._numbers] = ~_inside(anchors * strides, [each.ignored for each in labelled])[..., None]
        knows |= of_vehicle[..., None]
        wrong_class = F.binary_cross_entropy_with_logits(logits[:count], target_scores, reduction="none")
        before = said[1].sigmoid()
        changed = _excess(logits, said[1], before)
        return {
            "box": _BOX * wrong_box,
            "sides": _SIDES * wrong_sides,
            "class": _CLASS * wrong_class.masked_fill(~knows, 0.0).sum() / mass,
            "elsewhere": changed[:count].masked_fill(knows, 0.0).sum() / _seen(before[:count]),
            "footage": self._distil * changed[count:].sum() / _seen(before[count:]),
            "footage boxes": self._distil * self._redrawn(sides[count:], said[0][count:], before[count:]),
        }

    def _spread(self, sides: Tensor) -> Tensor:
        """Sides as logits of distances: (B, anchors, 4, bins)."""
        return sides.unflatten(2, (4, self._bins))

    def _redrawn(self, sides: Tensor, said: Tensor, before: Tensor) -> Tensor:
        """How differently boxes are drawn where something was seen before, in nats a side."""
        weight = before.amax(2)
        weight = torch.where(weight > _SEEN, weight, 0.0)
        apart = F.kl_div(
            self._spread(sides).log_softmax(3), self._spread(said).log_softmax(3), reduction="none", log_target=True
        )
        return (weight * apart.sum(3).mean(2)).sum() / weight.sum().clamp(min=1.0)


def _excess(logits: Tensor, said: Tensor, before: Tensor) -> Tensor:
    """Cross entropy beyond that of what says exactly the same as before, which has none to lose."""
    now = F.binary_cross_entropy_with_logits(logits, before, reduction="none")
    return now - F.binary_cross_entropy_with_logits(said, before, reduction="none")


def _seen(before: Tensor) -> Tensor:
    """How much was seen before: what a loss is shared by, as that of boxes is by their number."""
    return before.amax(2).sum().clamp(min=1.0)


def _inside(points: Tensor, boxes: Sequence[NDArray[np.float32]]) -> Tensor:
    """Shape (B, points): whether a point lies in any of a picture's boxes."""
    found = torch.zeros(len(boxes), len(points), dtype=torch.bool)
    for number, some in enumerate(boxes):
        for x1, y1, x2, y2 in some.tolist():
            found[number] |= (points[:, 0] > x1) & (points[:, 0] < x2) & (points[:, 1] > y1) & (points[:, 1] < y2)
    return found


def _targets(labelled: Sequence[Labelled], numbers: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Classes (B, M, 1), boxes (B, M, 4) and which of them are some (B, M, 1)."""
    most = max(1, *(len(each.boxes) for each in labelled))
    labels, boxes = torch.zeros(len(labelled), most, 1), torch.zeros(len(labelled), most, 4)
    there = torch.zeros(len(labelled), most, 1, dtype=torch.bool)
    for number, each in enumerate(labelled):
        count = len(each.boxes)
        labels[number, :count, 0] = torch.tensor([float(numbers[c]) for c in each.classes])
        boxes[number, :count] = torch.from_numpy(each.boxes)
        there[number, :count] = True
    return labels, boxes, there

"""How a detector is trained further. Holds values, and loads no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AdaptPlan:
    """How far and how carefully.

    Attributes:
        steps: Batches.
        labelled: Pictures with boxes in a batch.
        unlabelled: Pictures of footage in a batch; none where there is no footage.
        learning_rate: AdamW's highest; it warms up and falls as a cosine.
        weight_decay: AdamW's.
        frozen: So many of the first layers stay as they are; 10 is YOLOv8's whole backbone.
        kept: Share of the way from the weights before to those after that the result has gone.
        distil: How much going on as before weighs.
        sizes_hw: Input sizes, drawn for each batch.
        seed: Settles everything drawn.
    """

    steps: int = 900
    labelled: int = 8
    unlabelled: int = 8
    learning_rate: float = 4e-4
    weight_decay: float = 0.05
    frozen: int = 10
    kept: float = 0.5
    distil: float = 3.0
    sizes_hw: tuple[tuple[int, int], ...] = ((288, 512), (288, 512), (288, 512), (384, 640))
    seed: int = 7

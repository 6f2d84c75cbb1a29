"""How weights move: groups and rates of the optimiser, stages held still, the running average. Runs no batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reid.errors import DataError, ModelError
from reid.model import ReidNet


@dataclass(frozen=True, slots=True)
class Rates:
    """Highest learning rate of the backbone, the head's as a multiple of it, and the decay of matrices."""

    backbone: float
    head_factor: float
    weight_decay: float


def freeze(net: ReidNet, stages: Sequence[str]) -> None:
    """Leaves stages of the backbone as they are, batch statistics included.

    The first ones see edges and colours, alike anywhere; holding them still saves a quarter of a step's time.

    Args:
        net: In training mode; the stages leave it.
        stages: Modules of the backbone's network by name, dotted where nested.

    Raises:
        DataError: The backbone has no such stage.
    """
    for name in stages:
        try:
            stage = net.backbone.stage(name)
        except ModelError as exc:
            raise DataError(f"{net.architecture.backbone} has no stage {name!r} to freeze") from exc
        stage.eval()
        stage.requires_grad_(False)


def make_optimiser(net: ReidNet, rates: Rates) -> torch.optim.AdamW:
    """AdamW; the head learns faster than the backbone; norms, biases and GeM's exponent do not decay."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith("backbone."), parameter.ndim >= 2), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "highest": rates.backbone * (1.0 if in_backbone else rates.head_factor),
                "weight_decay": rates.weight_decay if decays else 0.0,
            }
            for (in_backbone, decays), parameters in groups.items()
        ]
    )


def divide_gradients(module: nn.Module | None, by: int) -> None:
    """Divides in place what gradients a module's weights have."""
    if module is not None and by > 1:
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter.grad /= by


def set_rate(optimiser: torch.optim.Optimizer, share: float) -> None:
    """Sets every group to a share of its highest rate."""
    for group in optimiser.param_groups:
        group["lr"] = group["highest"] * share


def rate_at(step: int, steps: int, warm_up: float) -> float:
    """Learning rate as a share of the highest: up in a line, down along half a cosine.

    >>> [round(rate_at(step, 100, 0.1), 2) for step in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    rising = round(steps * warm_up)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def moving_average(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], None]:
    """Exponential averaging in place whose memory grows with the run, so that it soon forgets the start.

    The decay at step n is min(decay, (1 + n) / (10 + n)). Integers (counters) are copied.
    """

    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor) -> None:
        n = int(count)
        share = 1 - min(decay, (1 + n) / (10 + n))
        floats = [pair for pair in zip(averaged, current, strict=True) if pair[0].is_floating_point()]
        with torch.no_grad():
            if floats:  # One call for all: on a GPU hundreds of small ones take longer than the arithmetic.
                torch._foreach_lerp_([kept for kept, _ in floats], [new for _, new in floats], share)
            for kept, new in zip(averaged, current, strict=True):
                if not kept.is_floating_point():
                    kept.copy_(new)

    return update

"""Which numbers a step is computed in: 16 bits where a GPU is quicker so, 32 bits in stages that need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from reid.model import ReidNet


def half_precision(device: torch.device) -> torch.dtype | None:
    """The type to compute in: bfloat16 where the GPU has it, else float16; None on a CPU."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def no_shortened_products() -> None:
    """Lets convolutions in 32 bits multiply all of them: cuDNN takes 19 ("TF32") unless told otherwise, for good."""
    torch.backends.cudnn.allow_tf32 = False


@contextmanager
def exact(net: ReidNet, stages: Sequence[str]) -> Iterator[None]:
    """Computes stages of the backbone in 32 bits while it lasts, whatever `torch.autocast` says of the rest.

    In dark pictures and such of little contrast, what the first stages work with is small beside what is the same all
    over; 16 bits keep too few digits to tell it apart (the card of the shipped model has figures). Networks are served
    in 32 bits, so that what they learn from such pictures should be theirs, not that of the rounding.

    Args:
        net: The network itself; it may be called through what wraps it.
        stages: Modules of the backbone's network by name, as for `reid.optimise.freeze`.

    Raises:
        ModelError: There is no such stage.
    """
    changed = [net.backbone.stage(name) for name in dict.fromkeys(stages)]
    for stage in changed:
        stage.forward = _in_32_bits(stage.forward)
    try:
        yield
    finally:
        for stage in changed:
            del stage.forward  # That of its class is back.


def _in_32_bits(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def exactly(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float())

    return exactly

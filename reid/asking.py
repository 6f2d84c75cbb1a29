"""Asks a network for the shapes it gives, and leaves it as it was. Learns nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def asking(module: nn.Module) -> Iterator[None]:
    """Within it a module only answers: no gradients, no batch statistics. Its mode comes back in any case."""
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(was_training)

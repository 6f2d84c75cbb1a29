"""Writes an adapted network as a checkpoint that `vreid models fetch` takes. A pickle, as ultralytics' own."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch


def write_checkpoint(network: Any, start: Path, out: Path) -> None:
    """Writes a network with weights in 16 bits.

    Args:
        network: As `detector.adapt.loop.adapt` gives it.
        start: The checkpoint that it went on from, which says licence and version.
        out: The new file; its folder exists.

    Raises:
        OSError: It cannot be written.
    """
    begun = torch.load(start, map_location="cpu", weights_only=False)
    half = deepcopy(network).half()
    for parameter in half.parameters():
        parameter.requires_grad_(False)
    half.pt_path, half.args = None, {}  # where its start lay is nobody's business
    kept = {key: begun.get(key) for key in ("version", "license", "docs")}
    draft = out.with_name(f".{out.name}.draft")
    torch.save({"model": half, "train_args": {}, **kept}, draft)
    draft.replace(out)

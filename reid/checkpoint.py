"""Trained weights on disk: safetensors beside a JSON description. No pickle, so a stranger's file is safe to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from reid.errors import ModelError
from reid.metadata import CheckpointMetadata, metadata_path, read_document, write_document
from reid.model import ReidNet
from reid.whole import written_whole


def save_checkpoint(net: ReidNet, metadata: CheckpointMetadata, weights: Path) -> None:
    """Writes what retrieval needs, no classifier and no loss: matrices and kernels in FP16, the rest in FP32.

    The description first, then the weights, whole or not at all: where they are, both are.

    Args:
        net: Trained.
        metadata: Its description, written to ``<weights>.json``.
        weights: File to write, `*.safetensors`.
    """
    kept = {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim >= 2 else tensor).contiguous()
        for name, tensor in net.state_dict().items()
        if not name.startswith(("classifier.", "criterion.")) and not name.endswith("num_batches_tracked")
    }
    weights.parent.mkdir(parents=True, exist_ok=True)
    write_document(metadata_path(weights), metadata)
    with written_whole(weights) as draft:
        save_file(kept, draft)
        draft.chmod(0o644)


def first_without_numbers(state: Mapping[str, Tensor]) -> str | None:
    """The first tensor that holds values which are no numbers, as weights do that ran away."""
    return next((name for name, t in state.items() if t.is_floating_point() and not torch.isfinite(t).all()), None)


def load_checkpoint(weights: Path) -> tuple[ReidNet, CheckpointMetadata]:
    """Builds the network of a checkpoint, in evaluation mode, in FP32.

    Raises:
        ModelError: A file is missing, damaged, holds what is no number, or does not fit its description.
    """
    if not weights.is_file():
        raise ModelError(f"no checkpoint {weights}")
    metadata = read_document(metadata_path(weights), CheckpointMetadata)
    net = ReidNet(metadata.architecture)
    try:
        state = {name: tensor.float() for name, tensor in load_file(weights).items()}
    except (OSError, SafetensorError) as exc:
        raise ModelError(f"cannot read the weights {weights}: {exc}") from exc
    if (odd_one := first_without_numbers(state)) is not None:
        raise ModelError(f"{weights} holds weights that are no numbers, the first in {odd_one}")
    wanted = {name for name in net.state_dict() if not name.endswith("num_batches_tracked")}
    if wanted != set(state):
        odd = sorted(wanted ^ set(state))
        raise ModelError(f"{weights} does not fit its description: {len(odd)} tensors differ, the first {odd[0]}")
    try:
        net.load_state_dict(state, strict=False)
    except RuntimeError as exc:
        raise ModelError(f"{weights} does not fit its description: {exc}") from exc
    return net.eval(), metadata

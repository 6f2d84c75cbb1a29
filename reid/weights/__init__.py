"""The default model: weights, description and card, shipped with the package. Says where they are; loads nothing."""

from __future__ import annotations

from pathlib import Path

DEFAULT = "vreid-mobilenetv2.safetensors"


def default_weights() -> Path:
    """The checkpoint that the product uses unless told otherwise; its description stands beside it as `.json`."""
    return Path(__file__).with_name(DEFAULT)

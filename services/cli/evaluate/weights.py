"""Opens the network that ``--weights`` means, for OpenVINO. Never loads torch in this process, never downloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.errors import ModelFileError
from services.models.networks import open_embedder

if TYPE_CHECKING:
    from reid.runtime import OpenVinoEmbedder

DEFAULT_MODEL = "vreid-mobilenetv2"
#: Short names for models of the manifest.
_SHORT = {"imagenet": "mobilenetv2-imagenet"}


def open_weights(weights: str | None, threads: int | None = None) -> tuple[str, OpenVinoEmbedder]:
    """Opens an embedder.

    Args:
        weights: A name in the manifest, `imagenet` (MobileNetV2 without any training on vehicles), the path of a
            `.safetensors` checkpoint, the path of an exported model's folder, or None for the default model.
        threads: CPU threads; None for all.

    Returns:
        What to call it, and the embedder.

    Raises:
        ModelFileError: It is missing or damaged; the message says what to do.
    """
    if weights is None:  # Whatever the working folder holds of that name.
        return DEFAULT_MODEL, open_embedder(DEFAULT_MODEL, threads)
    name = _SHORT.get(weights, weights)
    if name == weights and Path(name).is_dir():
        return Path(name).resolve().name, _open_folder(Path(name), threads)
    if name.endswith(".safetensors"):
        return Path(name).stem, open_embedder(name, threads)
    if "/" in name:
        raise ModelFileError(f"no weights at {name}: neither a .safetensors checkpoint nor an exported model's folder")
    return name, open_embedder(name, threads)


def _open_folder(folder: Path, threads: int | None) -> OpenVinoEmbedder:
    from reid.errors import ReidError
    from reid.runtime import OpenVinoEmbedder

    try:
        return OpenVinoEmbedder(folder, threads)
    except (OSError, ReidError, RuntimeError, ValueError) as exc:
        raise ModelFileError(f"{folder} cannot be loaded: {exc}") from exc

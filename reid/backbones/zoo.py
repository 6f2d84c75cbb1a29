"""The one door to torchreid's networks. Asks for its pretrained weights, hence for a file host, only when told to."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from typing import Any, Literal

from torch import nn

from reid.errors import ModelError

_UNUSED = ("classifier", "fc", "global_avgpool", "avgpool")


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


def build_torchreid(name: str, last_stride: Literal[1, 2], *, pretrained: bool) -> nn.Module:
    """Builds a network of torchreid's without what follows its feature map.

    For `mobilenetv2_x1_0` the first bottleneck's expansion is left out: with factor 1 it expands nothing, ImageNet's
    published weights have none, and in training its batch normalisation would undo an identity put in its place.

    Args:
        name: As torchreid calls it.
        last_stride: 1 keeps the last stage of mobilenetv2 or a ResNet at twice the resolution.
        pretrained: Have torchreid download its ImageNet weights (into its own cache), or take them from there.

    Returns:
        A network with a ``featuremaps`` method.

    Raises:
        ModelError: Nothing of that name, no feature map to be had, ``last_stride`` unknown to it, or its weights
            cannot be had.
    """
    models = torchreid_models()
    if pretrained and not name.startswith(("osnet", "resnet")):
        raise ModelError(f"torchreid's zoo has no weights for {name}")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Its downloads report on stdout, which belongs to documents.
            network = models.build_model(name=name, num_classes=1, loss="softmax", pretrained=pretrained)
    except KeyError as exc:
        raise ModelError(f"there is no backbone named {name!r}, neither ours nor torchreid's") from exc
    except Exception as exc:
        if not pretrained:
            raise
        raise ModelError(f"torchreid's zoo gave no weights for {name}: {exc}") from exc
    if not hasattr(network, "featuremaps"):
        raise ModelError(f"{name} has no feature map to pool")
    _set_last_stride(name, network, last_stride)
    for unused in _UNUSED:
        if hasattr(network, unused):
            setattr(network, unused, None)
    return network


def _set_last_stride(name: str, network: nn.Module, last_stride: Literal[1, 2]) -> None:
    if name.startswith("mobilenetv2"):
        network.conv2[0].conv1 = nn.Identity()
        network.conv7[0].dwconv2.conv.stride = (last_stride, last_stride)
    elif name.startswith("resnet50"):
        network.layer4[0].conv2.stride = (last_stride, last_stride)
        network.layer4[0].downsample[0].stride = (last_stride, last_stride)
    elif last_stride != 2:
        raise ModelError(f"{name} knows only last_stride 2")

"""Builds a backbone by name, ours or torchreid's, cut off before its pooling. Loads no weights by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from reid.asking import asking
from reid.backbones.efficientnet_lite import EfficientNetLite0
from reid.backbones.zoo import build_torchreid
from reid.errors import ModelError

#: Backbones of our own; any other name is torchreid's.
OWN: Mapping[str, Callable[[Literal[1, 2]], nn.Module]] = {"efficientnet_lite0": EfficientNetLite0}

#: Shape of the picture that a network is asked with.
_PROBE = (1, 3, 64, 64)


class FeatureMaps(nn.Module):  # type: ignore[misc]
    """A network that ends with its feature map.

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

    def maps(self, x: Tensor, levels: Sequence[str]) -> list[Tensor]:
        """Maps of some stages as well.

        Args:
            x: (B, 3, H, W).
            levels: Modules of the network by name, dotted where nested, each of which gives a map.

        Returns:
            (B, C_l, h_l, w_l) of each level in the order of ``levels``, then the last map.

        Raises:
            ModelError: There is no such stage.
        """
        kept: dict[str, Tensor] = {}
        # Hooks that stay would be shared by copies of the network; these live for one call.
        handles = [self.stage(name).register_forward_hook(partial(_keep, kept, name)) for name in levels]
        try:
            last = self.network.featuremaps(x)
        finally:
            for handle in handles:
                handle.remove()
        return [*(kept[name] for name in levels), last]

    def level_channels(self, levels: Sequence[str]) -> list[int]:
        """Channels of the maps of some stages, by asking the network.

        Raises:
            ModelError: There is no such stage, or it gives no map.
        """
        with asking(self.network):
            found = self.maps(torch.zeros(_PROBE), levels)[:-1]
        for name, level in zip(levels, found, strict=True):
            if level.ndim != 4:
                raise ModelError(f"stage {name!r} gives no feature map")
        return [int(level.shape[1]) for level in found]

    def stage(self, name: str) -> nn.Module:
        """A module of the network by name, dotted where nested.

        Raises:
            ModelError: There is no such stage.
        """
        try:
            return self.network.get_submodule(name)
        except AttributeError as exc:
            stages = ", ".join(child for child, _ in self.network.named_children())
            raise ModelError(f"the backbone has no stage {name!r}; there are {stages}") from exc


def _keep(kept: dict[str, Tensor], name: str, _module: nn.Module, _inputs: object, output: Tensor) -> None:
    kept[name] = output


def build_backbone(name: str, last_stride: Literal[1, 2] = 1, *, from_zoo: bool = False) -> FeatureMaps:
    """Builds a network, with random weights unless told otherwise.

    Args:
        name: In OWN, or as torchreid calls it, for instance "mobilenetv2_x1_0" or "osnet_x0_25".
        last_stride: 1 keeps the last stage that would halve the map at twice the resolution; OSNet knows only 2.
        from_zoo: Start from torchreid's own ImageNet weights. This alone reaches for the network.

    Returns:
        The network up to its feature map.

    Raises:
        ModelError: Nothing of that name, no feature map to be had, ``last_stride`` unknown to it, or its weights
            cannot be had.
    """
    if name not in OWN:
        network = build_torchreid(name, last_stride, pretrained=from_zoo)
    elif from_zoo:
        raise ModelError(f"torchreid's zoo has no weights for {name}")
    else:
        network = OWN[name](last_stride)
    return FeatureMaps(network, _feature_channels(network))


def _feature_channels(network: nn.Module) -> int:
    """Channels of the feature map, by asking the network."""
    with asking(network):
        return int(network.featuremaps(torch.zeros(_PROBE)).shape[1])

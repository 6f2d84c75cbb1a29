"""EfficientNet-lite0 up to its feature map, under the tensor names that its published weights carry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 1280
_STEM = 32
_HALVES_LAST = 5


@dataclass(frozen=True, slots=True)
class _Stage:
    """Bottlenecks of one width; the first of them has the stride."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    repeats: int


_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)


class _SameConv(nn.Conv2d):  # type: ignore[misc]
    """A convolution padded as TensorFlow's "same" pads an even input: with stride 2 one pixel more below and right."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        before, after = (self.kernel_size[0] - self.stride[0]) // 2, (self.kernel_size[0] - 1) // 2
        x = F.pad(x, (before, after, before, after)) if after else x
        return F.conv2d(x, self.weight, None, self.stride, 0, self.dilation, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class _Bottleneck(nn.Module):  # type: ignore[misc]
    """Inverted residual: expand, filter each channel, project; added to its input where shapes allow."""

    def __init__(self, channels_in: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        hidden = channels_in * stage.expansion
        self.expands = stage.expansion > 1
        if self.expands:
            self._expand_conv = _SameConv(channels_in, hidden, 1)
            self._bn0 = _norm(hidden)
        self._depthwise_conv = _SameConv(hidden, hidden, stage.kernel, stride, groups=hidden)
        self._bn1 = _norm(hidden)
        self._project_conv = _SameConv(hidden, stage.channels, 1)
        self._bn2 = _norm(stage.channels)
        self.residual = stride == 1 and channels_in == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', h / stride, w / stride)."""
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):  # type: ignore[misc]
    """3.4 M parameters; ReLU6 throughout and no squeeze-and-excitation, so that it quantises well.

    Departs from the published network in training only: no bottleneck is skipped by chance ("drop connect").

    Source:
        Tan, Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", table 1; Liu 2020,
        "Higher accuracy on vision models with EfficientNet-Lite" (which gives the departures of "lite").
    """

    def __init__(self, last_stride: Literal[1, 2] = 2) -> None:
        """Builds it with random weights; ``last_stride`` is that of the last stage that would halve the map."""
        super().__init__()
        self._conv_stem = _SameConv(3, _STEM, 3, stride=2)
        self._bn0 = _norm(_STEM)
        blocks: list[nn.Module] = []
        channels = _STEM
        for number, stage in enumerate(_STAGES):
            first = last_stride if number == _HALVES_LAST else stage.stride
            for repeat in range(stage.repeats):
                blocks.append(_Bottleneck(channels, stage, first if repeat == 0 else 1))
                channels = stage.channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _SameConv(channels, CHANNELS, 1)
        self._bn1 = _norm(CHANNELS)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] ** 2 * module.out_channels / module.groups
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))

    def featuremaps(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, 1280, H / 32, W / 32); H / 16, W / 16 with last_stride 1."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x)))

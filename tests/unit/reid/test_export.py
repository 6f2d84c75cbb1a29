import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.backbones import build_backbone, imagenet_to_torchreid, load_imagenet
from reid.checkpoint import load_checkpoint, save_checkpoint
from reid.errors import ModelError
from reid.export import export_imagenet_mobilenetv2, export_openvino
from reid.metadata import metadata_path, model_id
from reid.model import EmbeddingGraph, ReidNet
from reid.preprocess import to_batch
from reid.runtime import OpenVinoEmbedder


def random_crops(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(n)
    return [rng.integers(0, 256, (*rng.integers(20, 120, 2), 3), dtype=np.uint8) for _ in range(n)]


def lively(net: ReidNet) -> ReidNet:
    """Statistics as after some training; fresh ones would let signals die on their way through."""
    net.train()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _ in range(3):
            net.features(torch.randn(16, 3, 64, 64, generator=generator))
    return net.eval()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, metadata):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("trained") / "net.safetensors"
    save_checkpoint(lively(ReidNet(metadata.architecture, classes=5)), metadata, path)
    return path


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    return export_openvino(trained, tmp_path_factory.mktemp("exported") / "model")


@pytest.fixture
def weights(trained, tmp_path):
    """A copy that a test may damage."""
    for name in (trained, metadata_path(trained)):
        shutil.copy(name, tmp_path)
    return tmp_path / trained.name


def test_parity_with_torch_at_several_batch_sizes(trained, exported):
    net, metadata = load_checkpoint(trained)
    embedder = OpenVinoEmbedder(exported, threads=1)
    graph = EmbeddingGraph(net, metadata.preprocessing).eval()
    for n in (1, 7, 32, 33):
        crops = random_crops(n)
        ours = embedder.embed(crops)
        with torch.no_grad():
            reference = graph(torch.from_numpy(to_batch(crops, metadata.preprocessing.input_hw))).numpy()
        assert ours.shape == (n, 32)
        assert ours.dtype == np.float32
        assert np.linalg.norm(ours, axis=1) == pytest.approx(1.0, abs=1e-4)
        assert (ours * reference).sum(axis=1).min() >= 0.999


def test_spec_travels_with_the_model(trained, exported, metadata):
    spec = OpenVinoEmbedder(exported, threads=1).spec
    assert spec.model_id == model_id(trained, metadata.preprocessing, metadata.head_version)
    assert (spec.dim, spec.input_hw) == (32, (64, 64))
    assert (spec.calibration.slope, spec.calibration.offset, spec.calibration.limit) == (12.0, -6.0, 5.0)


def test_order_of_crops_is_kept_and_nothing_gives_nothing(exported):
    embedder = OpenVinoEmbedder(exported, threads=1)
    crops = random_crops(5)
    together = embedder.embed(crops)
    for row, crop in enumerate(crops):
        assert together[row] == pytest.approx(embedder.embed([crop])[0], abs=1e-4)
    assert embedder.embed([]).shape == (0, 32)
    with pytest.raises(ValueError, match="uint8"):
        embedder.embed([np.zeros((0, 3, 3), np.uint8)])


def test_model_id_follows_weights_and_preprocessing_but_not_calibration(weights, metadata):
    name = model_id(weights, metadata.preprocessing, metadata.head_version)
    assert len(name) == 64
    assert name != model_id(weights, metadata.preprocessing.model_copy(update={"input_hw": (80, 80)}), "x")
    assert name != model_id(weights, metadata.preprocessing, "another head")
    weights.write_bytes(weights.read_bytes() + b" ")
    assert name != model_id(weights, metadata.preprocessing, metadata.head_version)


def test_damaged_weights_are_told_in_words(weights, tmp_path):
    weights.write_bytes(b"junk")
    with pytest.raises(ModelError, match="cannot read the weights"):
        export_openvino(weights, tmp_path / "out")


def test_damage_is_told_in_words(weights, exported, tmp_path):
    folder = Path(shutil.copytree(exported, tmp_path / "out"))
    (folder / "model.xml").write_text("<nothing/>")
    with pytest.raises(ModelError, match=r"model\.xml"):
        OpenVinoEmbedder(folder)
    (folder / "spec.json").write_text('{"model_id": "x"}')
    with pytest.raises(ModelError, match=r"spec\.json is damaged: dim"):
        OpenVinoEmbedder(folder)
    with pytest.raises(ModelError, match="cannot read"):
        OpenVinoEmbedder(tmp_path / "absent")
    weights.write_bytes(b"junk")
    with pytest.raises(ModelError, match="cannot read the weights"):
        load_checkpoint(weights)


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


def test_imagenet_baseline_embeds_under_a_name_of_its_own(tmp_path):
    torch.save(published_layout(), tmp_path / "imagenet.pt")
    embedder = OpenVinoEmbedder(export_imagenet_mobilenetv2(tmp_path / "imagenet.pt", tmp_path / "base"), threads=1)
    vectors = embedder.embed(random_crops(3))
    assert vectors.shape == (3, embedder.spec.dim)
    assert embedder.spec.dim <= 256
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)


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


def test_serving_never_imports_torch():
    code = (
        "import sys, reid.runtime, reid.export, reid.weights; reid.weights.default_weights();"
        "sys.exit(any(m.split('.')[0] in ('torch', 'torchreid') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

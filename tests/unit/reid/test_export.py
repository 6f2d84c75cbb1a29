import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.checkpoint import load_checkpoint, save_checkpoint
from reid.errors import ModelError
from reid.export import export_openvino
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


def test_serving_never_imports_torch():
    code = (
        "import sys, reid.runtime, reid.export, reid.weights; reid.weights.default_weights();"
        "sys.exit(any(m.split('.')[0] in ('torch', 'torchreid') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from safetensors.torch import load_file, save_file

from reid.checkpoint import load_checkpoint, save_checkpoint
from reid.data import read_folder, read_picture
from reid.errors import ModelError
from reid.export import export_onnx, export_openvino, export_openvino_int8
from reid.export.folder import put_in_place
from reid.export.parity import Parity, check_parity
from reid.metadata import ExportSpec, metadata_path, model_id, read_document
from reid.model import EmbeddingGraph, ReidNet
from reid.openvino_core import openvino_core
from reid.preprocess import to_batch
from reid.runtime import OpenVinoEmbedder
from reid.weights import default_weights


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


def test_a_vector_does_not_depend_on_what_else_is_asked_for(exported):
    crops = random_crops(9)
    one, two = OpenVinoEmbedder(exported, threads=1), OpenVinoEmbedder(exported, threads=2)
    alone = np.concatenate([one.embed([crop]) for crop in crops])
    assert np.array_equal(two.embed(crops), alone)
    assert np.array_equal(two.embed(crops[3:]), alone[3:])
    assert two.embed([]).shape == (0, 32)
    with pytest.raises(ValueError, match="uint8"):
        two.embed([crops[0], crops[1].astype(np.float32)])
    assert np.array_equal(two.embed(crops), alone)


def test_fewer_threads_than_one_are_refused(exported):
    with pytest.raises(ValueError, match="threads"):
        OpenVinoEmbedder(exported, threads=0)


def test_vectors_of_the_default_model_are_torchs_own(city_pictures, tmp_path):
    pictures = city_pictures[1][:32]
    embedder = OpenVinoEmbedder(export_openvino(default_weights(), tmp_path / "model"), threads=1)
    assert check_parity(default_weights(), embedder, pictures).worst >= 0.99999


def test_onnx_agrees_with_torch_in_another_runtime(trained, tmp_path):
    folder = export_onnx(trained, tmp_path / "onnx")
    assert {p.name for p in folder.iterdir()} == {"model.onnx", "spec.json"}
    net, metadata = load_checkpoint(trained)
    graph = EmbeddingGraph(net, metadata.preprocessing).eval()
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    for n in (1, 7, 32):
        batch = to_batch(random_crops(n), metadata.preprocessing.input_hw)
        (vectors,) = session.run(["vectors"], {"pictures": batch})
        with torch.no_grad():
            reference = graph(torch.from_numpy(batch)).numpy()
        assert vectors.shape == (n, 32)
        assert (vectors * reference).sum(axis=1).min() >= 0.999
    assert OpenVinoEmbedder(folder, threads=1).embed(random_crops(3)).shape == (3, 32)


@pytest.fixture(scope="module")
def city_pictures(small_city):
    samples = read_folder(small_city, "city", "veri").samples
    return samples, [read_picture(sample.path) for sample in samples]


@pytest.fixture(scope="module")
def quantised(city_pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8") / "model"
    # Flat colours are unlike anything the network learned from: asking for more would try many layers in FP32.
    export_openvino_int8(default_weights(), folder, city_pictures[1][::3], aimed_cosine=0.9)
    return folder


def test_int8_is_smaller_and_stays_close_to_torch_in_vectors_and_in_rank1(quantised, city_pictures):
    samples, pictures = city_pictures
    embedder = OpenVinoEmbedder(quantised, threads=1)
    parity = check_parity(default_weights(), embedder, pictures, samples)
    assert set(parity.cosine) == {1, 7, 32}
    assert min(parity.cosine.values()) >= 0.9
    assert parity.least >= 0.9
    assert parity.pictures == len(pictures)
    assert parity.rank1[0] >= 0.9
    assert parity.rank1[0] - parity.rank1[1] <= 0.005
    assert read_document(quantised / "spec.json", ExportSpec).precision == "int8"
    assert embedder.precision == "int8"
    assert (quantised / "model.bin").stat().st_size < 4_200_000
    vectors = embedder.embed(pictures)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)


def test_int8_needs_pictures(trained, tmp_path):
    with pytest.raises(ValueError, match="got none"):
        export_openvino_int8(trained, tmp_path / "int8", [])


def test_parity_refuses_what_strays(trained, exported, city_pictures):
    samples, pictures = city_pictures
    good = check_parity(trained, OpenVinoEmbedder(exported, threads=1), pictures, samples)
    good.require("fp32")
    assert set(good.document()) == {"cosine", "pictures", "least", "median", "rank1"}
    assert check_parity(trained, OpenVinoEmbedder(exported, threads=1), pictures[:2]).rank1 is None

    class Turned:
        spec = OpenVinoEmbedder(exported, threads=1).spec

        def embed(self, crops):
            return OpenVinoEmbedder(exported, threads=1).embed(crops)[:, ::-1]

    bad = check_parity(trained, Turned(), pictures)
    for precision in ("fp32", "int8"):
        with pytest.raises(ModelError, match="strays from torch"):
            bad.require(precision)
    assert good.refusal("fp32") is None
    with pytest.raises(ModelError, match=r"costs rank-1: 0\.9000 became 0\.8900"):
        Parity({1: 0.995}, 4, 0.995, 0.999, (0.9, 0.89)).require("int8")
    with pytest.raises(ModelError, match=r"cosine 0\.9800"):
        Parity({1: 0.995}, 4, 0.98, 0.999).require("int8")


@pytest.mark.parametrize("convert", [export_openvino, export_onnx])
def test_parity_refuses_a_model_whose_batch_is_fixed(trained, tmp_path, convert):
    folder = convert(trained, tmp_path / "model")
    embedder, pictures = OpenVinoEmbedder(folder, threads=1), random_crops(3)
    assert check_parity(trained, embedder, pictures, stored=folder).worst >= 0.999
    if (folder / "model.onnx").is_file():
        model = onnx.load(folder / "model.onnx")
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
        onnx.save(model, folder / "model.onnx")
    else:
        fixed = openvino_core().read_model(folder / "model.xml")
        fixed.reshape([1, 64, 64, 3])
        openvino.save_model(fixed, tmp_path / "model.xml", compress_to_fp16=False)
        for name in ("model.xml", "model.bin"):
            (tmp_path / name).replace(folder / name)
    embedder = OpenVinoEmbedder(folder, threads=1)
    assert check_parity(trained, embedder, pictures).worst >= 0.999, "one picture at a time hides it"
    with pytest.raises(ModelError, match="takes no batch of 7"):
        check_parity(trained, embedder, pictures, stored=folder)


def test_a_failed_export_leaves_nothing_and_keeps_what_was_there(weights, exported, tmp_path):
    folder = Path(shutil.copytree(exported, tmp_path / "out"))
    before = sorted(p.read_bytes() for p in folder.iterdir())
    weights.write_bytes(b"junk")
    for convert in (export_openvino, export_onnx):
        with pytest.raises(ModelError, match="cannot read the weights"):
            convert(weights, folder)
    assert sorted(p.read_bytes() for p in folder.iterdir()) == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("convert", [export_openvino, export_onnx])
def test_a_model_is_not_written_over_the_working_folder_or_the_weights(
    weights, exported, tmp_path, monkeypatch, convert
):
    folder = Path(shutil.copytree(exported, tmp_path / "out"))
    monkeypatch.chdir(folder)
    before = sorted(tmp_path.rglob("*"))
    for out, told in ((Path(), "this runs in"), (tmp_path, "this runs in")):
        with pytest.raises(ModelError, match=told):
            convert(weights, out)
    monkeypatch.chdir("/")
    with pytest.raises(ModelError, match="holds the weights"):
        convert(weights, tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_that_cannot_be_put_in_place_leaves_the_former_one(exported, tmp_path):
    folder = Path(shutil.copytree(exported, tmp_path / "out"))
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "gone", folder)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


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
    state = load_file(weights)
    state["embed.weight"][3, 1] = float("nan")
    save_file(state, weights)
    with pytest.raises(ModelError, match=r"weights that are no numbers, the first in embed\.weight"):
        load_checkpoint(weights)
    weights.write_bytes(b"junk")
    with pytest.raises(ModelError, match="cannot read the weights"):
        load_checkpoint(weights)
    metadata_path(weights).write_bytes(b"\x93\xff\x00")
    with pytest.raises(ModelError, match=r"\.json is damaged: document: Invalid JSON"):
        load_checkpoint(weights)


def test_serving_never_imports_torch():
    code = (
        "import sys, reid.runtime, reid.export, reid.weights; reid.weights.default_weights();"
        "sys.exit(any(m.split('.')[0] in ('torch', 'torchreid') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

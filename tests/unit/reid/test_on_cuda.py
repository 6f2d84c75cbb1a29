"""The network on a GPU: the CPU's vectors within a tolerance, training in 16 bits, and going on after a stop."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from reid.augment import OFF
from reid.checkpoint import load_checkpoint
from reid.config import TrainConfig
from reid.data import read_folder
from reid.embedding import embed_samples
from reid.model import EmbeddingGraph
from reid.parts import read_parts
from reid.preprocess import to_batch
from reid.run import RunOptions
from reid.train import train
from reid.weights import default_weights

pytestmark = pytest.mark.gpu


class StoppedError(Exception):
    pass


@pytest.fixture(autouse=True)
def _a_gpu():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "name": "tiny",
            "seed": 1,
            "architecture": {"backbone": "mobilenetv2_x1_0", "dim": 16, "pooling": "gap"},
            "preprocessing": {"input_hw": [64, 64]},
            "domains": {"city": {"pattern": "veri", "select": 4, "calibrate": 4}},
            "vehicles": 6,
            "pictures": 2,
            "batches": 4,
            "learning_rate": 3e-3,
            "augment": OFF.model_dump(),
            "epochs": 3,
            "judge_every": 2,
            "averaging": 0.5,
            "tensorboard": False,
            "mixed_precision": True,
        }
    )


def test_the_default_network_embeds_as_on_the_cpu(small_city):
    net, metadata = load_checkpoint(default_weights())
    pictures = read_folder(small_city, "city", "veri").samples
    on_cpu = embed_samples(net, pictures, metadata.preprocessing)
    on_gpu = embed_samples(net.to("cuda"), pictures, metadata.preprocessing)
    assert np.abs(np.linalg.norm(on_gpu, axis=1) - 1).max() < 1e-4
    assert np.sum(on_cpu * on_gpu, axis=1).min() > 0.9999


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_half_precision_stays_close(batch):
    net, metadata = load_checkpoint(default_weights())
    graph = EmbeddingGraph(net, metadata.preprocessing).eval()
    rng = np.random.default_rng(batch)
    crops = [rng.integers(0, 256, (70, 90, 3), dtype=np.uint8) for _ in range(batch)]
    pixels = torch.from_numpy(to_batch(crops, metadata.preprocessing.input_hw))
    with torch.inference_mode():
        exact = graph(pixels)
        graph.to("cuda")
        with torch.autocast("cuda", torch.float16):
            half = graph(pixels.to("cuda")).float().cpu()
    assert (exact * half).sum(dim=1).min() > 0.999


def test_trains_in_16_bits_and_goes_on_after_a_stop(small_city, tmp_path, config):
    parts = read_parts(config, {"city": small_city})
    whole = train(config, parts, tmp_path / "whole", RunOptions(device="cuda"))
    records = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in records] == [1, 2, 3]
    assert all(np.isfinite(r["cross_entropy"]) for r in records)
    assert records[-1]["cross_entropy"] < records[0]["cross_entropy"]

    def stop(done, total):
        if done == 6:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(config, parts, tmp_path / "cut", RunOptions(device="cuda", progress=stop, resume=True))
    resumed = train(config, parts, tmp_path / "cut", RunOptions(device="cuda", resume=True))
    again = [json.loads(line) for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in again] == [1, 2, 3]
    # Kernels of a GPU sum in no fixed order: the same course, not the same bits.
    assert again[-1]["cross_entropy"] == pytest.approx(records[-1]["cross_entropy"], rel=0.2)
    samples = read_folder(small_city, "city", "veri").samples
    first, second = (_vectors(path, samples) for path in (whole, resumed))
    assert np.sum(first * second, axis=1).mean() > 0.9


def _vectors(weights, samples):
    net, metadata = load_checkpoint(weights)
    return embed_samples(net.to("cuda"), samples, metadata.preprocessing)

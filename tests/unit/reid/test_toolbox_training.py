"""Whole runs with losses that have weights of their own, with attributes, circle softmax, heads and levels."""

import json
import math
import shutil

import pytest
import torch

from reid.attributes import AttributeTable
from reid.augment import OFF
from reid.checkpoint import load_checkpoint
from reid.config import TrainConfig
from reid.data import Sample
from reid.errors import DataError, ModelError, TrainingError
from reid.export import export_openvino
from reid.model import EmbeddingGraph, ReidNet
from reid.parts import read_parts
from reid.run import RunOptions
from reid.runtime import OpenVinoEmbedder
from reid.train import train
from reid.types import Calibration

BASE = {
    "name": "tiny",
    "seed": 1,
    "architecture": {"backbone": "mobilenetv2_x1_0", "dim": 16, "pooling": "gap"},
    "preprocessing": {"input_hw": [32, 32]},
    "domains": {"city": {"pattern": "veri", "select": 4, "calibrate": 4}},
    "vehicles": 4,
    "pictures": 2,
    "batches": 6,
    "learning_rate": 3e-3,
    "augment": OFF.model_dump(),
    "epochs": 2,
    "judge_every": 2,
    "averaging": 0.5,
    "tensorboard": False,
}


class QuickStatistics(ReidNet):
    """Batch statistics that settle within a test's few steps."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for module in self.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 0.5


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("reid.run.ReidNet", QuickStatistics)
    # Runs of a few steps may not be good enough to calibrate.
    calibrated = (Calibration(12.0, -6.0, 5.0), {})
    monkeypatch.setattr("reid.finish.calibrate_network", lambda _net, _preprocessing, *_parts: calibrated)


@pytest.fixture(scope="module")
def labelled(small_city, tmp_path_factory):
    root = tmp_path_factory.mktemp("labelled")
    shutil.copytree(small_city, root, dirs_exist_ok=True)
    rows = [
        {"image": path.name, "colour": ("red", "blue")[int(path.name[:4]) % 2], "model": f"m{int(path.name[:4]) % 3}"}
        for path in sorted(root.glob("*.jpg"))
    ]
    (root / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


@pytest.mark.parametrize(
    "objective",
    [
        {"metric": "siamese"},
        {"metric": "mixed-difference", "attributes": ["model"]},
        {"metric": "triplet", "miner": "semi-hard", "margin": 0.3, "attributes": ["colour", "model"]},
        {"metric": "none", "classifier": "circle"},
    ],
    ids=lambda o: "+".join(str(v) for v in o.values()),
)
def test_runs_learn_the_losss_weights_and_leave_them_out_of_the_checkpoint(labelled, tmp_path, objective):
    config = TrainConfig.model_validate({**BASE, "objective": objective, "epochs": 1})
    whole = train(config, read_parts(config, {"city": labelled}), tmp_path)
    record = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert math.isfinite(record["metric"])
    state = torch.load(tmp_path / "last.pt", weights_only=True)["net"]
    carried = [name for name in state if name.startswith("criterion.")]
    assert bool(carried) == (objective["metric"] in ("siamese", "mixed-difference") or "colour" in str(objective))
    net, _ = load_checkpoint(whole)
    assert not any(name.startswith(("criterion.", "classifier.")) for name in net.state_dict())


@pytest.mark.parametrize(
    "objective",
    [{"metric": "siamese", "attributes": ["colour"]}, {"offline": True}],
    ids=["siamese+attributes", "offline"],
)
def test_runs_go_on_to_the_same_result_with_their_losss_weights_and_their_mining(labelled, tmp_path, objective):
    config = TrainConfig.model_validate({**BASE, "objective": objective, "batches": 4, "block": 2})
    parts = read_parts(config, {"city": labelled})
    whole = train(config, parts, tmp_path / "whole")

    class KilledError(Exception):
        pass

    def kill(done, total):
        if done == 6:
            raise KilledError

    with pytest.raises(KilledError):
        train(config, parts, tmp_path / "cut", RunOptions(progress=kill))
    assert train(config, parts, tmp_path / "cut", RunOptions(resume=True)).read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    "changes", [{"pooling": "second-order"}, {"pooling": "gem", "levels": ["conv4", "conv6"]}], ids=str
)
def test_heads_travel_through_checkpoint_and_export(small_city, tmp_path, changes):
    document = {**BASE, "architecture": {**BASE["architecture"], **changes}, "epochs": 1}
    config = TrainConfig.model_validate(document)
    weights = train(config, read_parts(config, {"city": small_city}), tmp_path)
    net, metadata = load_checkpoint(weights)
    assert metadata.architecture.levels == tuple(changes.get("levels", ()))
    pixels = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        expected = EmbeddingGraph(net, metadata.preprocessing)(pixels)
    served = OpenVinoEmbedder(export_openvino(weights, tmp_path / "model"), threads=1).embed(list(pixels.numpy()))
    assert (torch.from_numpy(served) * expected).sum(dim=1).min() > 0.999


def test_what_cannot_be_learned_is_refused_before_training(small_city, tmp_path):
    for changes, error, word in (
        ({"objective": {"attributes": ["colour"]}}, DataError, "no attribute 'colour'"),
        ({"architecture": {**BASE["architecture"], "pooling": "magic"}}, ModelError, "no pooling"),
        ({"architecture": {**BASE["architecture"], "levels": ["magic"]}}, ModelError, "no stage"),
    ):
        config = TrainConfig.model_validate({**BASE, **changes})
        with pytest.raises(error, match=word):
            train(config, read_parts(config, {"city": small_city}), tmp_path)
    # A domain that is described but not given cannot make up for blocks that are missing.
    absent = {"pairs": {"pattern": "pairs", "pictures_each": 2}}
    alone = {**BASE, "objective": {"offline": True}, "pictures": 4, "domains": BASE["domains"] | absent}
    with pytest.raises(TrainingError, match="set block to 2"):
        train(TrainConfig.model_validate(alone), read_parts(config, {"city": small_city}), tmp_path)
    for objective, word in (
        ({"metric": "mixed-difference"}, "attributes"),
        ({"metric": "contrastive", "margin": 0}, "above 0"),
        ({"metric": "circle", "margin": 1.0}, "below 1"),
    ):
        with pytest.raises(ValueError, match=word):
            TrainConfig.model_validate({**BASE, "objective": objective})


def test_attributes_are_numbered_by_name_and_unknown_ones_marked(tmp_path):
    samples = [
        Sample(tmp_path / f"{n}.jpg", "d", str(n), "1", kind, {"colour": c})
        for n, (kind, c) in enumerate([("car", "red"), ("bus", "blue"), ("car", "")])
    ]
    table = AttributeTable.of(samples, ("colour", "class"))
    assert table.sizes == {"colour": 2, "class": 2}
    codes = table.codes(samples, torch.device("cpu"))
    assert codes is not None
    assert codes.tolist() == [[1, 1], [0, 0], [-1, 1]]
    assert AttributeTable.of(samples, ()).codes(samples, torch.device("cpu")) is None

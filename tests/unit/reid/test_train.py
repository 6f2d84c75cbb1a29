import json

import pytest
import torch
import yaml

from reid.augment import OFF
from reid.config import TrainConfig, read_config
from reid.data import read_folder
from reid.errors import DataError
from reid.metadata import CheckpointMetadata, metadata_path, read_document
from reid.model import ReidNet
from reid.train import freeze, main, moving_average, rate_at, read_parts, report, train, warn_of_collapse


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "name": "tiny",
            "seed": 1,
            "architecture": {"backbone": "mobilenetv2_x1_0", "dim": 16, "pooling": "gap"},
            "preprocessing": {"input_hw": [32, 32]},
            "domains": {"city": {"pattern": "veri", "select": 4, "calibrate": 4}},
            "vehicles": 6,
            "pictures": 2,
            "batches": 6,
            "learning_rate": 3e-3,
            "augment": OFF.model_dump(),
            "epochs": 3,
            "judge_every": 2,
            "averaging": 0.5,
        }
    )


class QuickStatistics(ReidNet):
    """Batch statistics that settle within a test's few steps."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for module in self.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 0.5


def test_learns_resumes_to_the_same_result_and_writes_a_checkpoint(small_city, tmp_path, config, monkeypatch):
    monkeypatch.setattr("reid.train.ReidNet", QuickStatistics)
    parts = read_parts(config, {"city": small_city})
    weights = train(config, parts, tmp_path / "whole", None, "the command")
    records = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in records] == [1, 2, 3]
    assert records[-1]["cross_entropy"] < records[0]["cross_entropy"]
    assert "score" in records[1]
    assert "score" not in records[0]
    metadata = read_document(metadata_path(weights), CheckpointMetadata)
    assert metadata.training_command == "the command"
    assert metadata.figures["select"]["city"]["protocol"] == "cross-camera"

    # A run that was cut off within an epoch goes on as if it had not been.
    class CutOffError(Exception):
        pass

    def cut_off(record, path):
        report(record, path)
        if record["epoch"] == 2:
            raise CutOffError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reid.train.report", cut_off)
        with pytest.raises(CutOffError):
            train(config, parts, tmp_path / "cut", None)
    resumed = train(config, parts, tmp_path / "cut", None, "the command")
    assert resumed.read_bytes() == weights.read_bytes()


def test_parts_are_disjoint_by_vehicle(small_city, config):
    parts = read_parts(config, {"city": small_city})
    groups = [parts.fit, parts.select["city"], parts.calibrate["city"]]
    vehicles = [{s.vehicle for s in group} for group in groups]
    assert [len(v) for v in vehicles] == [8, 4, 4]
    assert len(set.union(*vehicles)) == 16
    assert sum(map(len, groups)) == len(read_folder(small_city, "city", "veri").samples)


def test_frozen_stages_keep_still_and_unknown_ones_are_named(config):
    net = ReidNet(config.architecture).train()
    before = {name: value.clone() for name, value in net.backbone.network.conv1.state_dict().items()}
    freeze(net, ("conv1",))
    net.features(torch.randn(4, 3, 32, 32))
    assert all(torch.equal(before[name], value) for name, value in net.backbone.network.conv1.state_dict().items())
    assert not any(p.requires_grad for p in net.backbone.network.conv1.parameters())
    assert net.backbone.network.conv2.training
    with pytest.raises(DataError, match="no stage 'conv99'"):
        freeze(net, ("conv99",))


def test_rate_rises_then_falls():
    rates = [rate_at(step, 50, 0.2) for step in range(50)]
    assert rates[9] == rates[10] == 1.0
    assert rates == sorted(rates[:10]) + sorted(rates[10:], reverse=True)
    assert rate_at(0, 50, 0.0) == 1.0


def test_moving_average_forgets_the_start_quickly():
    kept = [torch.zeros(1), torch.tensor(0)]
    update = moving_average(0.99)
    for n in range(1, 60):
        update(kept, [torch.ones(1), torch.tensor(n)], torch.tensor(n))
    assert kept[0].item() > 0.99
    assert kept[1].item() == 59


@pytest.mark.parametrize(("triplet", "margin", "told"), [(0.694, None, True), (0.5, None, False), (0.3, 0.3, True)])
def test_collapse_is_told(triplet, margin, told, caplog):
    warn_of_collapse(triplet, margin)
    assert bool(caplog.records) is told


def test_configuration_errors_name_the_key(tmp_path, config):
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert read_config(path) == config
    path.write_text(yaml.safe_dump(config.model_dump(mode="json") | {"epochs": 0}))
    with pytest.raises(DataError, match="epochs"):
        read_config(path)
    path.write_text("a: [")
    with pytest.raises(DataError, match="no YAML"):
        read_config(path)
    with pytest.raises(DataError, match="cannot read"):
        read_config(tmp_path / "absent.yaml")


def test_command_fails_in_one_line(tmp_path, config, capsys):
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert main(["--config", str(path), "--data", "sea=x", "--out", str(tmp_path / "out")]) == 1
    streams = capsys.readouterr()
    assert "domains are city" in streams.err
    assert streams.err.count("\n") == 1

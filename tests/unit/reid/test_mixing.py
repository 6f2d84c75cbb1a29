import json

import pytest
import torch

from reid.augment import OFF
from reid.checkpoint import load_checkpoint, save_checkpoint
from reid.config import TrainConfig
from reid.embedding import embed_samples
from reid.errors import ModelError
from reid.mixing import keep_of_start
from reid.model import ReidNet
from reid.parts import read_parts
from reid.run import RunOptions
from reid.train import train


@pytest.fixture
def config(metadata) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "name": "mixed",
            "seed": 1,
            "architecture": metadata.architecture.model_dump(),
            "preprocessing": {"input_hw": [32, 32]},
            "domains": {"city": {"pattern": "veri", "select": 4, "calibrate": 4}},
            "vehicles": 6,
            "pictures": 2,
            "batches": 2,
            "epochs": 1,
            "frozen": ["conv1"],
            "tensorboard": False,
        }
    )


@pytest.fixture
def start(metadata, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "start.safetensors"
    save_checkpoint(ReidNet(metadata.architecture), metadata, path)
    return path


def test_weights_lie_on_the_line_between_both_ends(metadata, start):
    torch.manual_seed(1)
    net = ReidNet(metadata.architecture, classes=3)
    end = {name: value.clone() for name, value in net.state_dict().items()}
    began = load_checkpoint(start)[0].state_dict()
    keep_of_start(net, start, 0.25)
    for name, value in net.state_dict().items():
        if name in began and value.is_floating_point():
            torch.testing.assert_close(value, 0.25 * began[name] + 0.75 * end[name])
        else:
            assert torch.equal(value, end[name])


@pytest.mark.usefixtures("calibrated")
def test_a_run_keeps_the_share_that_it_is_told(small_city, tmp_path, config, start):
    parts = read_parts(config, {"city": small_city})
    ends = []
    for share in (0.0, 0.5):
        run = config.model_copy(update={"of_start": share})
        weights = train(run, parts, tmp_path / str(share), RunOptions(start=start))
        ends.append(load_checkpoint(weights)[0].state_dict())
    began = load_checkpoint(start)[0].state_dict()
    assert not torch.equal(ends[0]["embed.weight"], began["embed.weight"])
    for name in ("embed.weight", "backbone.network.conv5.0.conv1.conv.weight", "backbone.network.conv1.bn.running_var"):
        torch.testing.assert_close(ends[1][name], (began[name] + ends[0][name]) / 2, atol=2e-3, rtol=2e-3)  # FP16.


@pytest.mark.usefixtures("calibrated")
def test_mixed_weights_have_statistics_of_their_own(small_city, tmp_path, config, start):
    run = TrainConfig.model_validate(config.model_dump() | {"of_start": 0.5, "augment": OFF.model_dump()})
    parts = read_parts(run, {"city": small_city})
    net, _ = load_checkpoint(train(run, parts, tmp_path / "run", RunOptions(start=start)))
    both = []
    net.neck.register_forward_hook(lambda _m, given, _out: both.append(given[0]))
    embed_samples(net, parts.fit, run.preprocessing, batch=8)
    seen = torch.cat(both)
    scale = seen.std(dim=0) + 1e-6
    assert ((seen.mean(dim=0) - net.neck.running_mean).abs() / scale).mean() < 0.5


@pytest.mark.parametrize("kind", ["nothing", "other"])
def test_what_cannot_be_mixed_is_refused_before_any_work(small_city, tmp_path, config, start, kind):
    run = config.model_copy(update={"of_start": 0.5})
    options = RunOptions()
    if kind == "other":
        document = json.loads(start.with_suffix(".json").read_text())
        document["architecture"]["dim"] = 16
        start.with_suffix(".json").write_text(json.dumps(document))
        options = RunOptions(start=start)
    with pytest.raises(ModelError, match="of_start"):
        train(run, read_parts(run, {"city": small_city}), tmp_path / "run", options)
    assert not (tmp_path / "run").exists()

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from reid.augment import OFF
from reid.calibrate import calibrate_network
from reid.checkpoint import load_checkpoint
from reid.config import TrainConfig, read_config, recipe_names, recipe_path
from reid.errors import DataError, ModelError, TrainingError
from reid.metadata import CheckpointMetadata, metadata_path, read_document
from reid.model import ReidNet
from reid.optimise import Rates, freeze, make_optimiser, moving_average, rate_at, set_rate
from reid.parts import read_parts, read_vehicles
from reid.run import RunOptions
from reid.train import train


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
            "tensorboard": False,
        }
    )


class QuickStatistics(ReidNet):
    """Batch statistics that settle within a test's few steps."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for module in self.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 0.5


class KilledError(Exception):
    pass


def kill_at(batch: int):
    def progress(done, total):
        if done == batch:
            raise KilledError

    return RunOptions(progress=progress, resume=True)


def test_learns_resumes_to_the_same_result_and_writes_a_checkpoint(small_city, tmp_path, config, monkeypatch):
    calibrated_on = []

    def calibrate(net, preprocessing, *given):
        calibrated_on.append(given)
        return calibrate_network(net, preprocessing, *given)

    monkeypatch.setattr("reid.finish.calibrate_network", calibrate)
    monkeypatch.setattr("reid.run.ReidNet", QuickStatistics)
    parts = read_parts(config, {"city": small_city})
    told = []
    options = RunOptions(command="the command", progress=lambda done, total: told.append((done, total)))
    weights = train(config, parts, tmp_path / "whole", options)
    records = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in records] == [1, 2, 3]
    assert records[-1]["cross_entropy"] < records[0]["cross_entropy"]
    assert "score" in records[1]
    assert "score" not in records[0]
    assert not any(r["collapsed"] for r in records)
    assert told == [(n, 18) for n in range(1, 19)]
    metadata = read_document(metadata_path(weights), CheckpointMetadata)
    assert metadata.training_command == "the command"
    assert calibrated_on == [(parts.calibrate, parts.select)]
    assert metadata.figures["select"]["city"]["protocol"] == "cross-camera"
    assert read_vehicles(tmp_path / "whole" / "vehicles.json")["fit"] == sorted(
        {f"city/{sample.vehicle}" for sample in parts.fit}
    )

    # Killed within its second and within its third epoch, a run goes on as if it had not been.
    for batch in (9, 14):
        with pytest.raises(KilledError):
            train(config, parts, tmp_path / "cut", kill_at(batch))
    resumed = train(config, parts, tmp_path / "cut", RunOptions(command="the command", resume=True))
    assert resumed.read_bytes() == weights.read_bytes()
    assert metadata_path(resumed).read_text() == metadata_path(weights).read_text()
    again = [json.loads(line) for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert [{**r, "seconds": 0} for r in again] == [{**r, "seconds": 0} for r in records]

    # A folder with a run is neither overwritten nor continued by another.
    with pytest.raises(TrainingError, match="holds a run already"):
        train(config, parts, tmp_path / "cut")
    other = config.model_copy(update={"learning_rate": 1e-4})
    with pytest.raises(TrainingError, match="another configuration: learning_rate differ"):
        train(other, parts, tmp_path / "cut", RunOptions(resume=True))
    fewer = read_parts(config.model_copy(update={"seed": 2}), {"city": small_city})
    with pytest.raises(TrainingError, match="other pictures"):
        train(config, fewer, tmp_path / "cut", RunOptions(resume=True))
    (tmp_path / "cut" / "last.pt").write_bytes(b"junk")
    with pytest.raises(TrainingError, match="cannot resume"):
        train(config, parts, tmp_path / "cut", RunOptions(resume=True))


@pytest.mark.parametrize(
    "objective",
    [
        {"miner": "batch-all", "margin": 0.3, "reduction": "nonzero"},
        {"miner": "batch-weighted"},
        {"miner": "batch-sample"},
        {"metric": "none"},
    ],
    ids=lambda objective: objective.get("miner", "cross-entropy-alone"),
)
def test_every_kind_of_objective_trains(small_city, tmp_path, config, objective, monkeypatch):
    monkeypatch.setattr("reid.run.ReidNet", QuickStatistics)
    run = TrainConfig.model_validate(config.model_dump() | {"objective": objective, "epochs": 1, "batches": 8})
    train(run, read_parts(run, {"city": small_city}), tmp_path)
    record = json.loads((tmp_path / "log.jsonl").read_text())
    assert math.isfinite(record["metric"])
    assert (record["metric"] > 0) is (objective.get("metric") != "none")


def test_a_loss_that_is_no_number_stops_the_run(small_city, tmp_path, config, monkeypatch):
    monkeypatch.setattr(
        "reid.train.smoothed_cross_entropy", lambda logits, labels, smoothing: logits.sum() * float("nan")
    )
    with pytest.raises(TrainingError, match="nan at batch 0"):
        train(config, read_parts(config, {"city": small_city}), tmp_path)


def test_weights_that_the_last_step_made_no_numbers_are_told_in_one_line(small_city, tmp_path, config, monkeypatch):
    run = config.model_copy(update={"epochs": 1, "batches": 2})

    def run_away(optimiser, share):
        set_rate(optimiser, share if share == rate_at(0, 2, run.warm_up) else float("inf"))

    monkeypatch.setattr("reid.train.set_rate", run_away)
    with pytest.raises(TrainingError, match="no numbers after the last batch; lower the learning rate"):
        train(run, read_parts(run, {"city": small_city}), tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_run_that_cannot_be_calibrated_keeps_its_weights_and_says_so(
    small_city, tmp_path, config, monkeypatch, caplog
):
    def fail(*_):
        raise DataError("nothing to calibrate")

    monkeypatch.setattr("reid.finish.calibrate_network", fail)
    run = config.model_copy(update={"epochs": 1, "batches": 2})
    net, metadata = load_checkpoint(train(run, read_parts(run, {"city": small_city}), tmp_path))
    assert net.architecture == run.architecture
    assert metadata.figures["not_calibrated"] == "nothing to calibrate"
    assert "calibration" not in metadata.figures
    assert abs(metadata.calibration.build().log_likelihood_ratio(1.0)) < 1e-3, "no evidence"
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "tiny.safetensors is not calibrated: nothing to calibrate; `vreid calibrate`" in told


@pytest.mark.usefixtures("calibrated")
def test_collapse_is_logged_and_recorded(small_city, tmp_path, config, monkeypatch, caplog):
    class OnePoint(QuickStatistics):
        def forward(self, x):
            features, logits = super().forward(x)
            return features * 0.0, logits

    monkeypatch.setattr("reid.run.ReidNet", OnePoint)
    run = config.model_copy(update={"epochs": 1, "batches": 12})
    train(run, read_parts(run, {"city": small_city}), tmp_path)
    assert json.loads((tmp_path / "log.jsonl").read_text())["collapsed"]
    assert "run into one point" in caplog.text


def test_pictures_read_by_helpers_are_the_same(small_city, tmp_path, config, monkeypatch):
    monkeypatch.setattr("reid.run.ReidNet", QuickStatistics)
    run = TrainConfig.model_validate(config.model_dump() | {"epochs": 1, "batches": 2, "augment": {}})
    parts = read_parts(run, {"city": small_city})
    alone = train(run, parts, tmp_path / "alone")
    helped = train(run.model_copy(update={"workers": 1}), parts, tmp_path / "helped")
    assert alone.read_bytes() == helped.read_bytes()


def test_frozen_stages_keep_still_and_unknown_ones_are_named(config):
    net = ReidNet(config.architecture).train()
    before = {name: value.clone() for name, value in net.backbone.network.conv1.state_dict().items()}
    freeze(net, ("conv1",))
    net.features(torch.randn(4, 3, 32, 32))
    assert all(torch.equal(before[name], value) for name, value in net.backbone.network.conv1.state_dict().items())
    assert not any(p.requires_grad for p in net.backbone.network.conv1.parameters())
    assert net.backbone.network.conv2.training
    freeze(net, ("conv3.0",))
    assert not net.backbone.network.conv3[0].training
    assert net.backbone.network.conv3[1].training
    with pytest.raises(DataError, match="no stage 'conv99'"):
        freeze(net, ("conv99",))


def test_a_run_in_16_bits_keeps_stages_in_32_bits_that_are_frozen_or_told_to(small_city, tmp_path, config, monkeypatch):
    seen = {}

    def watched(net, stages):
        for name in ("conv1", "conv2", "conv3"):
            stage = net.backbone.stage(name)
            stage.register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: out.dtype}))
        freeze(net, stages)

    monkeypatch.setattr("reid.run.freeze", watched)
    monkeypatch.setattr("reid.run.half_precision", lambda _device: torch.bfloat16)
    run = config.model_copy(update={"frozen": ("conv1",), "full_precision": ("conv2",)})
    with pytest.raises(KilledError):
        train(run, read_parts(run, {"city": small_city}), tmp_path, kill_at(1))
    assert seen == {"conv1": torch.float32, "conv2": torch.float32, "conv3": torch.bfloat16}


def test_an_unknown_stage_to_keep_in_32_bits_is_told_before_the_run(small_city, tmp_path, config):
    run = config.model_copy(update={"full_precision": ("conv99",)})
    with pytest.raises(ModelError, match="no stage 'conv99'"):
        train(run, read_parts(run, {"city": small_city}), tmp_path)
    assert not tmp_path.joinpath("log.jsonl").exists()


def test_norms_do_not_decay_and_the_head_learns_faster(config):
    optimiser = make_optimiser(ReidNet(config.architecture, classes=3), Rates(1e-3, 2.0, 0.02))
    seen = {
        (group["highest"], group["weight_decay"], p.ndim >= 2)
        for group in optimiser.param_groups
        for p in group["params"]
    }
    assert seen == {(1e-3, 0.02, True), (1e-3, 0.0, False), (2e-3, 0.02, True), (2e-3, 0.0, False)}


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

    with pytest.raises(DataError, match="batch-hard"):
        _write(path, config, {"objective": {"miner": "batch-softest"}})
    path.write_text("- a\n- b")
    with pytest.raises(DataError, match="no keys"):
        read_config(path)


def test_what_cannot_be_drawn_is_refused_by_its_key(tmp_path, config):
    path = tmp_path / "run.yaml"
    with pytest.raises(DataError, match=r"domains\.city\.pictures_each is 99"):
        _write(path, config, {"domains": {"city": {"pictures_each": 99}}})


def _write(path, config, changes):
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    read_config(path, changes)


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_builds_its_network(name):
    config = read_config(recipe_path(name))
    net = ReidNet(config.architecture, classes=2).train()
    freeze(net, config.frozen)
    assert config.start in ("none", "mobilenetv2-imagenet", "efficientnet-lite0-imagenet")


def test_recipes_of_other_names_are_refused():
    with pytest.raises(DataError, match="there are default"):
        recipe_path("none-such")


def test_stages_frozen_at_chance_are_told(small_city, tmp_path, config, caplog):
    run = config.model_copy(update={"frozen": ("conv1", "conv2")})
    with pytest.raises(KilledError):
        train(run, read_parts(run, {"city": small_city}), tmp_path, kill_at(1))
    assert "conv1, conv2 stay as they are, and they start from nothing" in caplog.text


@pytest.mark.usefixtures("calibrated")
def test_a_run_goes_on_from_the_weights_that_it_began_with_wherever_they_lie(small_city, tmp_path, config):
    config = config.model_copy(update={"epochs": 1, "batches": 2})
    parts = read_parts(config, {"city": small_city})
    one, other = (train(config.model_copy(update={"seed": n}), parts, tmp_path / str(n)) for n in (1, 2))
    weights = train(config, parts, tmp_path / "run", RunOptions(start=one))
    made = weights.read_bytes()
    for start in (other, "none"):
        with pytest.raises(TrainingError, match="run was begun with other weights to start from"):
            train(config, parts, tmp_path / "run", RunOptions(start=start, resume=True))
    (tmp_path / "moved").mkdir()
    moved = Path(shutil.copy(one, tmp_path / "moved"))
    assert train(config, parts, tmp_path / "run", RunOptions(start=moved, resume=True)).read_bytes() == made
    moved.unlink()
    with pytest.raises(ModelError, match=r"cannot read the weights .*moved"):
        train(config, parts, tmp_path / "run", RunOptions(start=moved, resume=True))


@pytest.mark.usefixtures("calibrated")
def test_offline_mining_begins_at_once_where_a_run_goes_on_from_a_checkpoint(small_city, tmp_path, config, monkeypatch):
    mined = []
    monkeypatch.setattr("reid.run.hard_vehicles", lambda *arguments: mined.append(arguments[-1][1]))
    offline = {"block": 2, "epochs": 2, "batches": 2, "objective": {"offline": True, "metric": "triplet"}}
    config = TrainConfig.model_validate(config.model_dump() | offline)
    parts = read_parts(config, {"city": small_city})
    first = train(config, parts, tmp_path / "first")
    assert mined == [1]
    mined.clear()
    train(config, parts, tmp_path / "then", RunOptions(start=first))
    assert mined == [0, 1]

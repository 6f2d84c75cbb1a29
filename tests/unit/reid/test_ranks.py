"""Two processes over gloo, as `torchrun` would start them, against one."""

import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.config import TrainConfig
from reid.errors import TrainingError
from reid.ranks import Ranks, joined
from reid.run import make_sampler

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import sys
import numpy as np
import torch
from reid.losses.cross_entropy import smoothed_cross_entropy
from reid.objective import ObjectiveSettings
from reid.ranks import joined

def gradients(ranks, miner):
    torch.manual_seed(0)
    net = torch.nn.Linear(6, 5).double()
    model = torch.nn.parallel.DistributedDataParallel(net) if ranks.size > 1 else net
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    rows = ranks.share(range(8))
    features = model(inputs[rows])
    metric = ObjectiveSettings(miner=miner).build()
    chance = torch.Generator().manual_seed(7)
    term = metric(ranks.gather(features), ranks.gather(labels[rows]), chance)
    loss = ranks.size * term.loss + smoothed_cross_entropy(features, labels[rows], 0.1)
    loss.backward()
    return torch.cat([p.grad.flatten() for p in net.parameters()]).numpy(), term.loss.item()

with joined("cpu") as ranks:
    found = {miner: gradients(ranks, miner) for miner in ("batch-hard", "batch-sample")}
    if ranks.is_first:
        np.savez(sys.argv[1], **{f"{miner} {what}": value for miner, both in found.items()
                                 for what, value in zip(("gradients", "loss"), both)})
"""

TRAINING = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from reid.config import TrainConfig
from reid.parts import read_parts
from reid.train import train
config = TrainConfig.model_validate_json(Path(sys.argv[1]).read_text())
train(config, read_parts(config, {"city": Path(sys.argv[2])}), Path(sys.argv[3]))
"""

STEP = """
import json
import sys
from pathlib import Path
import numpy as np
import torch
torch.set_num_threads(1)
from reid.config import TrainConfig
from reid.model import ReidNet
from reid.parts import read_parts
import reid.run, reid.train

class Still(ReidNet):  # On CPUs batch statistics are those of a process's own rows.
    def train(self, mode=True):
        return super().train(False)

class Stepped(Exception):
    pass

def stop(parameters, _norm):
    raise Stepped

reid.run.ReidNet = Still
reid.train.nn.utils.clip_grad_norm_ = stop
made = []
set_up = reid.train.set_up
reid.train.set_up = lambda *given: made.append(set_up(*given)) or made[0]
config = TrainConfig.model_validate_json(Path(sys.argv[1]).read_text())
parts = read_parts(config, {"city": Path(sys.argv[2])})
try:
    reid.train.train(config, parts, Path(sys.argv[3]))
except Stepped:
    grads = {name: p.grad.numpy() for name, p in made[0].net.named_parameters() if p.grad is not None}
    if not Path(sys.argv[4]).exists():
        np.savez(sys.argv[4], **grads)
"""

TINY = {
    "name": "tiny",
    "architecture": {"backbone": "mobilenetv2_x1_0", "dim": 16, "pooling": "gap"},
    "preprocessing": {"input_hw": [32, 32]},
    "domains": {"city": {"pattern": "veri", "select": 4, "calibrate": 4}},
    "vehicles": 4,
    "tensorboard": False,
}


def start(ranks: int, program: str, *arguments: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(ranks):
        environment = {"RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"}
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_gradients_of_two_processes_are_those_of_one_over_the_whole_batch(tmp_path):
    for ranks in (1, 2):
        start(ranks, PROGRAM, tmp_path / f"{ranks}.npz")
    one, two = (np.load(tmp_path / f"{ranks}.npz") for ranks in (1, 2))
    assert len(one) == 4
    for name in one:
        assert two[name] == pytest.approx(one[name])


def test_weights_of_a_metric_loss_move_in_two_processes_as_in_one(tmp_path, small_city):
    config = TINY | {"objective": {"metric": "siamese"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    for ranks in (1, 2):
        start(ranks, STEP, tmp_path / "config.json", small_city, tmp_path / f"out{ranks}", tmp_path / f"{ranks}.npz")
    one, two = (np.load(tmp_path / f"{ranks}.npz") for ranks in (1, 2))
    for name in ("criterion.weight", "criterion.bias", "embed.weight", "classifier.weight"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-3, atol=1e-4 * float(abs(one[name]).max()))


def test_two_processes_train_one_network_and_only_the_first_writes(tmp_path, small_city):
    config = TINY | {"batches": 6, "epochs": 1, "learning_rate": 3e-3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    start(2, TRAINING, tmp_path / "config.json", small_city, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "last.pt",
        "log.jsonl",
        "tiny.json",
        "tiny.safetensors",
        "vehicles.json",
    }
    (record,) = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert record["epoch"] == 1
    assert record["metric"] > 0


def test_vehicles_must_divide_over_processes(small_city):
    config = TrainConfig.model_validate(
        {
            "name": "tiny",
            "architecture": {"backbone": "mobilenetv2_x1_0"},
            "preprocessing": {"input_hw": [32, 32]},
            "domains": {"city": {"pattern": "veri"}},
            "vehicles": 5,
        }
    )
    with pytest.raises(TrainingError, match="5 vehicles a batch do not divide over 2"):
        make_sampler(config, (), Ranks(0, 2, torch.device("cpu")))


def test_shares_are_equal_runs_that_make_up_the_batch():
    shares = [Ranks(rank, 3, torch.device("cpu")).share(range(12)) for rank in range(3)]
    assert shares == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_alone_nothing_is_exchanged(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    with joined("cpu") as ranks:
        rows = torch.ones(2, 3)
        assert ranks.is_first
        assert ranks.gather(rows) is rows


def test_devices_that_are_not_there_are_named():
    with pytest.raises(TrainingError, match="no device 'quantum'"), joined("quantum"):
        pass
    for kind in ("mps", "xla", "meta"):
        with pytest.raises(TrainingError, match=f"no device '{kind}': training runs on cpu or cuda"), joined(kind):
            pass
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="no CUDA"), joined("cuda"):
            pass


def test_a_process_without_the_others_says_so(monkeypatch):
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(TrainingError, match="cannot join 1 others"), joined("cpu"):
        pass

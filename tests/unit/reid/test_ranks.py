"""Two processes over gloo, as `torchrun` would start them, against one."""

import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.errors import TrainingError
from reid.ranks import Ranks, joined

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import sys
import numpy as np
import torch
from reid.losses.cross_entropy import smoothed_cross_entropy
from reid.objective import ObjectiveSettings
from reid.ranks import joined

def gradients(ranks):
    torch.manual_seed(0)
    net = torch.nn.Linear(6, 5).double()
    model = torch.nn.parallel.DistributedDataParallel(net) if ranks.size > 1 else net
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    rows = ranks.share(range(8))
    features = model(inputs[rows])
    metric = ObjectiveSettings(miner=sys.argv[2]).build()
    chance = torch.Generator().manual_seed(7)
    term = metric(ranks.gather(features), ranks.gather(labels[rows]), chance)
    loss = ranks.size * term.loss + smoothed_cross_entropy(features, labels[rows], 0.1)
    loss.backward()
    return torch.cat([p.grad.flatten() for p in net.parameters()]).numpy(), term.loss.item()

with joined("cpu") as ranks:
    found, loss = gradients(ranks)
    if ranks.is_first:
        np.savez(sys.argv[1], gradients=found, loss=loss)
"""


def start(ranks: int, out: Path, *arguments: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(ranks):
        environment = {"RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"}
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(out), *arguments]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


@pytest.mark.parametrize("miner", ["batch-hard", "batch-sample"])
def test_gradients_of_two_processes_are_those_of_one_over_the_whole_batch(tmp_path, miner):
    for ranks in (1, 2):
        start(ranks, tmp_path / f"{ranks}.npz", miner)
    one, two = (np.load(tmp_path / f"{ranks}.npz") for ranks in (1, 2))
    assert two["loss"] == pytest.approx(one["loss"])
    assert two["gradients"] == pytest.approx(one["gradients"])


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
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="no CUDA"), joined("cuda"):
            pass

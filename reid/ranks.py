"""The processes of a training run: which one this is, on which device, and what they exchange. Knows no networks.

`torchrun` starts one process per GPU. Each embeds its share of the vehicles of a batch; features are gathered so that
mining sees the whole batch. Gradients flow through a process's own features only, and the wrapper that averages
gradients over processes divides by their number: multiplying the gathered loss by that number makes the sum exact.
A metric loss's own weights see all rows in every process instead, so theirs are divided by it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from reid.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Ranks:
    """One process among ``size``.

    Attributes:
        rank: 0 writes files, judges and speaks.
        size: Number of processes.
        device: To compute on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def share(self, batch: Sequence[int]) -> list[int]:
        """This process's part of a batch: an equal run of neighbours, so that a vehicle's pictures stay together."""
        each = len(batch) // self.size
        return list(batch[self.rank * each : (self.rank + 1) * each])

    def gather(self, mine: Tensor) -> Tensor:
        """The rows of all processes in the order of ranks, this one's with their gradient.

        Args:
            mine: (b, …), of the same shape in every process.

        Returns:
            (size · b, …).
        """
        if self.size == 1:
            return mine
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(parts, mine.detach().contiguous())
        parts[self.rank] = mine
        return torch.cat(parts)


@contextmanager
def joined(device: str = "auto") -> Iterator[Ranks]:
    """Joins the processes that `torchrun` started; alone without it.

    Args:
        device: "auto" for a GPU where there is one, else what torch calls it: "cpu", "cuda", "cuda:1"; no other kind.

    Raises:
        TrainingError: The device is not there, or the other processes are not.
    """
    rank, size, local = (int(os.environ.get(name, default)) for name, default in _TORCHRUN)
    chosen = _device(device, local if size > 1 else None)
    if size == 1:
        yield Ranks(0, 1, chosen)
        return
    try:
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", rank=rank, world_size=size)
    except (ValueError, RuntimeError) as exc:
        raise TrainingError(f"process {rank} cannot join {size - 1} others (start it with torchrun): {exc}") from exc
    try:
        yield Ranks(rank, size, chosen)
    finally:
        dist.destroy_process_group()


_TORCHRUN = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


def _device(name: str, local: int | None) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as exc:
        raise TrainingError(f"no device {name!r}: {str(exc).splitlines()[0]}") from exc
    if device.type not in ("cpu", "cuda"):
        raise TrainingError(f"no device {name!r}: training runs on cpu or cuda")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise TrainingError("there is no CUDA device here")
        if local is not None:
            device = torch.device("cuda", local)
        elif device.index is None:  # What takes a device by number takes no other.
            device = torch.device("cuda", torch.cuda.current_device())
        torch.cuda.set_device(device)
    return device

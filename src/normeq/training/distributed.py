"""The processes that train one network together: one, or several started by ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

from normeq.errors import NormeqError


@dataclass(frozen=True)
class ProcessGroup:
    """One process and the process group that it belongs to.

    Attributes:
        rank: number of this process, from 0; process 0 writes the files.
        size: number of processes.
        device: where this process computes.
    """

    rank: int
    size: int
    device: torch.device

    def share(self, batch: int) -> slice:
        """The part of a batch that this process computes.

        Raises:
            NormeqError: the batch cannot be divided evenly.
        """
        if batch % self.size:
            raise NormeqError(
                f"recipe: a batch of {batch} cannot be divided evenly among {self.size} processes"
            )
        part = batch // self.size
        return slice(self.rank * part, (self.rank + 1) * part)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over the group."""
        if self.size == 1:
            return network
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=ids)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return self.sum(float(flag)) > 0

    def mean(self, value: float) -> float:
        """Mean over the processes."""
        return self.sum(value) / self.size

    def first(self, value: float) -> float:
        """The value of process 0."""
        return self.sum(value if self.rank == 0 else 0.0)

    def sum(self, value: float) -> float:
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.item()


@contextmanager
def join_group(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the other processes, where ``torchrun`` has started several.

    Args:
        device: where to compute; with several GPUs each process takes its own.
    """
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield ProcessGroup(0, 1, device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()

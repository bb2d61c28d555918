"""The processes that train together: one, or several under torchrun."""

import os
from typing import Any

import torch
from torch import Tensor, distributed, nn

from sparse_core.errors import RunError


class World:
    """All processes of a run, seen from one of them. This one is alone.

    Attributes
    ----------
    rank : int
        Number of this process; rank 0 writes.
    processes : int
        How many there are.
    """

    rank = 0
    processes = 1
    sharded = False

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give what is called in training in the place of the model."""
        return model

    def agree(self, value: Any) -> Any:
        """Give rank 0's value to everybody."""
        return value

    def total(self, value: Tensor) -> Tensor:
        """Add up a tensor over the processes."""
        return value

    def wait(self) -> None:
        """Wait until all are here."""

    def close(self) -> None:
        """Leave."""


class Replicated(World):
    """Every process holds the whole model; DDP averages the gradients."""

    def __init__(self, device: torch.device) -> None:
        if "RANK" not in os.environ:
            raise RunError(
                "--parallel needs several processes: start them with "
                "torchrun --nproc-per-node N -m sparse_core train ..."
            )
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        self.rank = distributed.get_rank()
        self.processes = distributed.get_world_size()

    def wrap(self, model: nn.Module) -> nn.Module:
        """Let DDP average gradients; all start with rank 0's weights."""
        return nn.parallel.DistributedDataParallel(model)

    def agree(self, value: Any) -> Any:
        """Broadcast from rank 0."""
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def total(self, value: Tensor) -> Tensor:
        """Sum over all processes."""
        distributed.all_reduce(value)
        return value

    def wait(self) -> None:
        """Wait for everybody."""
        distributed.barrier()

    def close(self) -> None:
        """Leave the group."""
        distributed.destroy_process_group()


class Sharded(Replicated):
    """Every process holds some rows of each weight: FSDP2."""

    sharded = True

    def wrap(self, model: nn.Module) -> nn.Module:
        """Shard every parameter along dimension 0; the forward pass sees whole weights."""
        from torch.distributed.fsdp import fully_shard

        fully_shard(model)
        return model


def make_world(parallel: str, device: torch.device) -> World:
    """Join the processes that the options ask for.

    Raises
    ------
    RunError
        If there is only one, or torchrun started several that were not asked for.
    """
    if parallel == "ddp":
        return Replicated(device)
    if parallel == "fsdp":
        return Sharded(device)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RunError("torchrun started several processes: say --parallel ddp or fsdp.")
    return World()

"""The processes that train together: one, or several under torchrun."""

import os
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed, nn

from sparse_core.errors import RunError

if TYPE_CHECKING:
    from sparse_core.training.job import Job


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

    def refusal(self, job: "Job") -> str:
        """Say why a job cannot be done by these processes, "" if it can."""
        del job
        return ""

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
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        device = next(model.parameters()).device.type
        fully_shard(model, mesh=init_device_mesh(device, (self.processes,)))
        return model

    def refusal(self, job: "Job") -> str:
        """Refuse methods that need whole weights, and groups that lie in two processes."""
        if not job.method.shards:
            return f"{job.method.name} needs whole weights: use --parallel ddp."
        for layer in job.layers:
            run = layer.layout.run(layer.pattern.axis) if layer.pattern else None
            if layer.pattern is None or run is None or run.outer > 1:
                continue
            if run.length % (self.processes * layer.pattern.m):
                return (
                    f"{layer.name}: groups of {layer.pattern.m} along its {run.length} rows would "
                    f"lie in two of {self.processes} processes. Use another number of processes, "
                    "or --parallel ddp."
                )
        return ""


def is_lost(error: RuntimeError) -> bool:
    """Say whether an error means that another process is gone."""
    text = str(error).lower()
    words = ("connection closed", "connection reset", "gloo", "nccl", "timed out", "broken pipe")
    return isinstance(error, distributed.DistError) or any(word in text for word in words)


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

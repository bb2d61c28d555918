"""What is learned: a small protocol, so that anybody's model and data train here.

A task is a class with a ``name``, an ``Options`` struct and the four methods below.
``--task FILE.py:NAME`` takes anybody's; ``docs/training.md`` has a whole example.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import torch
from torch import Tensor, nn

from sparse_core.errors import RunError
from sparse_core.training.method import NoOptions


class Examples(msgspec.Struct, frozen=True):
    """Inputs and targets, one example along dimension 0 of both."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        """Count the examples."""
        return len(self.inputs)

    def pick(self, indices: Tensor) -> "Examples":
        """Take some of them."""
        return Examples(self.inputs[indices], self.targets[indices])

    def to(self, device: torch.device) -> "Examples":
        """Move them to a device."""
        return Examples(self.inputs.to(device), self.targets.to(device))


class Data(msgspec.Struct, frozen=True):
    """What is learned from, and what is measured on."""

    train: Examples
    valid: Examples


class Task:
    """Base of all tasks.

    ``defaults`` are training options (docs/training.md) that suit it; the user's own go before.
    """

    name: ClassVar[str] = ""
    Options: ClassVar[type[msgspec.Struct]] = NoOptions
    metric_name: ClassVar[str] = "accuracy"
    higher_is_better: ClassVar[bool] = True
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, options: Any) -> None:
        self.options = options

    def model(self) -> nn.Module:
        """Make the network; its first weights come from torch's seeded generator."""
        raise NotImplementedError

    def data(self) -> Data:
        """Load the data; the split is always the same."""
        raise NotImplementedError

    def outputs(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Run the network on a batch of inputs."""
        outputs: Tensor = model(inputs)
        return outputs

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give the loss of each example, ``(batch,)``; training minimises their mean."""
        return nn.functional.cross_entropy(outputs, targets, reduction="none")

    def metric(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give what each example adds to the metric, ``(batch,)``: 1 for right, 0 for wrong."""
        return (outputs.argmax(dim=-1) == targets).float()


def require_data(data: Data, name: str) -> Data:
    """Refuse a task without examples.

    Raises
    ------
    RunError
        If there is nothing to learn from or nothing to measure on.
    """
    for split, examples in (("train on", data.train), ("measure on", data.valid)):
        if not len(examples):
            raise RunError(f"The task {name} has no examples to {split}.")
        if len(examples.inputs) != len(examples.targets):
            raise RunError(
                f"The task {name} has {len(examples.inputs)} inputs but "
                f"{len(examples.targets)} targets to {split}."
            )
    return data

"""The optimizers, and how far a gradient moves a weight in each."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from sparse_core.training.options import TrainOptions


def make_optimizer(
    options: TrainOptions, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """Make the optimizer that the options name; its learning rate is set before each step.

    sgd and adam have coupled weight decay (added to the gradient), adamw decoupled.
    """
    decay = options.weight_decay
    if options.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=0.0, weight_decay=decay)
    if options.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=0.0, weight_decay=decay)
    return torch.optim.SGD(parameters, lr=0.0, momentum=options.momentum, weight_decay=decay)


def momentum_of(options: TrainOptions) -> float:
    """Give the factor 1 / (1 - momentum) works with; Adam averages gradients instead."""
    return options.momentum if options.optimizer in (None, "sgd") else 0.0


def gain(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> Tensor | float:
    """Give by how much a steady gradient is multiplied until its effect is complete.

    ``lr / (1 - momentum)`` for SGD; ``lr / (sqrt(v) + eps)`` of each element for Adam.
    """
    group = optimizer.param_groups[0]
    lr = cast("float", group["lr"])
    if "betas" not in group:
        return lr / (1 - cast("float", group["momentum"]))
    state = optimizer.state.get(parameter, {})
    if "exp_avg_sq" not in state:
        return 0.0
    unbiased = 1 - cast("float", group["betas"][1]) ** float(state["step"])
    variance = cast("Tensor", state["exp_avg_sq"]) / unbiased
    size: Tensor = lr / (variance.sqrt() + cast("float", group["eps"]))
    return size


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = lr

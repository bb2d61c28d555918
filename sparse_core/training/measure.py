"""Loss and metric of a model over a whole split."""

import math

import msgspec
import torch
from torch import Tensor, nn

from sparse_core.training.task import Examples, Task


class Figures(msgspec.Struct, frozen=True):
    """Means over examples, and the standard deviations among them (``nan`` becomes None)."""

    examples: int
    loss: float | None
    loss_sd: float | None
    metric: float | None
    metric_sd: float | None


def measure(task: Task, model: nn.Module, examples: Examples, batch: int = 512) -> Figures:
    """Measure a model in evaluation mode.

    Parameters
    ----------
    task : Task
    model : nn.Module
        On the device of the examples' choice: batches are moved to it.
    examples : Examples
    batch : int
        Examples at a time.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    losses: list[Tensor] = []
    metrics: list[Tensor] = []
    with torch.no_grad():
        for indices in torch.split(torch.arange(len(examples)), batch):
            part = examples.pick(indices).to(device)
            outputs = task.outputs(model, part.inputs)
            losses.append(task.loss(outputs, part.targets).double().cpu())
            metrics.append(task.metric(outputs, part.targets).double().cpu())
    model.train(training)
    return Figures(len(examples), *_spread(losses), *_spread(metrics))


def _spread(parts: list[Tensor]) -> tuple[float | None, float | None]:
    values = torch.cat(parts)
    mean = float(values.mean())
    deviation = float(values.std()) if len(values) > 1 else 0.0
    return _finite(mean), _finite(deviation)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

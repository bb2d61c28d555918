"""Weigh a trained network: what each layer holds, and how often it is applied."""

from collections.abc import Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from sparse_core.training.efficiency import Efficiency, LayerWork, efficiency
from sparse_core.training.group_lasso import blocks
from sparse_core.training.job import Job
from sparse_core.training.policy import Candidate, candidates


def weigh(job: Job, accuracy: float) -> Efficiency:
    """Give the efficiency figures of a job's network as it is now.

    Parameters
    ----------
    job : Job
    accuracy : float
        Its metric, in [0, 1].
    """
    sparse = {layer.name: layer for layer in job.layers}
    found = [one for one in candidates(job.model) if one.prunable]
    positions = _positions(job, found)
    works = []
    for one in found:
        layer = sparse.get(one.name)
        plain = one.parameter.detach()
        weight = plain if layer is None else job.method.effective(layer)
        patterned = layer is not None and job.method.patterned and layer.pattern is not None
        group = layer.pattern.m if patterned and layer and layer.pattern else None
        works.append(_work(one, weight, positions.get(one.name, 1), group))
    total = sum(parameter.numel() for parameter in job.model.parameters())
    others = total - sum(work.elements for work in works)
    return efficiency(accuracy, works, others, 8 * found[0].parameter.element_size())


def figures(job: Job, accuracy: float | None) -> dict[str, Any]:
    """Give the same as plain values, for the last event; empty where there is no accuracy."""
    if accuracy is None or not 0 <= accuracy < 1:
        return {}
    made: dict[str, Any] = msgspec.to_builtins(weigh(job, accuracy))
    return made


def _work(one: Candidate, weight: Tensor, positions: int, group: int | None) -> LayerWork:
    kept = weight != 0
    view = blocks(kept, one.layout)
    rows = int(view.flatten(1).any(dim=1).sum())
    columns = int(view.flatten(1).any(dim=0).sum())
    return LayerWork(
        one.name,
        weight.numel(),
        int(kept.sum()),
        weight.numel() // one.layout.outputs,
        positions,
        rows * columns,
        group,
    )


def _positions(job: Job, found: Sequence[Candidate]) -> dict[str, int]:
    """Count the output positions of each convolution, by running one example."""
    counted: dict[str, int] = {}

    def hook(name: str, module: nn.Module) -> Any:
        def count(_: nn.Module, __: Any, output: Tensor) -> None:
            counted[name] = output[0].numel() // output.shape[1]

        return module.register_forward_hook(count)

    convolutions = [one for one in found if one.kind == "conv"]
    if not convolutions:
        return counted
    handles = [hook(one.name, one.module) for one in convolutions]
    job.model.eval()
    with torch.no_grad():
        job.task.outputs(job.model, job.data.valid.inputs[:1].to(job.device))
    for handle in handles:
        handle.remove()
    return counted

"""A whole model that runs a plan, against the same model of torch alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sparse_core.inference.plan import Plan, apply
from sparse_core.messages.speed import NetworkRow
from sparse_core.speed.rounds import Effort, rounds
from sparse_core.speed.statistics import ratio, spread


@dataclass(frozen=True)
class Network:
    """A model of a task and a batch of its inputs.

    Attributes
    ----------
    task : str
        Its name, for the row.
    model : nn.Module
        With the weights that were measured.
    run : callable
        How the task applies a model to a batch.
    inputs : Tensor, ``(batch, ...)``
    """

    task: str
    model: nn.Module
    run: Callable[[nn.Module, Tensor], Tensor]
    inputs: Tensor


def time_network(
    network: Network, plan: Plan, effort: Effort, cancelled: Callable[[], bool] = lambda: False
) -> NetworkRow:
    """Time a model as it is and as it is planned, in the same rounds.

    Raises
    ------
    SparseError
        If the plan does not fit the model.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        with torch.inference_mode():
            dense, inputs = network.model.eval().to(plan.device), network.inputs.to(plan.device)
            planned = apply(dense, plan)
            wanted, found = network.run(dense, inputs), network.run(planned, inputs)
            largest = float(wanted.abs().max()) or 1.0
            error = float((wanted - found).abs().max()) / largest
            calls = [partial(network.run, one, inputs) for one in (dense, planned)]
            timed = rounds(calls, plan.device, effort, cancelled)
    finally:
        torch.set_num_threads(before)
    alone, there = (spread(one) for one in timed.seconds)
    gained = ratio(timed.seconds[0], timed.seconds[1])
    return NetworkRow(
        task=network.task,
        batch=len(inputs),
        device=plan.device,
        threads=plan.threads,
        median_ms=there.median_ms,
        dense_median_ms=alone.median_ms,
        p10_ms=there.p10_ms,
        p90_ms=there.p90_ms,
        n=there.n,
        ratio=gained.ratio,
        ratio_low=gained.low,
        ratio_high=gained.high,
        max_error=error,
        planned=sum(choice.backend != "dense" for choice in plan.choices),
        disturbed=timed.disturbed,
    )

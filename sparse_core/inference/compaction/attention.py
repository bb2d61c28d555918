"""Attention that is written as four linear layers over heads."""

from typing import Protocol, TypeGuard, cast

import torch
from torch import Tensor, nn

from sparse_core.inference.compaction.layers import outputs_of, see, use_of
from sparse_core.inference.compaction.spaces import Flow, Space, Survivors, Use


class Attention(Protocol):
    """What such a module has: ``heads``, and linear layers of these names."""

    heads: int
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    output: nn.Linear


def is_attention(module: nn.Module) -> TypeGuard[Attention]:
    """Recognise one by its parts."""
    return isinstance(getattr(module, "heads", None), int) and all(
        isinstance(getattr(module, name, None), nn.Linear)
        for name in ("query", "key", "value", "output")
    )


def head_rows(module: Attention, heads: Tensor) -> Tensor:
    """Say which rows of query, key and value belong to these heads."""
    return heads.repeat_interleave(module.value.out_features // module.heads)


def input_use(module: Attention, flow: Flow, heads: Tensor) -> Use:
    """Say what the living heads make of their inputs."""
    rows = head_rows(module, heads)
    uses = [
        use_of(see(layer, flow.space.size or 0), flow, rows)
        for layer in (module.query, module.key, module.value)
    ]
    return Use(
        flow.space,
        torch.stack([use.unused for use in uses]).all(dim=0),
        uses[0].foldable,
        uses[0].zero,
    )


def value_constants(module: Attention, flow: Flow, survivors: Survivors) -> Tensor:
    """Give the constants among the mixed values: weights of attention add up to 1."""
    return outputs_of(see(module.value, flow.space.size or 0), flow, survivors)


def head_use(module: Attention, heads: Space, mixed: Tensor, living: Tensor) -> Use:
    """Say which heads nobody uses, or only add a constant."""
    seen = see(module.output, module.heads)
    by_head = mixed.view(module.heads, -1)
    unused = ~(seen.weight[living] != 0).any(dim=2).any(dim=0)
    constant = ~by_head.isnan().any(dim=1)
    return Use(heads, unused, constant, constant & (by_head == 0).all(dim=1))


def mixed_outputs(module: Attention, mixed: Tensor, heads: Tensor) -> Tensor:
    """Give the constants that leave the output layer."""
    living = Survivors({0: head_rows(module, heads)})
    return outputs_of(
        see(module.output, module.output.in_features),
        Flow(Space(0, module.output.in_features), mixed),
        living,
    )


def as_module(module: Attention) -> nn.Module:
    """Give the same object as a module."""
    return cast("nn.Module", module)

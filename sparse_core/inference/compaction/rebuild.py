"""Cut the tensors of a network down to the units that are left."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparse_core.inference.compaction.attention import Attention, head_rows
from sparse_core.inference.compaction.gathered import Gathered
from sparse_core.inference.compaction.layers import Product, foldable, see, use_of
from sparse_core.inference.compaction.spaces import Flow, Survivors
from sparse_core.inference.compaction.walk import Site

GATHER_FROM = 0.1
"""Share of unused inputs from which picking the others is worth it, where they cannot vanish."""

Shape = tuple[int, ...]


def rebuild(model: nn.Module, sites: Sequence[Site], survivors: Survivors) -> dict[str, Shape]:
    """Make every layer of a network smaller, in place.

    Returns
    -------
    dict
        New shape of each layer's weight, by name.
    """
    shapes: dict[str, Shape] = {}
    for site in sites:
        rows = survivors.of(site.outputs)
        if isinstance(site.module, _BatchNorm):
            _cut_norm(site.module, rows)
        elif site.heads is not None and site.mixed is not None:
            heads = survivors.of(site.heads)
            module = cast("Attention", site.module)
            _cut_attention(module, site.inputs, site.mixed, heads, rows, survivors)
            shapes[site.name] = tuple(module.output.weight.shape)
        else:
            layer = cast("Product", site.module)
            used = _gather(site.inputs, layer, rows)
            _cut(layer, site.inputs, rows, survivors)
            if used is not None:
                _pick(layer, used)
                dim = -1 if isinstance(layer, nn.Linear) else 1
                _replace(model, site.name, Gathered(layer, used.nonzero().flatten(), dim))
            shapes[site.name] = tuple(layer.weight.shape)
    return shapes


def _cut(layer: Product, flow: Flow, rows: Tensor, survivors: Survivors) -> None:
    """Drop outputs and inputs that are gone, after folding the constants among those inputs."""
    units = flow.space.size or 1
    seen = see(layer, units)
    living = survivors.of(flow.space)
    values = flow.values()
    gone = ~living & foldable(values, seen.pads)
    fold = (seen.weight.sum(dim=2) * torch.where(gone, values, 0.0)).sum(dim=1)
    columns = living.repeat_interleave(layer.weight.shape[1] // units)
    weight = layer.weight.detach()[rows][:, columns]
    bias = (seen.bias + fold)[rows].to(weight.dtype)
    had_bias = layer.bias is not None
    layer.weight = nn.Parameter(weight.contiguous())
    if had_bias or bool((bias != 0).any()):
        layer.bias = nn.Parameter(bias)
    _name_sizes(layer)


def _pick(layer: Product, used: Tensor) -> None:
    """Drop the inputs that a gather in front leaves out."""
    layer.weight = nn.Parameter(layer.weight.detach()[:, used].contiguous())
    _name_sizes(layer)


def _gather(flow: Flow, layer: Product, rows: Tensor) -> Tensor | None:
    """Say which inputs are used, where they cannot vanish and enough are not; else None."""
    units = flow.space.size or 1
    if not flow.space.fixed or layer.weight.shape[1] != units:
        return None
    unused = use_of(see(layer, units), flow, rows).unused
    if bool(unused.all()) or float(unused.double().mean()) < GATHER_FROM:
        return None
    return ~unused


def _cut_norm(norm: _BatchNorm, alive: Tensor) -> None:
    for name in ("weight", "bias"):
        parameter = getattr(norm, name)
        if parameter is not None:
            setattr(norm, name, nn.Parameter(parameter.detach()[alive]))
    for name in ("running_mean", "running_var"):
        setattr(norm, name, getattr(norm, name)[alive])
    norm.num_features = int(alive.sum())


def _cut_attention(
    module: Attention,
    flow: Flow,
    mixed: Tensor,
    heads: Tensor,
    rows: Tensor,
    survivors: Survivors,
) -> None:
    inner = head_rows(module, heads)
    for layer in (module.query, module.key, module.value):
        _cut(layer, flow, inner, survivors)
    output = module.output
    weight = output.weight.detach().double()
    fold = weight[:, ~inner] @ torch.nan_to_num(mixed[~inner])
    bias = see(output, module.heads).bias
    small = output.weight.detach()[rows][:, inner].contiguous()
    output.weight = nn.Parameter(small)
    output.bias = nn.Parameter((bias + fold)[rows].to(small.dtype))
    _name_sizes(output)
    module.heads = int(heads.sum())


def _name_sizes(layer: Product) -> None:
    """Let the layer's own numbers say what its weight is."""
    outputs, inputs = layer.weight.shape[:2]
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = outputs, inputs
    else:
        layer.out_channels, layer.in_channels = outputs, inputs


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)

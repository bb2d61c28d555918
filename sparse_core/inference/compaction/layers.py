"""What layers do with units: which outputs are constant, which inputs are used."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparse_core.inference.compaction.spaces import Flow, Survivors, Use

Product = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


@dataclass(frozen=True)
class Seen:
    """A product as it is seen from its units.

    Attributes
    ----------
    weight : Tensor of float64, ``(outputs, input units, weights a pair)``
    bias : Tensor of float64, ``(outputs,)``
    pads : bool
        Whether zeros are padded around the inputs, which a constant cannot be folded across.
    """

    weight: Tensor
    bias: Tensor
    pads: bool


def see(layer: Product, units: int) -> Seen:
    """Look at a product with so many input units: flattened inputs have several features each."""
    weight = layer.weight.detach().double()
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
    pads = not isinstance(layer, nn.Linear) and _pads(layer)
    return Seen(weight.reshape(len(weight), units, -1), bias.double(), pads)


def _pads(layer: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> bool:
    padding = layer.padding
    return padding == "same" or (not isinstance(padding, str) and any(padding))


def foldable(values: Tensor, pads: bool) -> Tensor:
    """Say which units a bias can take over: constants; with padding only 0."""
    return (values == 0) if pads else ~values.isnan()


def outputs_of(seen: Seen, flow: Flow, survivors: Survivors) -> Tensor:
    """Give the constants that leave a product; NaN for outputs that vary."""
    values = flow.values()
    takes = foldable(values, seen.pads)
    varying = survivors.of(flow.space) & ~takes
    depends = (seen.weight[:, varying] != 0).flatten(1).any(dim=1)
    shares = seen.weight.sum(dim=2) * torch.where(takes, values, 0.0)
    constant = seen.bias + shares.sum(dim=1)
    return torch.where(depends, torch.nan, constant)


def use_of(seen: Seen, flow: Flow, living: Tensor) -> Use:
    """Say what a product, of whose outputs ``living`` are left, makes of its inputs."""
    values = flow.values()
    unused = ~(seen.weight[living] != 0).any(dim=2).any(dim=0)
    return Use(flow.space, unused, foldable(values, seen.pads), values == 0)


def norm_constants(norm: nn.modules.batchnorm._BatchNorm, values: Tensor) -> Tensor:
    """Give what BatchNorm, in evaluation, makes of constants; a gain of 0 makes one."""
    if norm.running_mean is None or norm.running_var is None:
        return torch.full_like(values, torch.nan)
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    gain = norm.weight.detach().double() if norm.affine else torch.ones_like(mean)
    shift = norm.bias.detach().double() if norm.affine else torch.zeros_like(mean)
    normed = (values - mean) / (variance + norm.eps).sqrt() * gain + shift
    return torch.where(gain == 0, shift, normed)

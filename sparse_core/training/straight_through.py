"""The straight-through estimator: forward a projected weight, send its gradient to all weights."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sparse_core.native import straight


def _plain(*tensors: Tensor) -> bool:
    """Say whether the native loops can take these: fp32, contiguous, on the CPU."""
    return straight.is_native() and all(
        one.dtype == torch.float32 and one.device.type == "cpu" and one.is_contiguous()
        for one in tensors
    )


def project(weight: Tensor, kept: Tensor) -> Tensor:
    """Give ``weight * kept``, a new tensor.

    Parameters
    ----------
    weight : Tensor
    kept : Tensor of bool, the shape of ``weight``
    """
    bits = kept.view(torch.uint8)
    if not (_plain(weight) and bits.is_contiguous()):
        return weight * bits  # three times faster than a bool factor
    projected = torch.empty_like(weight)
    straight.keep(_array(weight), _array(bits), _array(projected))
    return projected


def fits(weight: Tensor) -> bool:
    """Say whether ``drop`` can take a weight."""
    return _plain(weight) and weight.numel() % 4 == 0


def drop(weight: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Find the mask and project in one pass: a third of the memory traffic is saved.

    Parameters
    ----------
    weight : Tensor
        One that ``fits``, of groups of four elements one behind the other.
    n : int
        How many of four are kept.

    Returns
    -------
    kept, projected : Tensor
        The bits of ``nm_mask`` and of ``project``.
    """
    kept = torch.empty(weight.shape, dtype=torch.bool)
    projected = torch.empty_like(weight)
    straight.drop(_array(weight), n, _array(kept.view(torch.uint8)), _array(projected))
    return kept, projected


def pulled(gradient: Tensor, weight: Tensor, kept: Tensor, pull: float) -> Tensor:
    """Give ``gradient + pull * weight * (1 - kept)``, a new tensor; all of one shape."""
    bits = kept.view(torch.uint8)
    if not (_plain(gradient, weight) and bits.is_contiguous()):
        return (weight * (1 - bits)).mul_(pull).add_(gradient)
    result = torch.empty_like(weight)
    straight.pull(_array(gradient), _array(weight), _array(bits), pull, _array(result))
    return result


def _array(tensor: Tensor) -> npt.NDArray[Any]:
    """Show a tensor's memory as an array."""
    # Not tensor.numpy(): that would forbid FSDP2 to free the gathered weight after use.
    return np.from_dlpack(tensor.detach())


class StraightThrough(torch.autograd.Function):
    """Forward the projected weight; backward gives its gradient to the dense one.

    ``g(W) = g(W~) + pull * (pruned * W)``: with ``pull`` = 0 this is STE, else the regularised
    form of SR-STE (Zhou et al., ICLR 2021, equation of section 3). ``pruned`` is the mask of this
    very forward pass.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, kept: Tensor | int, pull: float) -> Tensor:
        """Zero what is not kept; ``kept`` is the mask, or the N that ``drop`` finds it by."""
        ctx.pull = pull
        if isinstance(kept, int):
            kept, projected = drop(weight, kept)
        else:
            projected = project(weight, kept)
        if pull:
            ctx.save_for_backward(weight, kept)
        return projected

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Add the pull on what this forward pass pruned."""
        (gradient,) = gradients
        if not ctx.pull:
            return gradient, None, None
        weight, kept = ctx.saved_tensors
        return pulled(gradient, weight, kept, ctx.pull), None, None


class PassThrough(torch.autograd.Function):
    """Forward any replacement of a weight; backward gives its gradient to the weight unchanged."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, replacement: Tensor) -> Tensor:
        """Give the replacement."""
        del ctx, weight
        return replacement.view_as(replacement)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Hand the gradient on."""
        del ctx
        return gradients[0], None

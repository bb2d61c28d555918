"""The straight-through estimator: forward a projected weight, send its gradient to all weights."""

from typing import Any

import torch
from torch import Tensor


class StraightThrough(torch.autograd.Function):
    """Forward the projected weight; backward gives its gradient to the dense one.

    ``g(W) = g(W~) + pull * (pruned * W)``: with ``pull`` = 0 this is STE, else the regularised
    form of SR-STE (Zhou et al., ICLR 2021, equation of section 3). ``pruned`` is the mask of this
    very forward pass.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, kept: Tensor, pull: float) -> Tensor:
        """Zero what is not kept."""
        ctx.pull = pull
        projected = weight * kept.view(torch.uint8)  # three times faster than a bool factor
        if pull:
            ctx.save_for_backward(weight, projected)
        return projected

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Add the pull; ``weight - projected`` is the pruned part, exactly."""
        (gradient,) = gradients
        if not ctx.pull:
            return gradient, None, None
        weight, projected = ctx.saved_tensors
        pulled = weight - projected
        torch.add(gradient, pulled, alpha=ctx.pull, out=pulled)
        return pulled, None, None


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

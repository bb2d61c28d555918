"""A layer as the backends see it: a weight, a bias and how it is applied."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sparse_core.patterns import NMPattern


@dataclass(frozen=True)
class Convolution:
    """How a two-dimensional convolution walks over its input."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


@dataclass(frozen=True, eq=False)
class SparseLayer:
    """A linear layer or convolution whose weight holds zeros.

    Attributes
    ----------
    name : str
        What reports call it.
    weight : Tensor, ``(out, in)`` or ``(out, in, height, width)``
        Dense, with zeros where it is pruned.
    bias : Tensor, ``(out,)``, or None
    pattern : NMPattern or None
        The pattern it holds.
    convolution : Convolution or None
        None for a linear layer.
    image : tuple of int
        Height and width of a convolution's input.
    """

    name: str
    weight: Tensor
    bias: Tensor | None = None
    pattern: NMPattern | None = None
    convolution: Convolution | None = None
    image: tuple[int, int] = (0, 0)

    def inputs(self, batch: int, device: torch.device | str = "cpu", seed: int = 0) -> Tensor:
        """Make activations of the right shape, the same for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        shape: tuple[int, ...] = (batch, self.weight.shape[1])
        if self.convolution is not None:
            shape = (batch, self.weight.shape[1] * self.convolution.groups, *self.image)
        return torch.randn(shape, generator=generator).to(device, self.weight.dtype)

    def output_image(self) -> tuple[int, int]:
        """Height and width of a convolution's output."""
        conv = self.convolution or Convolution()
        height, width = (
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                self.image, conv.padding, conv.dilation, self.weight.shape[2:], conv.stride,
                strict=True,
            )
        )  # fmt: skip
        return height, width


def apply_dense(layer: SparseLayer, weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    """Apply a weight the way the layer does."""
    conv = layer.convolution
    if conv is None:
        return functional.linear(x, weight, bias)
    return functional.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)

"""A layer that uses only some of its inputs, in front of a smaller product."""

from torch import Tensor, nn


class Gathered(nn.Module):
    """Pick inputs, then apply a smaller layer: for inputs that cannot themselves vanish.

    Parameters
    ----------
    layer : nn.Module
        Linear or convolution over the picked inputs.
    used : Tensor of int64
        Which inputs are picked.
    dim : int
        Where they run: -1 for linear layers, 1 for convolutions.
    """

    used: Tensor

    def __init__(self, layer: nn.Module, used: Tensor, dim: int) -> None:
        super().__init__()
        self.layer = layer
        self.dim = dim
        self.register_buffer("used", used)

    def forward(self, inputs: Tensor) -> Tensor:
        """Apply the layer to the picked inputs."""
        outputs: Tensor = self.layer(inputs.index_select(self.dim, self.used))
        return outputs

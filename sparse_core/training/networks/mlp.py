"""A plain multi-layer perceptron."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional


class Mlp(nn.Module):
    """Hidden linear layers with ReLU, and a linear head.

    Parameters
    ----------
    inputs : int
        Features of an example; images are flattened.
    hidden : sequence of int
        Units of each hidden layer.
    outputs : int
        Classes.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        widths = (inputs, *hidden)
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Give the logits ``(batch, outputs)``."""
        hidden = images.flatten(1)
        for layer in self.layers:
            hidden = functional.relu(layer(hidden))
        logits: Tensor = self.head(hidden)
        return logits

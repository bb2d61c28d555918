"""The choice of network for images."""

from typing import Literal

from torch import nn

from sparse_core.errors import RunError
from sparse_core.training.networks.lenet import LeNet
from sparse_core.training.networks.mlp import Mlp
from sparse_core.training.networks.resnet import ResNet20

Network = Literal["mlp", "lenet", "resnet20"]


def image_network(
    network: Network, shape: tuple[int, int, int], hidden: str, classes: int
) -> nn.Module:
    """Make a network for images.

    Parameters
    ----------
    network : {"mlp", "lenet", "resnet20"}
    shape : tuple
        Channels, height and width.
    hidden : str
        Units of the MLP's hidden layers: ``256,128``.
    classes : int

    Raises
    ------
    RunError
        If the widths cannot be read or the images are too small.
    """
    channels, height, width = shape
    if network == "resnet20":
        return ResNet20(channels, classes)
    if network == "lenet":
        if min(height, width) < 16 or height != width:
            raise RunError(f"LeNet wants square images of at least 16 x 16, not {height}x{width}.")
        return LeNet(channels, height, classes)
    return Mlp(channels * height * width, read_widths(hidden), classes)


def read_widths(text: str) -> tuple[int, ...]:
    """Read ``256,128``."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdigit() and int(word) > 0 for word in words):
        raise RunError(f"--hidden wants widths as in 256,128, not {text!r}.")
    return tuple(int(word) for word in words)

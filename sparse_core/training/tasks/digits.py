"""scikit-learn's 1,797 handwritten digits of 8 x 8 pixels: comes along, learns in a second."""

from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import nn

from sparse_core.training.networks.images import image_network
from sparse_core.training.task import Data, Examples, Task

HELD_BACK = 360


class DigitsOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of digits."""

    hidden: Annotated[str, Meta(description="units of the hidden layers")] = "128,128,64"


class Digits(Task):
    """Ten classes; 1,437 images to learn from, 360 held back."""

    name = "digits"
    Options = DigitsOptions
    defaults = {"epochs": 20, "batch": 64, "lr": 0.1, "optimizer": "sgd"}

    def model(self) -> nn.Module:
        """Make the MLP."""
        return image_network("mlp", (1, 8, 8), self.options.hidden, 10)

    def data(self) -> Data:
        """Load pixels in [0, 1]."""
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        inputs = torch.from_numpy(pixels).float().div(16).view(-1, 1, 8, 8)
        targets = torch.from_numpy(labels).long()
        order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
        everything = Examples(inputs, targets)
        return Data(everything.pick(order[HELD_BACK:]), everything.pick(order[:HELD_BACK]))

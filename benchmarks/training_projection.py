"""The training projection of a weight next to argsort and scatter: times, and the same bits.

    python benchmarks/training_projection.py [--size 4096] [--runs 5]

One thread, fp32, 2:4 and 1:16, interleaved, medians. With the extension ours should be at least 20
times faster, without it (SPARSESCOPE_NATIVE=off) 3 times; the masks must be the same bit for bit.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from sparse_core import native
from sparse_core.masks import layout_of
from sparse_core.patterns import NMPattern
from sparse_core.training.projection import nm_mask


def argsort_and_scatter(weight: Tensor, n: int, m: int) -> Tensor:
    """Project the way published code does, with the tie rule made certain."""
    groups = weight.abs().reshape(-1, m)
    dropped = groups.argsort(dim=1, stable=True)[:, : m - n]
    return torch.ones_like(groups).scatter_(1, dropped, 0.0).reshape(weight.shape)


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    weight = torch.randn(args.size, args.size, generator=torch.Generator().manual_seed(0))
    layout = layout_of(tuple(weight.shape), "linear")
    print(f"kernels: {native.name()}")
    for n, m in ((2, 4), (1, 16)):
        pattern = NMPattern(n, m)
        same = torch.equal(nm_mask(weight, layout, pattern), argsort_and_scatter(weight, n, m) > 0)
        ours, theirs = [], []
        for _ in range(args.runs):
            ours.append(seconds(lambda pattern=pattern: nm_mask(weight, layout, pattern)))
            theirs.append(seconds(lambda n=n, m=m: argsort_and_scatter(weight, n, m)))
        print(f"projection_{n}_{m}_same_bits: {same}")
        print(f"projection_{n}_{m}_ms: {1e3 * median(ours):.3f}")
        print(f"projection_{n}_{m}_argsort_ms: {1e3 * median(theirs):.3f}")
        print(f"projection_{n}_{m}_times_faster: {median(theirs) / median(ours):.1f}")


if __name__ == "__main__":
    main()

"""Sparse products on the CPU against torch's dense one, in the same rounds.

Prints ``name: value``: ratios are dense time over ours, above 1 is faster, with the 95 % interval
of each. One thread and all threads; deepsparse joins where it is installed.
"""

import argparse
import os
from collections.abc import Iterator

import torch

from sparse_core.inference.backends import BY_NAME
from sparse_core.inference.layer import Convolution, SparseLayer
from sparse_core.patterns import NMPattern
from sparse_core.speed.comparison import Setting, compare
from sparse_core.speed.layers import made_layer
from sparse_core.speed.rounds import Effort

TARGETS = {
    ("compact rows", 1): 1.7, ("compact rows", 64): 1.7, ("compact rows", 256): 1.7,
    ("compact columns", 1): 1.7, ("compact columns", 64): 1.7, ("compact columns", 256): 1.7,
    ("2:4", 64): 1.0, ("1:4", 64): 1.3, ("1:8", 64): 3.2, ("1:16", 64): 5.5,
    ("1:4", 1): 1.1, ("1:8", 1): 2.0, ("1:16", 1): 3.5,
    ("conv 1:8", 1): 2.0,
}  # fmt: skip


def halved(side: int, dim: int) -> SparseLayer:
    """Zero every second row or column of a square weight."""
    weight = torch.randn(side, side, generator=torch.Generator().manual_seed(0))
    weight.movedim(dim, 0)[::2] = 0
    return SparseLayer("compact " + ("rows", "columns")[dim], weight)


def cases(side: int) -> Iterator[tuple[SparseLayer, tuple[int, ...], tuple[str, ...]]]:
    """Layers with the batches and backends they are timed at."""
    for dim in (0, 1):
        yield halved(side, dim), (1, 64, 256), ("compact",)
    for text in ("2:4", "1:4", "1:8", "1:16"):
        made = made_layer((side, side), NMPattern.parse(text), torch.float32)
        yield (
            SparseLayer(text, made.weight, None, made.pattern),
            (1, 8, 64, 256),
            ("nm_native", "csr", "bsr"),
        )
    conv = made_layer((256, 256, 3, 3), NMPattern.parse("1:8"), torch.float32)
    layer = SparseLayer(
        "conv 1:8", conv.weight, None, conv.pattern, Convolution(padding=(1, 1)), (28, 28)
    )
    yield layer, (1, 8), ("nm_native",)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()
    for threads in sorted({1, os.cpu_count() or 1}):
        for layer, batches, names in cases(args.side):
            for batch in batches:
                found = compare(
                    layer,
                    [BY_NAME[name] for name in names],
                    Setting("cpu", batch, threads),
                    Effort(seconds=args.seconds),
                )
                for one in found.contenders[1:]:
                    r = one.ratio
                    target = TARGETS.get((layer.name, batch)) if one.backend in names[:1] else None
                    wanted = f" (wanted {target})" if target else ""
                    mark = " disturbed" if found.disturbed else ""
                    print(
                        f"{layer.name}, {one.backend}, batch {batch}, {threads} threads: "
                        f"{r.ratio:.2f} [{r.low:.2f}, {r.high:.2f}]{wanted}{mark}"
                    )


if __name__ == "__main__":
    main()

"""Write the weights of a run or checkpoint as the network uses them: exact zeros, plain names.

Without `--pattern`, what the checkpoint says of itself is done: latent weights of STE and SR-STE
are projected. With it, its sparse layers, or `--layers`, are projected to that pattern.
"""

import argparse
import sys
from pathlib import Path

from sparse_core.patterns import AXES, NMPattern

SUMMARY = "write plain weights with exact zeros"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add = parser.add_argument
    add("source", type=Path, help="a run folder or a checkpoint")
    add("--out", type=Path, required=True, help="the safetensors file to make")
    add("--pattern", metavar="N:M", help="project to this pattern")
    add("--axis", choices=AXES, default="in", help="where its groups run")
    add("--layers", action="append", default=[], metavar="GLOB", help="which layers to project")
    add("--average", type=int, default=1, metavar="K", help="average a run's last K checkpoints")


def run(args: argparse.Namespace) -> int:
    """Write the file and say what it holds."""
    from sparse_core.training.export import Wanted, gather, write

    pattern = NMPattern.parse(args.pattern, args.axis) if args.pattern else None
    exported = gather(args.source, Wanted(pattern, tuple(args.layers), max(1, args.average)))
    size = write(exported, args.out)
    zeros = sum(int((tensor == 0).sum()) for tensor in exported.state.values())
    total = sum(tensor.numel() for tensor in exported.state.values())
    made = "average of " + ", ".join(path.name for path in exported.sources)
    print(
        f"{args.out}: {len(exported.state)} tensors, {zeros:,} of {total:,} weights are zero, "
        f"{size:,} bytes" + (f"; {made}" if len(exported.sources) > 1 else ""),
        file=sys.stderr,
    )
    return 0

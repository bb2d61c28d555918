"""Write the weights of a run or checkpoint as the network uses them: exact zeros, plain names.

Without `--pattern`, what the checkpoint says of itself is done: latent weights of STE and SR-STE
are projected. With it, its sparse layers, or `--layers`, are projected to that pattern.

With `--repair`, only the layers that are meant to have that pattern, or `--layers`, are made to
keep it; everything else is copied bit for bit, and a folder of the hub stays one.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparse_core.commands.costs import add_task_options, task_options
from sparse_core.commands.growing import grow
from sparse_core.patterns import AXES, NMPattern

if TYPE_CHECKING:
    from sparse_core.training.subject import Where

SUMMARY = "write plain weights with exact zeros"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add = parser.add_argument
    grow(parser, add_task_options)
    add("source", type=Path, help="a run folder or a checkpoint")
    add("--out", type=Path, required=True, help="the safetensors file, or folder, to make")
    add("--pattern", metavar="N:M", help="project to this pattern")
    add("--repair", metavar="N:M", help="drop what breaks this pattern, copy everything else")
    add("--axis", choices=AXES, help="where its groups run (in, or as the layers are meant)")
    add("--layers", action="append", default=[], metavar="GLOB", help="which layers")
    add("--container", default="", metavar="KEY", help="which model of a nested file to repair")
    add("--compact", action="store_true", help="take zero units away: a smaller dense network")
    add("--task", help="whose network it is, for --compact; that of its run if it has one")
    add("--average", type=int, default=1, metavar="K", help="average a run's last K checkpoints")


def task_of(args: argparse.Namespace) -> "Where":
    """Say whose network a compacted export is."""
    from sparse_core.training.subject import Where

    return Where(args.source, args.task or "", task_options(args))


def run(args: argparse.Namespace) -> int:
    """Write the file and say what it holds."""
    if args.repair:
        from sparse_core.commands import export_repaired

        return export_repaired.run(args)
    from sparse_core.training.export import Wanted, gather, write
    from sparse_core.training.smaller import make_smaller

    pattern = NMPattern.parse(args.pattern, args.axis or "in") if args.pattern else None
    exported = gather(args.source, Wanted(pattern, tuple(args.layers), max(1, args.average)))
    if args.compact:
        exported, report = make_smaller(exported, task_of(args))
        print(report, file=sys.stderr)
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

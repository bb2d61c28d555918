"""Say when the masks of a run changed: SAD, births and deaths, step by step and layer by layer."""

import argparse
import sys
from pathlib import Path

import msgspec

from sparse_core.patterns import AXES, NMPattern
from sparse_core.runs.config import read_config
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.timeline import StepChange, run_changes

SUMMARY = "say when the masks of a run changed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument("--pattern", metavar="N:M", help="project the checkpoints to this instead")
    parser.add_argument("--axis", choices=AXES, default="in", help="where its groups run")
    parser.add_argument("--json", action="store_true", help="one object a line")


def run(args: argparse.Namespace) -> int:
    """Print the changes."""
    folder = RunFolder(args.run_folder)
    read_config(folder.config)
    pattern = NMPattern.parse(args.pattern, args.axis) if args.pattern else None
    for change in run_changes(folder, pattern):
        if args.json:
            sys.stdout.buffer.write(msgspec.json.encode(change) + b"\n")
        elif change.layer is None:
            print(_line(change))
    return 0


def _line(change: StepChange) -> str:
    return (
        f"step {change.from_:>7} to {change.to:>7}: {change.sad:>9,} of {change.entries:,} flipped "
        f"({change.flip_rate:.3%}), {change.births:,} births, {change.deaths:,} deaths"
    )

"""Prune one layer at a time and measure what it costs: which layers are better left dense."""

import argparse

from sparse_core.commands.costs import add_subject, pattern_of, print_rows, subject_of

SUMMARY = "prune one layer at a time and measure the cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add_subject(parser)
    parser.add_argument(
        "--sparsity", type=float, default=0.5, help="by magnitude, where no pattern is given"
    )


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    from sparse_core.training.costs import sensitivity

    rows = sensitivity(subject_of(args), pattern_of(args), args.sparsity, args.layers)
    return print_rows(args, rows)

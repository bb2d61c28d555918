"""Measure a checkpoint on its task: loss and metric, as stored and projected, in one run."""

import argparse

from sparse_core.commands.costs import add_subject, pattern_of, print_rows, subject_of

SUMMARY = "measure a checkpoint on its task"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add_subject(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    from sparse_core.training.costs import evaluate

    return print_rows(args, evaluate(subject_of(args), pattern_of(args), args.layers))

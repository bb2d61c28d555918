"""Prune by each criterion to each sparsity, without training, and measure."""

import argparse

from sparse_core.commands.costs import add_subject, print_rows, subject_of
from sparse_core.errors import RunError

SUMMARY = "measure accuracy over sparsity for several criteria"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add_subject(parser)
    parser.add_argument(
        "--criteria",
        default="magnitude,global,random,taylor",
        help="of magnitude, global, random, taylor",
    )
    parser.add_argument("--sparsities", default="0,0.5,0.7,0.8,0.9,0.95", help="in [0, 1]")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    from sparse_core.training.costs import curve

    criteria = [word.strip() for word in args.criteria.split(",") if word.strip()]
    rows = curve(subject_of(args), criteria, _shares(args.sparsities), args.layers)
    return print_rows(args, rows)


def _shares(text: str) -> list[float]:
    try:
        shares = [float(word) for word in text.split(",")]
    except ValueError as error:
        raise RunError(f"--sparsities wants numbers as in 0,0.5,0.9, not {text!r}.") from error
    if not all(0 <= share <= 1 for share in shares):
        raise RunError(f"--sparsities lie in [0, 1], not {text!r}.")
    return sorted(shares)

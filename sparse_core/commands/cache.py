"""Show the analysis cache, or empty it."""

import argparse
import sys

from sparse_core.errors import SparseError

SUMMARY = "show the analysis cache, or empty it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    parser.add_argument("--clear", action="store_true", help="remove every entry")


def run(args: argparse.Namespace) -> int:
    """Print what the cache holds, or held."""
    from sparse_core.analysis import cache
    from sparse_core.analysis.words import size

    try:
        held = cache.clear() if args.clear else cache.stored()
    except OSError as error:
        raise SparseError(f"The cache in {cache.folder()} cannot be emptied: {error}.") from error
    verb = "Removed" if args.clear else "Holds"
    noun = "result" if held.entries == 1 else "results"
    sys.stdout.write(f"{cache.folder()}\n{verb} {held.entries:,} {noun}, {size(held.bytes)}.\n")
    return 0

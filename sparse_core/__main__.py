"""The core's command line: ``python -m sparse_core COMMAND ...``."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from sparse_core.commands import COMMANDS
from sparse_core.errors import SparseError
from sparse_core.version import VERSION

INTERRUPTED = 130
BAD_INPUT = 2


def build_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """Make the parser; only the chosen command's module is imported, all of them without one."""
    parser = argparse.ArgumentParser(
        prog="sparsescope", description="See, train and time sparse neural networks."
    )
    parser.add_argument("--version", action="version", version=f"sparsescope {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, path in COMMANDS.items():
        if chosen is not None and name != chosen:
            continue
        module = import_module(path)
        command = commands.add_parser(name, help=module.SUMMARY, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a ``SparseError`` becomes one line on stderr and status 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser(words[0] if words and words[0] in COMMANDS else None)
    args = parser.parse_args(words)
    try:
        status: int = args.run(args)
    except SparseError as error:
        print(f"sparsescope: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())

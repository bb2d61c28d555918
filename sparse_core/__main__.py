"""The core's command line: ``python -m sparse_core COMMAND ...``."""

import argparse
import os
import sys
from collections.abc import Sequence
from errno import ENOSPC
from importlib import import_module
from typing import NoReturn

from sparse_core.commands import COMMANDS
from sparse_core.commands.streams import open_missing_streams
from sparse_core.errors import SparseError
from sparse_core.version import VERSION

INTERRUPTED = 130
BAD_INPUT = 2


class Parser(argparse.ArgumentParser):
    """Says what is wrong with its words in one line, as every other complaint is."""

    def error(self, message: str) -> NoReturn:
        """Complain and end with status 2."""
        line = " ".join(message.split())
        self.exit(BAD_INPUT, f"sparsescope: {line} (see {self.prog} --help)\n")


def build_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """Make the parser; only the chosen command's module is imported, all of them without one."""
    parser = Parser(prog="sparsescope", description="See, train and time sparse neural networks.")
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
    open_missing_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser(words[0] if words and words[0] in COMMANDS else None)
    args = parser.parse_args(words)
    try:
        status: int = args.run(args)
        # Here, not at exit, where what cannot be written would be a traceback.
        sys.stdout.flush()
    except SparseError as error:
        print(f"sparsescope: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing may be flushed to it at exit.
        _discard_output()
        return INTERRUPTED
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        print("sparsescope: There is no space left to write to.", file=sys.stderr)
        _discard_output()
        return BAD_INPUT
    return status


def _discard_output() -> None:
    """Let what is still buffered for stdout go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())

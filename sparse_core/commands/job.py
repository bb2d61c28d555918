"""Do another command as a job: what it finds, its state and its wishes lie in a folder.

Started by the core for a window; in a terminal the command itself is of more use.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NoReturn

from sparse_core.commands import COMMANDS
from sparse_core.commands.child import BAD_INPUT, BUG, INTERRUPTED
from sparse_core.errors import RunError, SparseError
from sparse_core.runs.control import read_control
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import STOPPED
from sparse_core.runs.measurements import ROWS
from sparse_core.runs.status import Heartbeat, State

SUMMARY = "do a command as a job in a folder"
KINDS = ("evaluate", "sensitivity", "curve", "export")
LOOK_S = 0.2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with its words as an error of the job."""

    def error(self, message: str) -> NoReturn:
        """Complain."""
        raise RunError(" ".join(message.split()))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    parser.add_argument("folder", type=Path, help="folder of the job")
    parser.add_argument("kind", choices=KINDS, help="the command to do")
    parser.add_argument("words", nargs=argparse.REMAINDER, help="its own words")


def run(args: argparse.Namespace) -> int:
    """Do the command; its state says how it ended."""
    folder = RunFolder(args.folder)
    folder.root.mkdir(parents=True, exist_ok=True)
    rows = folder.root / ROWS
    with rows.open("ab") as out:
        os.dup2(out.fileno(), 1)
    heart = Heartbeat(folder.status)
    heart.tell("running", 0)
    signal.signal(signal.SIGTERM, _interrupt)
    state: State = "finished"
    sentence, status = "", BUG
    try:
        with _watched(folder, rows, heart):
            module = import_module(COMMANDS[args.kind])
            parser = _Parser(prog=f"sparsescope {args.kind}")
            module.add_arguments(parser)
            status = module.run(parser.parse_args(args.words))
    except SparseError as error:
        state, sentence, status = "failed", str(error), BAD_INPUT
        print(f"sparsescope: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        sentence, status = STOPPED, INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, its state must say so
        state, sentence = "failed", f"{type(error).__name__}: {error}"
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        heart.tell(state, _rows_in(rows), sentence)
        heart.close()
    return status


@contextlib.contextmanager
def _watched(folder: RunFolder, rows: Path, heart: Heartbeat) -> Iterator[None]:
    """Look at the wishes meanwhile, and count what was found."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            heart.at(_rows_in(rows))
            if read_control(folder.control).wanted == "stop":
                # To this process: a signal also ends a wait that Python cannot look into.
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=watch, name="wishes", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _rows_in(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt

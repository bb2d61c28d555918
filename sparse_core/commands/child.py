"""Read files in a child process, so that even its death becomes a sentence.

A mapped file that is truncated while it is read kills the process that reads it (SIGBUS), and no
code in that process can prevent it. So a command's work is done in a forked child whose output
comes back through a pipe; only whole lines are passed on.
"""

import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn, TextIO

from sparse_core.errors import SparseError

BAD_INPUT = 2
BUG = 70
INTERRUPTED = 130
_READ = 1 << 16

Work = Callable[[TextIO], int]
"""What the child does: write lines to the stream, give the exit status."""


def run_in_child(work: Work, path: str) -> int:
    """Do work in a child process and pass on what it writes.

    Parameters
    ----------
    work : callable
        Writes its output to the stream it is given, and gives the exit status. A ``SparseError``
        becomes one line on stderr and status 2.
    path : str
        The file that is read, for the sentence where the child is killed.

    Returns
    -------
    int
        The exit status.
    """
    if not hasattr(os, "fork"):
        return work(sys.stdout)
    sys.stdout.flush()
    sys.stderr.flush()
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        _work_and_exit(work, sink)
    os.close(sink)
    unwritten = _relay(source, child)
    _, status = os.waitpid(child, 0)
    if unwritten is not None:
        complain(f"The output cannot be written: {unwritten.strerror or unwritten}.")
        return BAD_INPUT
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _killed(-code, path)


def _work_and_exit(work: Work, sink: int) -> NoReturn:
    """Work in the child; nothing of the parent's clean-up may run here."""
    status = BUG
    faulthandler.disable()
    try:
        with os.fdopen(sink, "w", encoding="utf-8", errors="surrogateescape") as out:
            status = _guarded(work, out)
    except BrokenPipeError:
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


def _guarded(work: Work, out: TextIO) -> int:
    """Turn what goes wrong into a status and a sentence."""
    try:
        return work(out)
    except SparseError as error:
        complain(str(error))
        return BAD_INPUT
    except MemoryError:
        complain("There is not enough memory: close other programs.")
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback unasked
        complain(f"This is a bug in sparsescope: {type(error).__name__}: {error}")
        if os.environ.get("SPARSESCOPE_TRACEBACK"):
            traceback.print_exc()
        return BUG


def complain(sentence: str) -> None:
    """Write one line to stderr."""
    print(f"sparsescope: {printable(' '.join(sentence.split()))}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Replace what would steer the terminal: names in a file may hold anything."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _relay(source: int, child: int) -> OSError | None:
    """Pass whole lines on; what a dead child left unfinished is dropped.

    Returns
    -------
    OSError or None
        Why the output could not be written, as where the disk is full.
    """
    rest = b""
    try:
        with os.fdopen(source, "rb", buffering=0) as pipe:
            while data := pipe.read(_READ):
                lines, mark, rest = (rest + data).rpartition(b"\n")
                _write(lines + mark)
    except BrokenPipeError:
        # The reader of our output has gone (head): no more is wanted.
        _give_up(child)
    except OSError as error:
        _give_up(child)
        return error
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
    return None


def _give_up(child: int) -> None:
    """End the child, and let what is still buffered for stdout go nowhere at exit."""
    os.kill(child, signal.SIGTERM)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(data: bytes) -> None:
    """Write to stdout, whatever stands in its place."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(data.decode("utf-8", "surrogateescape"))
    else:
        binary.write(data)
    sys.stdout.flush()


def _killed(number: int, path: str) -> int:
    """Say why the child is no more."""
    if number == signal.SIGBUS:
        complain(
            f"{path} was truncated while it was being read: copy it first, then scan the copy."
        )
        return BAD_INPUT
    if number == signal.SIGKILL:
        complain(f"The process that read {path} was killed, most likely for want of memory.")
        return BAD_INPUT
    if number == signal.SIGTERM:
        return INTERRUPTED
    complain(f"The process that read {path} died of {signal.Signals(number).name}.")
    return BUG

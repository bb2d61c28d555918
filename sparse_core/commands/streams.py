"""Standard streams: always there, and out of the way of a pipe that carries messages."""

import os
import sys


def open_missing_streams() -> None:
    """Let a standard stream that was closed (``>&-``) read or write nothing.

    Else a file that is opened later would take its number, and what is printed would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is the one that is missing.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def take_channels() -> tuple[int, int]:
    """Move the pipe off the standard descriptors, so that no library's print meets a frame.

    Returns
    -------
    source, sink : int
        Descriptors to read calls from and to write frames to. What is printed from here on goes
        to stderr; reading stdin gives nothing.
    """
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return source, sink

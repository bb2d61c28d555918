"""The processes of a job: found, weighed and signalled without ever meeting a stranger's.

A job's processes are the one that was started, what descends from it, what is in its session, and
whatever carries its token in the environment: a grandchild that made a session of its own and
was left behind by its parent is found by that. A process is told from a later one with the same
number by its start (``runs.status.process_start``), which is looked at behind an open pidfd, so
that a number that is given away in between cannot be hit.
"""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sparse_core.runs.status import process_start

TOKEN = "SPARSESCOPE_JOB"
PROC = Path("/proc")


class Process(NamedTuple):
    """A process, told from any other that ever had its number."""

    pid: int
    start: str


class _Seen(NamedTuple):
    parent: int
    session: int
    resident_pages: int


def can_signal() -> bool:
    """Say whether this system tells processes apart well enough to signal them."""
    return PROC.is_dir() and hasattr(os, "pidfd_open")


def runs(process: Process) -> bool:
    """Say whether that very process still runs."""
    return bool(process.start) and process_start(process.pid) == process.start


def processes_of(first: Process, token: str = "", *, session: bool = False) -> tuple[Process, ...]:
    """Find the processes of a job.

    Parameters
    ----------
    first : Process
        The one that was started; it may be gone.
    token : str
        What they carry in ``SPARSESCOPE_JOB``; "" for jobs that we did not start.
    session : bool
        Whether the session that bears ``first``'s number is the job's own.

    Returns
    -------
    tuple of Process
        Those that run, ``first`` before the others.
    """
    seen = _everything()
    alive = runs(first)
    found = _below(first.pid, seen) if alive else set()
    if session:
        found |= {pid for pid, one in seen.items() if one.session == first.pid}
    if token:
        found |= {pid for pid in seen if _token_of(pid) == token}
        for pid in tuple(found):
            found |= _below(pid, seen)
    found -= {os.getpid()}
    if not alive:
        # Its number may be somebody else's now.
        found -= {first.pid}
    ordered = sorted(found, key=lambda pid: (pid != first.pid, pid))
    listed = (Process(pid, process_start(pid)) for pid in ordered)
    return tuple(one for one in listed if one.start)


def memory_bytes(processes: Iterable[Process]) -> int:
    """Add up what processes hold in memory; shared pages count for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    seen = (_look(one.pid) for one in processes)
    return page * sum(one.resident_pages for one in seen if one is not None)


def send(process: Process, number: signal.Signals) -> bool:
    """Signal that very process; says whether it was still there."""
    try:
        handle = os.pidfd_open(process.pid)
    except (ProcessLookupError, OSError):
        return False
    try:
        if not runs(process):
            return False
        signal.pidfd_send_signal(handle, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)
    return True


def _below(pid: int, seen: dict[int, _Seen]) -> set[int]:
    """Give a process and all that descend from it."""
    found = {pid}
    while more := {one for one, what in seen.items() if what.parent in found} - found:
        found |= more
    return found


def _everything() -> dict[int, _Seen]:
    """Look at every process of the machine."""
    if not can_signal():
        return {}
    numbers = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return {pid: seen for pid in numbers if (seen := _look(pid)) is not None}


def _look(pid: int) -> _Seen | None:
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    if fields[0] in ("Z", "X"):
        return None
    return _Seen(int(fields[1]), int(fields[3]), int(fields[21]))


def _token_of(pid: int) -> str:
    """Read a process's token, "" where it has none or is not ours to look at."""
    mark = f"{TOKEN}=".encode()
    with contextlib.suppress(OSError):
        for entry in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            if entry.startswith(mark):
                return entry[len(mark) :].decode(errors="replace")
    return ""

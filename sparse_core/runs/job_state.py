"""What has become of a job: judged from its folder and its process, the same for every reader."""

import os
import socket
from pathlib import Path

import msgspec

from sparse_core.messages.jobs import JobState
from sparse_core.runs.control import read_control
from sparse_core.runs.events import AnyEvent, Finished, Step, from_line
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.known import Known
from sparse_core.runs.processes import Process
from sparse_core.runs.processes import runs as still_runs
from sparse_core.runs.status import Status, life, read_status

TAIL_BYTES = 1 << 16
ENDS: frozenset[JobState] = frozenset({"finished", "stopped", "failed", "died", "gone"})
STOPPED = "stopped"
"""What a tool's status says where it was asked to end."""


class Standing(msgspec.Struct, frozen=True):
    """Where a job stands.

    Attributes
    ----------
    state : str
    status : Status or None
        What its folder says.
    process : Process
        Its first process; number 0 where there is none to be known.
    here : bool
        Whether that process is on this machine.
    alive : bool
    sentence : str
        Why it failed.
    """

    state: JobState
    status: Status | None
    process: Process
    here: bool
    alive: bool
    sentence: str = ""


def standing_of(folder: Path, known: Known | None = None) -> Standing:
    """Judge a job.

    Parameters
    ----------
    folder : Path
    known : Known, optional
        What the list of jobs says of it.
    """
    run = RunFolder(folder)
    status = read_status(run.status)
    started = None if known is None or not known.pid else Process(known.pid, known.pid_start)
    ours = known is not None and known.host == socket.gethostname()
    launched = started is not None and ours and still_runs(started)
    if not folder.is_dir():
        process = started if launched and started else Process(0, "")
        return Standing("gone", None, process, launched, launched)
    if known is not None and started is not None and _is_older(status, known):
        return _before_status(run, started, ours, launched)
    if status is None:
        return Standing("died", None, Process(0, ""), False, False)
    return _by_status(run, status, known)


def _is_older(status: Status | None, known: Known) -> bool:
    """Say whether what a folder says was said before the job was started (again)."""
    if status is None:
        return True
    return status.pid != known.pid and status.beat < known.started and life(status) != "alive"


def _before_status(run: RunFolder, started: Process, ours: bool, launched: bool) -> Standing:
    """Judge a job that has not said anything yet, or nothing since it was started again."""
    if launched:
        return Standing("starting", None, started, True, True)
    if not ours:
        return Standing("starting", None, started, False, False)
    said = last_line(run.log)
    sentence = said.removeprefix("sparsescope: ") or "It ended before it said anything."
    return Standing("failed", None, started, True, False, sentence)


def _by_status(run: RunFolder, status: Status, known: Known | None) -> Standing:
    process = Process(status.pid, status.pid_start)
    here = status.host == socket.gethostname() and bool(status.pid_start)
    alive = life(status) == "alive"
    state: JobState
    sentence = status.sentence
    if alive:
        state = "running" if status.state in ("finished", "failed") else status.state
        if read_control(run.control).wanted == "stop" and state in ("running", "paused"):
            state = "stopping"
    elif status.state == "failed":
        state = "failed"
    elif status.state == "finished":
        last = last_event(run.events)
        ended = isinstance(last, Finished) and last.reason == "stopped"
        state = "stopped" if ended or sentence == STOPPED else "finished"
        sentence = ""
    elif known is not None and known.asked == "kill":
        state, sentence = "stopped", "It was killed: what came after its last save is lost."
    else:
        state, sentence = "died", "It ended without a word."
    return Standing(state, status, process, here, alive, sentence)


def last_event(path: Path, kind: type[AnyEvent] | None = None) -> AnyEvent | None:
    """Give the last whole event of a file, or the last of a kind near its end."""
    for line in reversed(_tail(path)):
        event = from_line(line)
        if event is not None and (kind is None or isinstance(event, kind)):
            return event
    return None


def last_step(path: Path) -> Step | None:
    """Give the last step that was told near the end of a file of events."""
    event = last_event(path, Step)
    return event if isinstance(event, Step) else None


def last_line(path: Path) -> str:
    """Give the last line of a log that says something."""
    lines = (line.decode(errors="replace").strip() for line in reversed(_tail(path)))
    return next((line for line in lines if line), "")


def _tail(path: Path) -> list[bytes]:
    """Give the last lines of a file, the first of them perhaps cut, none that is half written."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = max(0, size - TAIL_BYTES)
            data = os.pread(file.fileno(), TAIL_BYTES, start)
    except OSError:
        return []
    return data[: data.rfind(b"\n") + 1].splitlines()

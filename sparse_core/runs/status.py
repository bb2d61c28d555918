"""Who works on a run, and whether they still live: ``status.json``."""

import contextlib
import os
import socket
import threading
import time
from pathlib import Path
from typing import Literal

import msgspec

from sparse_core.errors import RunError
from sparse_core.runs.atomic import replace_file

State = Literal["starting", "running", "paused", "stopping", "finished", "failed"]
Life = Literal["alive", "died", "ended", "unknown"]

BEAT_S = 2.0
"""Seconds between two heartbeats."""
SILENT_S = 15.0
"""A process on another machine that was silent for longer is taken for dead."""
ENDED = ("finished", "failed")


class Status(msgspec.Struct, frozen=True):
    """The state of a run.

    ``pid_start`` tells a process from a later one with the same number (boot id and clock ticks
    since boot; "" where the system does not say). ``beat`` is wall clock.
    """

    state: State
    step: int
    pid: int
    pid_start: str
    host: str
    beat: float
    sentence: str = ""


def process_start(pid: int) -> str:
    """Tell when a process of this machine started, "" if it does not run or cannot be known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError):
        return ""
    if fields[0] in ("Z", "X"):
        return ""
    return f"{boot}:{fields[19]}"


def read_status(path: Path) -> Status | None:
    """Read a status; None if there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError):
        return None


def life(status: Status | None, now: float | None = None) -> Life:
    """Judge whether the process behind a status still works on it.

    ``ended`` is a run that said so itself; ``died`` one that never did and is gone.
    """
    if status is None:
        return "unknown"
    if status.state in ENDED:
        return "ended"
    if status.host == socket.gethostname() and status.pid_start:
        return "alive" if process_start(status.pid) == status.pid_start else "died"
    silent_s = (time.time() if now is None else now) - status.beat
    return "alive" if silent_s < SILENT_S else "died"


class Heartbeat:
    """Write the status of this process every two seconds until closed.

    A thread of its own, so that a long step is not taken for a death. A beat that cannot be
    written is skipped: a full disk must not end a training.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._me = (os.getpid(), process_start(os.getpid()), socket.gethostname())
        self._state: State = "starting"
        self._sentence = ""
        self._step = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.write()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def at(self, step: int) -> None:
        """Remember the step; the next beat tells it."""
        self._step = step

    def tell(self, state: State, step: int, sentence: str = "") -> None:
        """Change the state and write it at once."""
        self._state, self._step, self._sentence = state, step, sentence
        with contextlib.suppress(RunError):
            self.write()

    def write(self) -> None:
        """Write the status now."""
        pid, start, host = self._me
        with self._lock:
            status = Status(self._state, self._step, pid, start, host, time.time(), self._sentence)
            replace_file(self._path, [msgspec.json.encode(status)], durable=False)

    def close(self) -> None:
        """Stop beating."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(BEAT_S):
            with contextlib.suppress(RunError):
                self.write()

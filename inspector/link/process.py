"""One life of a core process: how it is started, what it reads and writes, how it is ended."""

import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import msgspec
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal, Slot

import sparse_core.messages as words
from inspector.link.endings import Exit

GOODBYE_MS = 300
"""How long a core may take to notice that its stdin ended."""

LINE_BYTES = 2000
"""Longer lines of stderr are cut."""

LAST_LINES = 20
"""Lines of stderr that are kept to tell why it ended."""


def local_command() -> tuple[str, ...]:
    """Give the argument vector of a core on this machine."""
    return (sys.executable, "-P", "-m", "sparse_core", "serve")


def local_environment() -> QProcessEnvironment:
    """Give the environment of a core on this machine.

    Only our own root is on the path for modules: with the current folder on it, a ``msgspec.py``
    beside a downloaded checkpoint would run.
    """
    environment = QProcessEnvironment.systemEnvironment()
    root = Path(words.__file__).resolve().parents[2]
    environment.insert("PYTHONPATH", str(root))
    # A core here is no core at the end of a narrow line, even where the window is.
    environment.remove("SSH_CONNECTION")
    return environment


class CoreProcess(QObject):
    """A core process, from start to end.

    Parameters
    ----------
    command : sequence of str, optional
        An argument vector; None is a core on this machine.
    parent : QObject, optional
    """

    arrived = Signal()
    """There are bytes to ``read``."""

    logged = Signal(str)
    """A line of its stderr."""

    ended = Signal(object)
    """It is no more: an ``Exit``; not after ``stop``."""

    def __init__(self, command: Sequence[str] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._line = b""
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._group = 0
        self._over = False
        if command is None:
            self._process.setProcessEnvironment(local_environment())
        program, *arguments = command or local_command()
        self._process.setProgram(program)
        self._process.setArguments(arguments)
        self._process.setWorkingDirectory(str(Path.home()))
        # A session of its own, so that ending its group ends whatever it started.
        parameters = QProcess.UnixProcessParameters()
        parameters.flags = QProcess.UnixProcessFlag.CreateNewSession
        self._process.setUnixProcessParameters(parameters)
        self._process.started.connect(self._on_started)
        self._process.readyReadStandardOutput.connect(self.arrived)
        self._process.readyReadStandardError.connect(self._on_stderr)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)

    @property
    def pid(self) -> int:
        """Its process number, 0 when it is not running."""
        return self._process.processId()

    def start(self) -> None:
        """Start it; returns at once."""
        self._process.start()

    def write(self, data: bytes) -> None:
        """Queue bytes for its stdin."""
        self._process.write(data)

    def read(self, most: int) -> bytes:
        """Take bytes of its stdout, at most so many."""
        return bytes(self._process.read(most).data())

    def stop(self) -> None:
        """End it and everything it started; waits a moment for it to go by itself."""
        self._over = True
        self._process.closeWriteChannel()
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.waitForFinished(GOODBYE_MS)
        self._end_group()
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished()

    def _end_group(self) -> None:
        """End what is left of its session."""
        if self._group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, SIGKILL)
            self._group = 0

    @Slot()
    def _on_started(self) -> None:
        self._group = self.pid

    @Slot()
    def _on_stderr(self) -> None:
        *lines, rest = (self._line + self._process.readAllStandardError().data()).split(b"\n")
        self._line = rest[:LINE_BYTES]
        for line in lines:
            self._log(line)

    def _log(self, line: bytes) -> None:
        """Pass on a line of stderr."""
        text = line[:LINE_BYTES].decode(errors="replace").rstrip("\r")
        self._said.append(text)
        self.logged.emit(text)

    @Slot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._end_group()
        crashed = status == QProcess.ExitStatus.CrashExit
        why = f"killed by signal {code}" if crashed else f"exit status {code}"
        self._end(Exit(why, code, crashed))

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._end(Exit(self._process.errorString(), started=False))

    def _end(self, how: Exit) -> None:
        """Say once that it is over."""
        if self._line:
            self._log(self._line)
            self._line = b""
        if not self._over:
            self._over = True
            self.ended.emit(msgspec.structs.replace(how, said=tuple(self._said)))

"""A speed test as its rows arrive from the core, and the tests that are kept."""

from functools import partial

import msgspec
import numpy as np
from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.problem import Problem
from inspector.models.speed_result import SpeedResult
from sparse_core.messages import Answer, Failed, Stopped
from sparse_core.messages.speed import (
    Row,
    SpeedHistory,
    SpeedHistoryWanted,
    SpeedResultWanted,
    SpeedRows,
    SpeedSaved,
    SpeedWanted,
)

_NONE = -1


class Kept(msgspec.Struct, frozen=True):
    """A test that is kept: its file, what was timed, and when."""

    path: str
    title: str
    started: float


class SpeedFeed(QObject):
    """Starts speed tests, one at a time, and holds what came.

    Attributes
    ----------
    rows : tuple of Row
        Of the test that runs, or of the one that is shown.
    stage : str
        ``none``, ``running``, ``complete``, ``stopped`` or ``failed``.
    kept : tuple of Kept
        Earlier tests of the same checkpoint, the latest first.
    """

    changed = Signal()
    beside_arrived = Signal(object)
    """The ``SpeedResult`` of another file."""
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link: Asker | None = None
        self._call = _NONE
        self._token: object = None
        self.rows: tuple[Row, ...] = ()
        self.stage = "none"
        self.file = ""
        self.kept: tuple[Kept, ...] = ()

    @property
    def running(self) -> bool:
        """Whether something is being timed."""
        return self.stage == "running"

    @property
    def result(self) -> SpeedResult:
        """What came so far."""
        return SpeedResult.of(self.rows)

    def start(self, link: Asker, wanted: SpeedWanted) -> None:
        """Time something; what was shown before is left."""
        self._link = link
        self.rows, self.stage, self.file = (), "running", ""
        token = self._token = object()
        self._call = link.ask(wanted, partial(self._on_answer, token, wanted.path))
        self.changed.emit()

    def cancel(self) -> None:
        """Stop timing; what was measured stays."""
        if self._link is not None and self._call != _NONE:
            self._link.cancel(self._call)

    def look_back(self, link: Asker, path: str) -> None:
        """Ask which tests of a checkpoint are kept."""
        link.ask(SpeedHistoryWanted(path), self._on_history)

    def show(self, link: Asker, path: str) -> None:
        """Show the rows of a file in place of what is shown."""
        if not self.running:
            link.ask(SpeedResultWanted(path), partial(self._on_file, path))

    def lay_beside(self, link: Asker, path: str) -> None:
        """Ask for the rows of a file, to be laid beside."""
        link.ask(SpeedResultWanted(path), partial(self._on_beside, path))

    def clear(self) -> None:
        """Show nothing."""
        if not self.running:
            self.rows, self.stage, self.file = (), "none", ""
            self.changed.emit()

    def release(self) -> None:
        """Let go of the core; what is being timed ends."""
        self.cancel()
        self._token = None

    def lost(self) -> None:
        """Take note that the core that timed is gone."""
        if self.running:
            self._call, self._token = _NONE, None
            self.stage = "stopped"
            self.changed.emit()

    def _on_answer(self, token: object, path: str, answer: Answer) -> None:
        if token is not self._token:
            return
        body = answer.body
        if isinstance(body, SpeedRows):
            self.rows = (*self.rows, *body.rows)
        elif isinstance(body, Failed):
            self.stage = "failed"
            self.failed.emit(Problem(body.sentence, where=path, details=body.trace))
        elif isinstance(body, Stopped):
            self.stage = "stopped"
        elif isinstance(body, SpeedSaved):
            self.stage, self.file = "complete", body.path
        if answer.last:
            self._call = _NONE
            if self._link is not None:
                self.look_back(self._link, path)
        self.changed.emit()

    def _on_history(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, SpeedHistory):
            started = np.frombuffer(body.started, "<f8").tolist()
            self.kept = tuple(map(Kept, body.paths, body.titles, started))
            self.changed.emit()

    def _on_file(self, path: str, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Failed):
            self.failed.emit(Problem(body.sentence, where=path, details=body.trace))
        elif isinstance(body, SpeedRows):
            self.rows, self.stage, self.file = body.rows, "complete", path
            self.changed.emit()

    def _on_beside(self, path: str, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Failed):
            self.failed.emit(Problem(body.sentence, where=path, details=body.trace))
        elif isinstance(body, SpeedRows):
            self.beside_arrived.emit(SpeedResult.of(body.rows))

"""Every job and run that is known on a machine, as the core lists them."""

from collections.abc import Sequence

import msgspec
import numpy as np
from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.problem import Problem
from sparse_core.messages import Answer, Failed
from sparse_core.messages.jobs import FollowJobs, JobKind, Jobs, JobState

LIVE: tuple[JobState, ...] = ("starting", "running", "paused", "stopping")
_NONE = -1


class JobRow(msgspec.Struct, frozen=True):
    """One job; ``left_s`` is None where nobody knows, ``total`` -1."""

    folder: str
    kind: JobKind
    state: JobState
    title: str
    parent: str
    host: str
    sentence: str
    step: int
    total: int
    left_s: float | None
    started: float
    here: bool
    alive: bool

    @property
    def name(self) -> str:
        """The last part of its folder."""
        return self.folder.rstrip("/").rpartition("/")[2] or self.folder

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.state in LIVE


def rows_of(jobs: Jobs) -> tuple[JobRow, ...]:
    """Return the jobs of a message, the latest started first."""
    left = _numbers(jobs.left_s, "<f8")
    columns = zip(
        *(jobs.folders, jobs.kinds, jobs.states, jobs.titles, jobs.parents, jobs.hosts),
        *(jobs.sentences, _numbers(jobs.steps, "<i8"), _numbers(jobs.totals, "<i8")),
        *([None if one != one else one for one in left], _numbers(jobs.started, "<f8")),
        *(map(bool, jobs.here), map(bool, jobs.alive)),
        strict=True,
    )
    return tuple(JobRow(*row) for row in columns)


class JobFeed(QObject):
    """Follows the list of jobs until it is released.

    Attributes
    ----------
    rows : tuple of JobRow
    """

    changed = Signal()
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, link: Asker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self.rows: tuple[JobRow, ...] = ()
        self.known = False
        self._call = _NONE
        self._token: object = None
        self._follow()

    def row(self, folder: str) -> JobRow | None:
        """Return a job by its folder."""
        return next((one for one in self.rows if one.folder == folder), None)

    @property
    def live(self) -> Sequence[JobRow]:
        """Those that go on."""
        return [one for one in self.rows if one.live]

    def ask_again(self) -> None:
        """Follow anew, where the core that was asked is gone and the call with it."""
        if self._call == _NONE:
            self._follow()

    def release(self) -> None:
        """Let go of the core."""
        self._token = None
        if self._call != _NONE:
            self._link.cancel(self._call)
        self._call = _NONE

    def _follow(self) -> None:
        token = self._token = object()

        def on_answer(answer: Answer) -> None:
            if token is not self._token:
                return
            if isinstance(answer.body, Jobs):
                self.rows, self.known = rows_of(answer.body), True
                self.changed.emit()
            elif isinstance(answer.body, Failed):
                self.failed.emit(Problem(answer.body.sentence, where="jobs"))
            if answer.last:
                self._call = _NONE

        self._call = self._link.ask(FollowJobs(), on_answer)


def _numbers(data: bytes, kind: str) -> list[float]:
    numbers: list[float] = np.frombuffer(data, kind).tolist()
    return numbers

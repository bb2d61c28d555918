"""A run as it is followed through the core: what it says, as it says it."""

from PySide6.QtCore import QObject, QTimer, Signal

from inspector.models.asking import Asker
from inspector.models.problem import Problem
from inspector.models.run_record import RunRecord
from sparse_core.messages import Answer, Failed
from sparse_core.messages.runs import FollowRun, RunAlert, RunState

DRAW_MS = 250
"""What comes is drawn together, four times a second: more is not seen, and costs."""
_NONE = -1
_ERRORS = ("nan", "died", "gone")


class RunFeed(QObject):
    """Follows a run folder until it is released.

    Parameters
    ----------
    link : Asker
    run : str
        The folder, on the machine of the core.
    """

    changed = Signal()
    """There is something new to draw."""
    state_changed = Signal()
    failed = Signal(object)
    """A ``Problem``: an alert of the run, or why it cannot be followed."""

    def __init__(self, link: Asker, run: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self.run = run
        self.record = RunRecord()
        self._call = _NONE
        self._token: object = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DRAW_MS)
        self._timer.timeout.connect(self.changed)
        self._follow()

    @property
    def name(self) -> str:
        """What the run is called on the screen: the last part of its path."""
        return self.run.rstrip("/").rpartition("/")[2] or self.run

    @property
    def state(self) -> RunState | None:
        """Where the run is, None before it was said."""
        return self.record.state

    @property
    def caught_up(self) -> bool:
        """Whether all that lies in the folder was drawn."""
        state = self.state
        told = self._call == _NONE or (state is not None and state.caught_up)
        return told and not self._timer.isActive()

    def ask_again(self) -> None:
        """Follow anew, where the core that was asked is gone and the call with it."""
        if self._call == _NONE:
            self._follow()

    def release(self) -> None:
        """Let go of the core."""
        self._timer.stop()
        self._token = None
        if self._call != _NONE:
            self._link.cancel(self._call)
        self._call = _NONE

    def _follow(self) -> None:
        token = self._token = object()

        def on_answer(answer: Answer) -> None:
            if token is self._token:
                self._take(answer)

        self._call = self._link.ask(FollowRun(self.run), on_answer)

    def _take(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, RunAlert):
            where = f"{self.run}: {body.kind}"
            if body.kind in _ERRORS:
                self.failed.emit(Problem(body.sentence, where=where))
            else:
                self.failed.emit(Problem(body.sentence, severity="notice", where=where))
        elif isinstance(body, Failed):
            self.failed.emit(Problem(body.sentence, where=self.run, details=body.trace))
        else:
            self.record.take(body)
            if isinstance(body, RunState):
                self.state_changed.emit()
            if not self._timer.isActive():
                self._timer.start()
        if answer.last:
            self._call = _NONE

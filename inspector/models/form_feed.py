"""What can be trained, and what the recipe in the form would do, as the core says it."""

from PySide6.QtCore import QObject, QTimer, Signal

from inspector.models.asking import Asker
from inspector.models.latest import Latest
from inspector.models.problem import Problem
from inspector.models.recipe import Answers
from sparse_core.messages import Answer, Failed
from sparse_core.messages.training import Draft, DraftWanted, Form, FormWanted

PAUSE_MS = 250
"""The recipe is looked at when the user pauses typing."""
_VIEW = 1_000_011


class FormFeed(QObject):
    """Asks for the form once, and for a draft after each change.

    Attributes
    ----------
    form : Form or None
    draft : Draft or None
        Of the answers shown last; None while they were not looked at.
    """

    changed = Signal()
    """The form is there, or another one."""
    drafted = Signal()
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, link: Asker, python: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self.python = python
        self.form: Form | None = None
        self.draft: Draft | None = None
        self._answers = Answers()
        self._trusted: tuple[str, ...] | None = None
        self._drafts = Latest(link)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._look)
        self._token: object = None
        self._waiting = False

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return self._waiting or self._timer.isActive() or self._drafts.busy

    def begin(self) -> None:
        """Ask for the form, if it is not there yet."""
        if self.form is None and not self._waiting:
            self._ask_form()

    def show(self, answers: Answers) -> None:
        """Look at these answers when nothing else comes for a moment."""
        if answers == self._answers and (self.draft is not None or self.busy):
            return
        self._answers = answers
        self.draft = None
        if self.form is not None and answers.trusted != self._trusted:
            self._ask_form()
        self._timer.start()

    def look_again(self) -> None:
        """Look at the same answers anew."""
        self.draft = None
        self._timer.start()

    def ask_again(self) -> None:
        """Ask for all of it anew: the core that was asked is gone."""
        self._drafts.forget()
        self._ask_form()
        self._timer.start()

    def release(self) -> None:
        """Let go of the core."""
        self._timer.stop()
        self._drafts.forget()
        self._token = None

    def _ask_form(self) -> None:
        token = self._token = object()
        self._waiting = True
        self._trusted = self._answers.trusted

        def on_answer(answer: Answer) -> None:
            if token is not self._token:
                return
            if isinstance(answer.body, Form):
                self.form = answer.body
            elif isinstance(answer.body, Failed):
                body = answer.body
                self.failed.emit(Problem(body.sentence, where="training", details=body.trace))
            if answer.last:
                self._waiting = False
                self.changed.emit()

        self._link.ask(FormWanted(self.python, (), self._trusted), on_answer)

    def _look(self) -> None:
        answers = self._answers

        def take(answer: Answer) -> None:
            if answers == self._answers and isinstance(answer.body, Draft):
                self.draft = answer.body
            self.drafted.emit()

        self._drafts.want(DraftWanted(_VIEW, answers.recipe(), self.python), take)

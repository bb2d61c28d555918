"""What the core says about groups: the next broken one, lists of them, one under the loupe."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.latest import Latest
from inspector.models.problem import Problem
from sparse_core.messages import (
    Answer,
    Failed,
    FileId,
    Loupe,
    LoupeWanted,
    NextViolation,
    ScanOptions,
    UnsteadyWanted,
    Violations,
    ViolationsWanted,
)

PAGE = 200
"""Groups a page of a list."""


class GroupFeed(QObject):
    """Asks about groups of one checkpoint.

    Parameters
    ----------
    link : Asker
        The way to the core.
    view : int
        Number of the view, by which newer requests take the place of older ones.
    """

    found = Signal(object)
    """``Violations`` of at most one group: the answer to ``want_next``."""
    page_arrived = Signal(object)
    """``Violations``: a page of a layer's list."""
    unsteady_arrived = Signal(object)
    """``Violations``: groups that noise would flip."""
    loupe_arrived = Signal(object)
    """A ``Loupe``."""
    loupe_failed = Signal(str)
    """Why there is no group at a place: a tail, or no pattern."""
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, link: Asker, view: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._file = FileId("")
        self._options = ScanOptions()
        self._next, self._page, self._loupe = Latest(link), Latest(link), Latest(link)
        self._unsteady = Latest(link)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        asked = (self._next, self._page, self._loupe, self._unsteady)
        return any(question.busy for question in asked)

    def show(self, file: FileId, options: ScanOptions) -> None:
        """Ask about this file from now on; what is under way about another is dropped."""
        if (file, options) != (self._file, self._options):
            self._file, self._options = file, options
            self.forget()

    def forget(self) -> None:
        """Drop everything asked."""
        for question in (self._next, self._page, self._loupe, self._unsteady):
            question.forget()

    def want_next(self, tensor: str, row: int, column: int, step: int) -> None:
        """Ask for the bad group after (1) or before (-1) a place of a layer."""
        body = NextViolation(self._view, self._file, self._options, tensor, row, column, step)
        self._next.want(body, self._on_next)

    def want_page(self, tensor: str, first: int) -> None:
        """Ask for a page of a layer's bad groups."""
        body = ViolationsWanted(self._view, self._file, self._options, tensor, first, PAGE)
        self._page.want(body, self._on_page)

    def want_unsteady(self, tensor: str, noise: float) -> None:
        """Ask for the groups that a relative ``noise`` would flip."""
        body = UnsteadyWanted(self._view, self._file, self._options, tensor, noise, PAGE)
        self._unsteady.want(body, self._on_unsteady)

    def want_loupe(self, tensor: str, row: int, column: int) -> None:
        """Ask for the group of a weight; while one is asked for, only the latest wish counts."""
        body = LoupeWanted(self._view, self._file, self._options, tensor, row, column)
        self._loupe.want(body, self._on_loupe)

    def _on_next(self, answer: Answer) -> None:
        self._take(answer, self.found.emit)

    def _on_page(self, answer: Answer) -> None:
        self._take(answer, self.page_arrived.emit)

    def _on_unsteady(self, answer: Answer) -> None:
        self._take(answer, self.unsteady_arrived.emit)

    def _on_loupe(self, answer: Answer) -> None:
        if isinstance(answer.body, Loupe):
            self.loupe_arrived.emit(answer.body)
        elif isinstance(answer.body, Failed):
            self.loupe_failed.emit(answer.body.sentence)

    def _take(self, answer: Answer, tell: Callable[[Violations], None]) -> None:
        body = answer.body
        if isinstance(body, Violations):
            tell(body)
        elif isinstance(body, Failed):
            self.failed.emit(Problem(body.sentence, where=self._file.path, details=body.trace))

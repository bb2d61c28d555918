"""Two checkpoints as they are compared by the core: opened first, so that both have a stamp."""

from functools import partial

from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.comparison import Comparison
from inspector.models.problem import Problem
from sparse_core.messages import (
    Answer,
    Failed,
    FileId,
    OpenCheckpoint,
    Opened,
    Progress,
    ScanOptions,
    Stopped,
)
from sparse_core.messages.comparison import Compared, CompareWanted
from sparse_core.messages.timeline import TimelineOptions

_NONE = -1


class ComparisonFeed(QObject):
    """Asks the core to compare two checkpoints of its machine.

    Parameters
    ----------
    link : Asker
    a, b : str
        Paths.
    options : ScanOptions
        How masks are made.

    Attributes
    ----------
    files : (FileId, FileId)
        With stamps once both are open; requests about layers name them.
    found : Comparison or None
    progress : Progress or None
    stage : str
        ``reading``, ``complete``, ``stopped`` or ``failed``.
    """

    changed = Signal()
    moved = Signal()
    """Progress or stage are others."""
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(
        self, link: Asker, a: str, b: str, options: ScanOptions, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.link = link
        self.options = options
        self.files = (FileId(a), FileId(b))
        self.found: Comparison | None = None
        self.progress: Progress | None = None
        self.stage = "reading"
        self._call = _NONE
        self._token: object = None
        self._parts: list[Compared] = []
        self.begin()

    def begin(self) -> None:
        """Compare what is there now."""
        self.found, self.stage, self._parts = None, "reading", []
        one, other = (FileId(file.path, file.container) for file in self.files)
        self.files = (one, other)
        self._open(0)

    def cancel(self) -> None:
        """Stop comparing."""
        if self._call != _NONE:
            self.link.cancel(self._call)

    def release(self) -> None:
        """Let go of the core."""
        self.cancel()
        self._token = None

    def _open(self, which: int) -> None:
        self._ask(OpenCheckpoint(self.files[which], self.options), partial(self._on_opened, which))

    def _ask(self, body: OpenCheckpoint | CompareWanted, take: object) -> None:
        token = self._token = object()
        self._call = self.link.ask(body, partial(self._on_answer, token, take))

    def _on_answer(self, token: object, take: object, answer: Answer) -> None:
        if token is not self._token:
            return
        body = answer.body
        if isinstance(body, Failed):
            self._end("failed")
            where = " and ".join(file.path for file in self.files)
            self.failed.emit(Problem(body.sentence, where=where, details=body.trace))
        elif isinstance(body, Stopped):
            self._end("stopped")
        elif isinstance(body, Progress):
            self.progress = body
            self.moved.emit()
        elif callable(take):
            take(answer)

    def _on_opened(self, which: int, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Opened):
            a, b = self.files
            self.files = (body.file, b) if which == 0 else (a, body.file)
        if not answer.last:
            return
        if which == 0:
            self._open(1)
            return
        options = self.options
        asked = TimelineOptions(
            rule=options.rule,
            pattern=options.pattern,
            axis=options.axis,
            kinds=options.kinds,
            axes=options.axes,
            cache=options.cache,
        )
        self._ask(CompareWanted(*self.files, asked), self._on_compared)

    def _on_compared(self, answer: Answer) -> None:
        if isinstance(answer.body, Compared):
            self._parts.append(answer.body)
        if answer.last:
            self.found = Comparison.joined(self._parts)
            self._end("complete")
            self.changed.emit()

    def _end(self, stage: str) -> None:
        self._call = _NONE
        self.progress = None
        self.stage = stage
        self.moved.emit()

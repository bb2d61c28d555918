"""One series of checkpoints as it arrives from the core, and as it grows."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from inspector.models.asking import Asker
from inspector.models.problem import Problem
from inspector.models.series_table import SeriesTable
from sparse_core.messages import Answer, Done, Failed, Progress, Stopped
from sparse_core.messages.timeline import (
    Curve,
    SeriesId,
    TimelineOptions,
    TimelinePoints,
    TimelineRows,
    TimelineWanted,
)

FOLLOW_MS = 2000
_NONE = -1


class SeriesFeed(QObject):
    """Asks for a timeline, then every two seconds whether it grew.

    Parameters
    ----------
    link : Asker
    series : SeriesId
    options : TimelineOptions

    Attributes
    ----------
    table : SeriesTable or None
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
        self,
        link: Asker,
        series: SeriesId,
        options: TimelineOptions,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._link = link
        self.series = series
        self.options = options
        self.table: SeriesTable | None = None
        self.progress: Progress | None = None
        self.stage = "reading"
        self._call = _NONE
        self._token: object = None
        self._timer = QTimer(self)
        self._timer.setInterval(FOLLOW_MS)
        self._timer.timeout.connect(self._follow)
        self._ask(follow=False)

    @property
    def name(self) -> str:
        """What the series is called on the screen: the last part of its path."""
        first = self.series.sources[0].rstrip("/")
        name = first.rpartition("/")[2] or first
        more = len(self.series.sources) - 1
        return f"{name} + {more}" if more else name

    @property
    def running(self) -> bool:
        """Whether the series is read for the first time."""
        return self.stage == "reading"

    def cancel(self) -> None:
        """Stop reading; what came so far stays."""
        if self._call != _NONE:
            self._link.cancel(self._call)

    def ask_again(self) -> None:
        """Read anew, where the core that was asked is gone."""
        self._ask(follow=self.table is not None)

    def release(self) -> None:
        """Let go of the core."""
        self._timer.stop()
        self.cancel()
        self._token = None

    def _follow(self) -> None:
        if self._call == _NONE:
            self._ask(follow=True)

    def _ask(self, *, follow: bool) -> None:
        token = self._token = object()
        parts: list[TimelineRows] = []
        curves: list[Curve] = []
        points: list[TimelinePoints] = []
        take = partial(self._on_answer, token, points, parts, curves)
        self._call = self._link.ask(TimelineWanted(self.series, self.options, follow), take)

    def _on_answer(
        self,
        token: object,
        points: list[TimelinePoints],
        parts: list[TimelineRows],
        curves: list[Curve],
        answer: Answer,
    ) -> None:
        if token is not self._token:
            return
        body = answer.body
        if isinstance(body, Progress):
            self.progress = body
            self.moved.emit()
        elif isinstance(body, TimelinePoints):
            # After a restart of the core what came before comes again.
            points[:], parts[:], curves[:] = [body], [], []
        elif isinstance(body, TimelineRows):
            parts.append(body)
        elif isinstance(body, Curve):
            curves.append(body)
        if answer.last:
            self._end(body, lambda: SeriesTable.joined(points[0], parts, curves), bool(points))

    def _end(self, body: object, make: Callable[[], SeriesTable], came: bool) -> None:
        self._call = _NONE
        self.progress = None
        first = self.table is None
        if isinstance(body, Failed):
            self._timer.stop()
            self.stage = "failed"
            where = self.series.sources[0]
            self.failed.emit(Problem(body.sentence, where=where, details=body.trace))
        elif isinstance(body, Stopped):
            self.stage = "stopped" if first else self.stage
        elif isinstance(body, Done):
            self.stage = "complete"
            self._timer.start()
        if came:
            self.table = make()
            self.changed.emit()
        self.moved.emit()

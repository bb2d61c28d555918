"""Tools of the core as jobs: started here, asked for what they found until they are over."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from inspector.models.costs import Costs
from inspector.models.latest import Latest
from sparse_core.messages import Answer, Failed
from sparse_core.messages.jobs import JobStarted, Measurements, MeasurementsWanted, StartTool

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage

LOOK_MS = 1000


class Tools(QObject):
    """The one tool job that is looked at."""

    found = Signal(object)
    """``Costs`` so far."""
    ended = Signal(object)
    """``Costs`` of a job that is over."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self.folder = ""
        self._token: object = None
        self._asked: Latest | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether a tool works."""
        return self._timer.isActive() or self._token is not None

    def start(self, wanted: StartTool) -> None:
        """Start a tool."""
        page = self._page
        token = self._token = object()

        def on_answer(answer: Answer) -> None:
            if token is not self._token:
                return
            self._token = None
            if isinstance(answer.body, Failed):
                page.tell(answer.body.sentence, wanted.source)
            elif isinstance(answer.body, JobStarted):
                self.show(answer.body.folder)
            page.moved.emit()

        page.ask(wanted, on_answer)

    def show(self, folder: str) -> None:
        """Look at what a tool found, and go on while it works."""
        if self._asked is not None:
            self._asked.forget()
        self.folder = folder
        self._asked = Latest(self._page.desk.asker(self._page.view.host))
        self._timer.start()
        self._look()

    def release(self) -> None:
        """Let go of the core."""
        self._timer.stop()
        self._token = None
        if self._asked is not None:
            self._asked.forget()

    def _look(self) -> None:
        if self._asked is not None and not self._asked.busy:
            feed = self._page.job_panel.feed
            row = feed.row(self.folder) if feed is not None else None
            over = row is not None and not row.live
            self._asked.want(
                MeasurementsWanted(self.folder), lambda answer: self._take(answer, over)
            )

    def _take(self, answer: Answer, over: bool) -> None:
        body = answer.body
        if isinstance(body, Measurements) and body.folder == self.folder:
            costs = Costs.of(body)
            self.found.emit(costs)
            if over:
                self._timer.stop()
                self.ended.emit(costs)
                self._page.moved.emit()

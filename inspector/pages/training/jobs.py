"""The jobs panel: every job and run of the machine, and the log of the chosen one."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QTextCursor

from inspector.models.job_feed import JobFeed, JobRow
from inspector.models.latest import Latest
from inspector.models.run_words import job_columns, jobs_said
from sparse_core.messages import Answer, Failed
from sparse_core.messages.jobs import ForgetJobs, Log, LogWanted

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage

LOG_MS = 2000
_VIEW = 1_000_012
_RUNS = ("train",)


class JobsPanel(QObject):
    """The list of jobs on the page."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self._host = "?"
        self.feed: JobFeed | None = None
        self.folder = ""
        self._logs: Latest | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOG_MS)
        self._timer.timeout.connect(self._ask_log)
        page.jobs.chosen.connect(self._choose)
        page.jobs.opened.connect(lambda row: self._open(self.rows[row]))
        page.watch.clicked.connect(lambda *_: page.act("train.watch"))
        page.overlay.clicked.connect(lambda *_: page.act("train.overlay"))
        page.forget.clicked.connect(lambda *_: page.act("train.forget"))

    @property
    def rows(self) -> tuple[JobRow, ...]:
        """All jobs."""
        return self.feed.rows if self.feed is not None else ()

    @property
    def row(self) -> JobRow | None:
        """The chosen job."""
        return next((row for row in self.rows if row.folder == self.folder), None)

    @property
    def status(self) -> str:
        """How many run, how many are over."""
        return jobs_said(self.rows) if self.feed is not None and self.feed.known else ""

    def begin(self) -> None:
        """Follow the list of the view's machine."""
        page = self._page
        if self.feed is not None and self._host == page.view.host:
            return
        self.release()
        self._host = page.view.host
        link = page.desk.asker(self._host)
        self._logs = Latest(link)
        self.feed = JobFeed(link, self)
        self.feed.changed.connect(self._on_jobs)
        self.feed.failed.connect(page.problem_found)

    def ask_again(self) -> None:
        """Follow anew: the core that was asked is gone."""
        if self.feed is not None:
            self.feed.ask_again()
        if self._logs is not None:
            self._logs.forget()

    def release(self) -> None:
        """Let go of the core."""
        self._timer.stop()
        if self._logs is not None:
            self._logs.forget()
        if self.feed is not None:
            self.feed.release()
            self.feed.deleteLater()
            self.feed = None

    def show(self) -> None:
        """Read the log on while the panel is looked at."""
        shown = self._page.view.side == "jobs"
        if shown and not self._timer.isActive() and self.folder:
            self._ask_log()
            self._timer.start()
        elif not shown:
            self._timer.stop()

    def watch(self) -> None:
        """Watch the chosen run."""
        if self.row is not None:
            self._open(self.row)

    def overlay(self) -> None:
        """Lay the chosen run over the one that is watched."""
        page, row = self._page, self.row
        if row is not None and row.kind in _RUNS:
            page.show_view(page.view.with_overlaid(row.folder))

    def forget(self) -> None:
        """Take the chosen job off the list; nothing is deleted."""
        if self.row is not None:
            self._page.ask(ForgetJobs((self.row.folder,)), self._on_forgotten)

    def _on_forgotten(self, answer: Answer) -> None:
        if isinstance(answer.body, Failed):
            self._page.tell(answer.body.sentence, self.folder)

    def _open(self, row: JobRow) -> None:
        self._page.open_job(row)

    def _choose(self, place: int) -> None:
        folder = self.rows[place].folder
        if folder != self.folder:
            self.folder = folder
            self._page.log.setPlainText("")
            self._page.log_panel.beside.set_whole(folder)
            if self._logs is not None:
                self._logs.forget()
            self._ask_log()
            self.show()
        self._page.moved.emit()

    def _on_jobs(self) -> None:
        page = self._page
        page.job_table.show(job_columns(self.rows))
        folders = [row.folder for row in self.rows]
        page.jobs.set_row(folders.index(self.folder) if self.folder in folders else -1)
        page.jobs_changed()

    def _ask_log(self) -> None:
        if self._logs is not None and self.folder and not self._logs.busy:
            self._logs.want(LogWanted(_VIEW, self.folder), self._on_log)

    def _on_log(self, answer: Answer) -> None:
        body = answer.body
        if not isinstance(body, Log) or body.folder != self.folder:
            return
        text = f"(the beginning is in log.txt)\n{body.text}" if body.cut else body.text
        pane = self._page.log
        if pane.toPlainText() != text:
            bar = pane.verticalScrollBar()
            end = bar.value() == bar.maximum()
            pane.setPlainText(text)
            if end:
                pane.moveCursor(QTextCursor.MoveOperation.End)

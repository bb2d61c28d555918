"""A folder of runs side by side: options that differ, seeds grouped, rows laid over one another."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from inspector.models.latest import Latest
from inspector.models.run_table import group_columns, run_columns
from sparse_core.messages import Answer, Failed
from sparse_core.messages.runs import RunsTable, RunsWanted

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage


class Tabling(QObject):
    """The table of runs on the page."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self._asked: Latest | None = None
        self._at = ("", "")
        self.found: RunsTable | None = None
        self.picked = -1
        page.table_field.returnPressed.connect(
            lambda: page.change(table=page.table_field.text().strip())
        )
        page.table_again.clicked.connect(lambda *_: self.read())
        page.table_browse.clicked.connect(lambda *_: self._browse())
        page.runs.chosen.connect(self._pick)
        page.runs.opened.connect(self._watch)
        for kind, button in page.table_buttons.items():
            button.clicked.connect(lambda *_, kind=kind: page.act(f"train.{kind}"))

    @property
    def busy(self) -> bool:
        """Whether the table is still to come."""
        return self._asked is not None and self._asked.busy

    def show(self) -> None:
        """Read the folder of the view while the table is looked at."""
        page, view = self._page, self._page.view
        if page.table_field.text().strip() != view.table:
            page.table_field.setText(view.table)
        if view.side == "table" and view.table and self._at != (view.host, view.table):
            self.read()

    def read(self) -> None:
        """Read the folder, again if need be."""
        page, view = self._page, self._page.view
        folder = page.table_field.text().strip() or view.table
        if not folder:
            return
        self._at = (view.host, folder)
        if self._asked is not None:
            self._asked.forget()
        self._asked = Latest(page.desk.asker(view.host))
        self._asked.want(RunsWanted((folder,)), self._take)

    def release(self) -> None:
        """Let go of the core."""
        if self._asked is not None:
            self._asked.forget()

    def watch_picked(self) -> None:
        """Lay the picked run over the one that is watched; the first one is watched itself."""
        page = self._page
        if self.found is None or self.picked < 0:
            return
        folder = self.found.folders[self.picked]
        if page.view.run:
            page.show_view(page.view.with_overlaid(folder))
        else:
            page.show_view(page.view.watching(folder))

    def copy(self, kind: str) -> None:
        """Copy the table as CSV or LaTeX."""
        if self.found is not None:
            QGuiApplication.clipboard().setText(getattr(self.found, kind))

    def _take(self, answer: Answer) -> None:
        page, body = self._page, answer.body
        if isinstance(body, Failed):
            page.tell(body.sentence, self._at[1])
        elif isinstance(body, RunsTable):
            self.found, self.picked = body, -1
            page.run_table.show(run_columns(body))
            page.group_table.show(group_columns(body))
            page.runs.beside.set_whole(" ".join(body.notes))
        page.moved.emit()

    def _pick(self, row: int) -> None:
        self.picked = row
        self._page.moved.emit()

    def _watch(self, row: int) -> None:
        if self.found is not None:
            self._page.show_view(self._page.view.watching(self.found.folders[row]))

    def _browse(self) -> None:
        dialog = QFileDialog(self._page, "A folder of runs")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda folder: self._page.change(table=folder))
        dialog.open()

"""What the commands of the page do."""

import shlex
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog

from inspector.errands import FineTune
from inspector.models.problem import Problem
from inspector.models.series_table import csv_of, rows_of
from sparse_core.messages import Answer, Failed
from sparse_core.messages.timeline import BundleWanted, Written

if TYPE_CHECKING:
    from inspector.pages.timeline.page import TimelinePage


class Acts(QObject):
    """Carries out commands on the page."""

    def __init__(self, page: "TimelinePage") -> None:
        super().__init__(page)
        self._page = page
        self._do: dict[str, Callable[[], None]] = {
            "timeline.open": self._open,
            "timeline.open_files": self._open_files,
            "timeline.remove": self._remove,
            "timeline.next_series": self._next_series,
            "timeline.later": partial(self._step, 1),
            "timeline.earlier": partial(self._step, -1),
            "timeline.pin": self._pin,
            "timeline.exclude": self._exclude,
            "timeline.reference": self._reference,
            "timeline.whole": lambda: page.change(span=None, layers=(), pinned=-1),
            "timeline.weights": lambda: page.open_point(page.at, *page.showing.pointed),
            "timeline.remedy": self._remedy,
            "timeline.bundle": self._bundle,
            "timeline.python": self._copy_python,
            "timeline.command": self._copy_command,
            "timeline.table": self._copy_table,
            "timeline.picture": self._picture,
        }

    @property
    def known(self) -> tuple[str, ...]:
        """The commands that can be carried out."""
        return tuple(self._do)

    def act(self, command: str) -> None:
        """Carry out a command."""
        self._do[command]()

    def _open(self) -> None:
        dialog = QFileDialog(self._page, "Add a run folder or a folder of checkpoints")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._page.open_text)
        dialog.open()

    def _open_files(self) -> None:
        """Take files one by one: their steps, or the order in which they are named."""
        dialog = QFileDialog(self._page, "Add checkpoints as one series")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._page.open_files)
        dialog.open()

    def _remove(self) -> None:
        if self._page.view.sources:
            self._page.show_view(self._page.view.without_source(self._page.view.front))

    def _next_series(self) -> None:
        view = self._page.view
        if view.sources:
            self._page.change(front=(view.front + 1) % len(view.sources))

    def _step(self, by: int) -> None:
        table = self._page.table
        if table is not None:
            place = min(max(self._page.at + by, 0), len(table.steps) - 1)
            self._page.change(step=int(table.steps[place]))

    def _pin(self) -> None:
        table = self._page.table
        if table is not None:
            pinned = self._page.view.pinned
            here = int(table.steps[self._page.at])
            self._page.change(pinned=-1 if pinned >= 0 else here, plane="flips")

    def _exclude(self) -> None:
        """Read the series again without the checkpoint under the cursor."""
        table = self._page.table
        if table is not None:
            self._page.leave_out(table.names[self._page.at])

    def _reference(self) -> None:
        table = self._page.table
        if table is not None:
            self._page.change(reference=table.paths[self._page.at], measure="against the reference")

    def _remedy(self) -> None:
        """Hand the training page what would settle these masks, and why."""
        page, table = self._page, self._page.table
        if table is None:
            return
        rows = rows_of(table, page.view.layers)
        pattern = table.patterns[int(rows[0])] or page.view.pattern or "2:4"
        page.errand_wanted.emit(
            FineTune(
                options=(
                    ("method", "sr-ste"),
                    ("pattern", pattern),
                    ("lambda", "0.01"),
                    ("init", table.paths[-1]),
                ),
                host=page.source.host,
                reason=page.verdict.headline.text(),
            )
        )

    def _bundle(self) -> None:
        if self._page.source.host:
            dialog = QInputDialog(self._page)
            dialog.setLabelText(f"Folder on {self._page.source.host} for the figure bundle:")
            dialog.textValueSelected.connect(self.write_bundle)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()
            return
        chooser = QFileDialog(self._page, "Folder for the figure bundle")
        chooser.setFileMode(QFileDialog.FileMode.Directory)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.fileSelected.connect(self.write_bundle)
        chooser.open()

    def write_bundle(self, folder: str) -> None:
        """Let the core write data, script and figure of the series on its machine."""
        page = self._page
        series = tuple(one.series for one in page.view.sources if one.host == page.source.host)
        wanted = BundleWanted(series, page.view.options, folder)
        page.desk.asker(page.source.host).ask(wanted, partial(self._on_written, folder))

    def _on_written(self, folder: str, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Failed):
            self._page.problem_found.emit(Problem(body.sentence, where=folder))
        elif isinstance(body, Written):
            notes = " ".join(body.notes)
            sentence = f"{len(body.paths)} files are in {folder}. {notes}".strip()
            self._page.problem_found.emit(Problem(sentence, severity="notice", where=folder))

    def _copy_python(self) -> None:
        if self._page.table is not None:
            _copy(self._page.table.python)

    def _copy_command(self) -> None:
        page = self._page
        view, series = page.view, page.source.series
        words = ["sparsescope", "timeline", *series.sources]
        for name in series.exclude:
            words += ["--exclude", name]
        if view.rule != "auto":
            words += ["--rule", view.rule]
        if view.pattern:
            words += ["--pattern", view.pattern]
        if view.axis != "in":
            words += ["--axis", view.axis]
        if view.reference:
            words += ["--reference", view.reference]
        if view.epsilon:
            words += ["--epsilon", f"{view.epsilon:g}"]
        _copy(shlex.join(words))

    def _copy_table(self) -> None:
        _copy(csv_of(self._page.feeds.known(self._page.view), self._page.view.layers))

    def _picture(self) -> None:
        dialog = QFileDialog(self._page, "Save the page as PNG")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.save_picture)
        dialog.open()

    def save_picture(self, path: str) -> None:
        """Save what is on the page."""
        if not self._page.grab().save(path):
            self._page.problem_found.emit(Problem(f"{path} cannot be written.", where=path))


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)

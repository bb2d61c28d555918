"""What the page's commands do, by their ids."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from inspector.models import copying
from inspector.models.asking import Asker
from inspector.models.places import Place
from inspector.models.problem import Problem
from inspector.pages.weights.correcting import Correcting
from inspector.pages.weights.repairing import Repairing
from inspector.pages.weights.story import Story
from inspector.settings import Settings
from inspector.views.place_line import PlaceLine
from inspector.views.term_sheet import TermSheet

if TYPE_CHECKING:
    from inspector.pages.weights.page import WeightsPage


class Acts(QObject):
    """Carries out commands on a page.

    Parameters
    ----------
    page : WeightsPage
    """

    def __init__(self, page: "WeightsPage", link: Asker) -> None:
        super().__init__(page)
        self._page = page
        self.repairing = Repairing(link, page.feed, page)
        self.correcting = Correcting(page)
        self.story = Story(page.feed.file.path, self)
        finding, walk = page.finding, page.finding.walk
        self._acts: dict[str, Callable[[], None]] = {
            "groups.next": partial(walk.go, 1),
            "groups.previous": partial(walk.go, -1),
            "groups.next_here": partial(walk.go, 1, within=True),
            "groups.previous_here": partial(walk.go, -1, within=True),
            "groups.broken": finding.list_broken,
            "groups.unsteady": finding.list_unsteady,
            "groups.repair": self.repairing.ask_where,
            "view.edges": page.edges.next,
            "layers.weight": self._ask_place,
            "layers.kind": self._show_corrections,
            "copy.value": lambda: _copy(copying.value_text(page.cell)),
            "copy.row": self._copy_row,
            "copy.path": lambda: _copy(page.feed.file.path),
            "copy.command": self._copy_command,
            "copy.python": self._copy_python,
            "copy.table": partial(
                self._ask_file, "Save table as CSV", "layers.csv", self.save_table
            ),
            "copy.map": partial(self._ask_file, "Save map as PNG", "map.png", self.save_map),
            "help.words": self._show_words,
        }
        self._connect()

    def _connect(self) -> None:
        page, repairing = self._page, self.repairing
        repairing.said.connect(page.verdict.set_remark)
        repairing.problem_found.connect(page.problem_found)
        repairing.progressed.connect(page.feed.show_progress)
        repairing.repaired.connect(lambda *_: self.story.did("repaired"))
        page.finding.arrived.connect(lambda *_: self.story.did("arrived"))
        self.story.changed.connect(page.hint_changed)
        self.correcting.corrected.connect(self._correct)
        self.correcting.taken_back.connect(self._take_back)
        page.layers.box.views_changed.connect(self._keep_views)

    @property
    def known(self) -> tuple[str, ...]:
        """Ids of the commands that the page carries out."""
        return tuple(self._acts)

    @property
    def busy(self) -> bool:
        """Whether something that will be shown is still to come."""
        return self.repairing.busy

    def release(self) -> None:
        """Let go of the core."""
        self.repairing.release()

    def show_settings(self, settings: Settings) -> None:
        """Follow what the user prefers."""
        self._page.layers.box.set_views(settings.views)
        self.story.want(settings.hints)

    def act(self, command: str) -> None:
        """Carry out a command.

        Raises
        ------
        KeyError
            If the page knows no such command.
        """
        self._acts[command]()

    def save_table(self, path: str) -> None:
        """Write the rows shown as CSV."""
        feed = self._page.feed
        text = copying.table_text(feed.table, feed.layers.rows_shown)
        try:
            with open(path, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
                file.write(text)
        except OSError as error:
            self._complain(path, error.strerror or str(error))

    def save_map(self, path: str) -> None:
        """Write the map as it is seen."""
        if not self._page.canvas.grab().save(path, "PNG"):
            self._complain(path, "it cannot be written there")

    # ------------------------------------------------------------ inside

    def _ask_place(self) -> None:
        page = self._page
        line = PlaceLine(page.feed.table.names, page.tensor, page)
        line.place_chosen.connect(self._go)
        line.open()

    def _go(self, place: Place) -> None:
        if place.row < 0:
            self._page.tensor_chosen.emit(place.tensor)
        else:
            self._page.finding.go_to(place.tensor, place.row, place.column)

    def _copy_row(self) -> None:
        table = self._page.feed.table
        row = table.row_of(self._page.tensor)
        if row >= 0:
            _copy(copying.row_text(table, row))

    def _copy_command(self) -> None:
        feed = self._page.feed
        _copy(copying.command_text(feed.file, feed.options, self._page.layers.filter.text()))

    def _copy_python(self) -> None:
        page = self._page
        _copy(copying.python_text(page.feed.file, page.tensor, page.cell))

    def _show_corrections(self) -> None:
        page, feed = self._page, self._page.feed
        if feed.table.row_of(page.tensor) >= 0:
            at = page.canvas.mapToGlobal(QPoint(page.canvas.width() // 4, 24))
            self.correcting.show(feed.table, page.tensor, feed.options, at)

    def _correct(self, tensor: str, kind: str, axis: str) -> None:
        """Keep a correction; files are judged anew as settings change."""
        self._page.settings_wanted.emit(lambda settings: settings.corrected(tensor, kind, axis))

    def _take_back(self, tensor: str) -> None:
        self._page.settings_wanted.emit(lambda settings: settings.uncorrected(tensor))

    def _keep_views(self, views: tuple[str, ...]) -> None:
        self._page.settings_wanted.emit(lambda settings: replace(settings, views=views))

    def _show_words(self) -> None:
        TermSheet(self._page).open()

    def _ask_file(self, title: str, name: str, write: Callable[[str], None]) -> None:
        dialog = QFileDialog(self._page, title)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(name)
        dialog.fileSelected.connect(write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _complain(self, path: str, why: str) -> None:
        self._page.problem_found.emit(Problem(f"{path} was not written: {why}.", where=path))


def _copy(text: str) -> None:
    if text:
        QGuiApplication.clipboard().setText(text)

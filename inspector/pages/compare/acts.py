"""What the commands of the page do."""

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from inspector.errands import OpenWeights
from inspector.link.places import split
from inspector.models.comparison import csv_of
from inspector.models.problem import Problem

if TYPE_CHECKING:
    from inspector.pages.compare.page import ComparePage


class Acts(QObject):
    """Carries out commands on the page."""

    def __init__(self, page: "ComparePage") -> None:
        super().__init__(page)
        self._page = page
        self._do: dict[str, Callable[[], None]] = {
            "compare.first": page.a.browse,
            "compare.second": page.b.browse,
            "compare.swap": self._swap,
            "compare.again": page.compare_again,
            "compare.next": partial(page.maps.step, 1),
            "compare.previous": partial(page.maps.step, -1),
            "compare.blink": self._blink,
            "compare.turn": self._turn,
            "compare.fit": page.maps.fit,
            "compare.open_first": lambda: self._open(page.view.first),
            "compare.open_second": lambda: self._open(page.view.second),
            "compare.filter": page.layers.filter.setFocus,
            "compare.command": self._copy_command,
            "compare.python": self._copy_python,
            "compare.table": partial(self._ask_file, "comparison.csv", self.save_table),
            "compare.picture": partial(self._ask_file, "comparison.png", self.save_picture),
        }

    @property
    def known(self) -> tuple[str, ...]:
        """The commands that can be carried out."""
        return tuple(self._do)

    def act(self, command: str) -> None:
        """Carry out a command."""
        self._do[command]()

    def _swap(self) -> None:
        view = self._page.view
        self._page.change(first=view.second, second=view.first)

    def _blink(self) -> None:
        triptych = self._page.triptych
        triptych.blink(not triptych.blinking)

    def _turn(self) -> None:
        """Turn by hand: for who does not want what blinks by itself."""
        triptych = self._page.triptych
        triptych.blink(True, steady=False) if not triptych.blinking else triptych.turn()

    def _open(self, place: str) -> None:
        row, column = self._page.maps.pointed
        self._page.errand_wanted.emit(
            OpenWeights(place, tensor=self._page.maps.layer, row=row, column=column)
        )

    def _copy_command(self) -> None:
        view = self._page.view
        words = ["sparsescope", "compare", split(view.first)[1], split(view.second)[1]]
        if view.pattern:
            words += ["--pattern", view.pattern]
            if view.axis != "in":
                words += ["--axis", view.axis]
        QGuiApplication.clipboard().setText(shlex.join(words))

    def _copy_python(self) -> None:
        view = self._page.view
        places = [repr(split(place)[1]) for place in (view.first, view.second)]
        options = [f"pattern={view.pattern!r}"] if view.pattern else []
        options += [f"axis={view.axis!r}"] if view.pattern and view.axis != "in" else []
        QGuiApplication.clipboard().setText(
            "import sparse_core\n\n"
            f"found = sparse_core.compare({', '.join([*places, *options])})\n"
            "found.table()  # a row a layer, then the total\n"
        )

    def _ask_file(self, name: str, write: Callable[[str], None]) -> None:
        dialog = QFileDialog(self._page, "Save the comparison")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(name)
        dialog.fileSelected.connect(write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_table(self, path: str) -> None:
        """Write the figures of all layers."""
        found = self._page.found
        if found is None:
            return
        try:
            Path(path).write_text(csv_of(found), encoding="utf-8", newline="")
        except OSError as error:
            self._fail(f"{path} cannot be written: {error.strerror}.", path)

    def save_picture(self, path: str) -> None:
        """Save what is on the page."""
        if not self._page.grab().save(path, "PNG"):
            self._fail(f"{path} cannot be written.", path)

    def _fail(self, sentence: str, path: str) -> None:
        self._page.problem_found.emit(Problem(sentence, where=path))

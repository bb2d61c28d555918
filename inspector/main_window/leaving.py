"""Asks before the window closes while jobs go on; they outlive it either way."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from inspector.main_window.window import MainWindow

_TEXT = "It goes on without the window, and is found again at the next start."


class Leaving(QObject):
    """Whether the window may close now.

    Parameters
    ----------
    window : MainWindow
    """

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._agreed = False
        self.box: QMessageBox | None = None

    def may_close(self) -> bool:
        """Say whether nothing has to be asked; else ask."""
        going_on = self._window.shelf.going_on
        if self._agreed or not going_on:
            return True
        if self.box is None:
            self._ask(going_on)
        return False

    def agree(self) -> None:
        """Let the window close without a question."""
        self._agreed = True

    def _ask(self, going_on: str) -> None:
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle("Close Sparsescope?")
        box.setText(going_on)
        box.setInformativeText(_TEXT)
        close = box.addButton("Close, let it run", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(close)
        box.finished.connect(lambda *_: self._on_answer(box.clickedButton() is close))
        self.box = box
        box.open()

    def _on_answer(self, close: bool) -> None:
        self.box = None
        if close:
            self.agree()
            self._window.close()

"""Files and folders chosen in a dialog of the system, or dropped on the window."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, Qt, QUrl, Slot
from PySide6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from inspector.main_window.window import MainWindow


class Choosing(QObject):
    """Opens what is chosen on this machine."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do."""
        mode = QFileDialog.FileMode
        return {
            "file.open": partial(self._ask, mode.ExistingFiles),
            "file.open_folder": partial(self._ask, mode.Directory),
        }

    def _ask(self, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self._window, "Open a checkpoint")
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.open_all)
        dialog.open()

    @Slot(list)
    def open_all(self, paths: list[str]) -> None:
        """Open each of these paths."""
        for path in paths:
            self._window.open_path(path)


def paths_of(data: QMimeData) -> list[str]:
    """Return the local paths that were dragged."""
    urls: list[QUrl] = data.urls() if data.hasUrls() else []
    return [url.toLocalFile() for url in urls if url.isLocalFile()]

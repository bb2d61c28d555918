"""Where a checkpoint lies: chosen among what is open and recent, written, or looked for."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QWidget

_LEAST = 180


class PlaceField(QWidget):
    """A label, a list that can be written into, and a button to look for a file.

    Parameters
    ----------
    label : str
    name : str
        What a screen reader says.
    """

    chosen = Signal(str)
    """``PATH`` or ``HOST:PATH``."""

    def __init__(self, label: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.list = QComboBox()
        self.list.setEditable(True)
        self.list.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.list.setAccessibleName(name)
        self.list.setMinimumWidth(_LEAST)
        line = self.list.lineEdit()
        assert line is not None
        line.setPlaceholderText("PATH or HOST:PATH")
        line.returnPressed.connect(lambda: self._choose(line.text()))
        self.line = line
        self.list.textActivated.connect(self._choose)
        browse = QPushButton("…")
        browse.setAccessibleName(f"Look for {name.lower()}")
        browse.setToolTip(f"Look for {name.lower()}")
        browse.clicked.connect(lambda *_: self.browse())
        letter = QLabel(label)
        font = letter.font()
        font.setBold(True)
        letter.setFont(font)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(letter)
        layout.addWidget(self.list, 1)
        layout.addWidget(browse)

    def show_place(self, place: str, offered: Sequence[str]) -> None:
        """Show a place, and offer others."""
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems(list(offered))
        self.list.setCurrentIndex(self.list.findText(place, Qt.MatchFlag.MatchExactly))
        self.list.setEditText(place)
        self.list.blockSignals(False)
        self.list.setToolTip(place)

    def browse(self) -> None:
        """Look for a file of this machine."""
        dialog = QFileDialog(self, "Choose a checkpoint")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.chosen)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files of this machine."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Choose the first file that was dropped."""
        for url in event.mimeData().urls():
            if url.isLocalFile():
                event.acceptProposedAction()
                self.chosen.emit(url.toLocalFile())
                return

    def _choose(self, text: str) -> None:
        if text.strip():
            self.chosen.emit(text.strip())

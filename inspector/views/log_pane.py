"""What the core process writes to its stderr."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QWidget

from inspector.theme import monospaced
from inspector.views.panel import Panel

LINES = 5000


class LogPane(Panel):
    """The last 5,000 lines, to read and to copy."""

    close_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Log of the core", parent)
        self.beside.set_whole("stderr of the process that reads the files")
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName("Log of the core")
        self.text.setMaximumBlockCount(LINES)
        self.text.setFont(monospaced())
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setTabChangesFocus(True)
        self.text.setPlaceholderText("Nothing was written so far.")
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        for title, handler in (("Copy", self._copy), ("Hide", self.close_wanted.emit)):
            button = QPushButton(title)
            button.setProperty("link", True)
            button.setAccessibleName(f"{title} the log")
            button.clicked.connect(lambda *_, handler=handler: handler())
            self.header.addWidget(button)
        self.body.addWidget(self.text)

    def add_line(self, line: str) -> None:
        """Append a line; the view follows only if it stood at the end."""
        self.text.appendPlainText(line)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

"""A panel: hairline, rounded corners, a bold title with a dim line beside it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from inspector.theme import points

TITLE_POINTS = 10.0


class Elided(QLabel):
    """A line of text that gives way: what does not fit ends in an ellipsis."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = text
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(40)

    @property
    def whole(self) -> str:
        """The text as it was set."""
        return self._whole

    def set_whole(self, text: str) -> None:
        """Show a text; all of it stays in the tooltip."""
        self._whole = text
        self.setToolTip(text)
        self._fit()

    def resizeEvent(self, event: object) -> None:
        """Cut the text anew."""
        self._fit()

    def _fit(self) -> None:
        text = self.fontMetrics().elidedText(
            self._whole, Qt.TextElideMode.ElideRight, max(self.width() - 2, 0)
        )
        if text != self.text():
            self.setText(text)


class Panel(QFrame):
    """A titled panel; its content goes into ``body``, buttons into ``header``.

    Parameters
    ----------
    title : str
        "" makes a panel without a header.
    """

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        if title:
            self.setAccessibleName(title)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(13, 10, 13, 10)
        outer.setSpacing(8)
        self.title = QLabel(title, self)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        font = QFont(self.title.font())
        font.setPointSizeF(points(TITLE_POINTS))
        font.setBold(True)
        self.title.setFont(font)
        self.beside = Elided(parent=self)
        self.beside.setProperty("tone", "dim")
        self.header = QHBoxLayout()
        self.header.setSpacing(8)
        self.header.addWidget(self.title)
        self.header.addWidget(self.beside, 1)
        self.title.setVisible(bool(title))
        self.beside.setVisible(bool(title))
        if title:
            outer.addLayout(self.header)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        outer.addLayout(self.body, 1)

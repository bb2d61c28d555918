"""The head of a run: its name, how far it is, and the buttons that hold and end it."""

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from inspector.theme import Theme, points
from inspector.views.panel import Elided

_NAME_POINTS = 12.5
_BAR = 6
_BUTTONS = ("pause", "save", "stop", "resume", "export", "open")


class ProgressLine(QWidget):
    """A thin bar; a share below zero is not known."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share, self._tone = -1.0, "accent"
        self.setFixedHeight(_BAR)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def set_share(self, share: float, tone: str) -> None:
        """Show how much is done, in a colour of the theme by its name."""
        if (share, tone) != (self._share, self._tone):
            self._share, self._tone = share, tone
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground and what is done of it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(0, 0, 0, 0))
        whole = QRectF(self.rect())
        painter.setBrush(QColor(self._theme.chip))
        painter.drawRoundedRect(whole, _BAR / 2, _BAR / 2)
        if self._share > 0:
            whole.setWidth(max(whole.width() * min(self._share, 1.0), _BAR))
            painter.setBrush(QColor(getattr(self._theme, self._tone)))
            painter.drawRoundedRect(whole, _BAR / 2, _BAR / 2)
        painter.end()


class RunHeadBar(QFrame):
    """One line of words, one of progress, and buttons; which of them are there the page says."""

    wanted = Signal(str)
    """One of ``_BUTTONS``."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        self.setAccessibleName("Run")
        self.name = QLabel()
        font = QFont(self.name.font())
        font.setPointSizeF(points(_NAME_POINTS))
        font.setBold(True)
        self.name.setFont(font)
        self.said = Elided()
        self.said.setProperty("tone", "dim")
        self.line = ProgressLine(theme)
        self.figures = Elided()
        self.figures.setProperty("tone", "dim")
        self.buttons = {name: QPushButton() for name in _BUTTONS}
        words = QHBoxLayout()
        words.setSpacing(12)
        words.addWidget(self.name)
        words.addWidget(self.said, 1)
        left = QVBoxLayout()
        left.setSpacing(5)
        left.addLayout(words)
        left.addWidget(self.line)
        left.addWidget(self.figures)
        across = QHBoxLayout(self)
        across.setContentsMargins(13, 9, 13, 9)
        across.setSpacing(8)
        across.addLayout(left, 1)
        for name, button in self.buttons.items():
            button.clicked.connect(lambda *_, name=name: self.wanted.emit(name))
            across.addWidget(button)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self.line.set_theme(theme)

    def show_run(self, name: str, said: str, figures: str, share: float, tone: str) -> None:
        """Show a run in words and as a bar."""
        self.name.setText(name)
        self.said.set_whole(said)
        self.figures.set_whole(figures)
        self.line.set_share(share, tone)
        self.setAccessibleDescription(f"{name}: {said}")

    def show_buttons(self, titles: Mapping[str, str]) -> None:
        """Show the buttons that are named, with these titles."""
        for name, button in self.buttons.items():
            button.setVisible(name in titles)
            if name in titles:
                button.setText(titles[name])
                button.setAccessibleName(f"{titles[name]}: the run")

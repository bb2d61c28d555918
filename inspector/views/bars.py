"""A few times as bars below one another, on one scale."""

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from inspector.theme import Theme, monospaced

_ROW = 40
_NUMBER = 96


class Bar(msgspec.Struct, frozen=True):
    """A name, a length and what stands beside it."""

    name: str
    value: float
    text: str
    tone: str


class Bars(QWidget):
    """Lengths to compare."""

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bars: tuple[Bar, ...] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What is shown."""
        return self._bars

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """Show bars."""
        self._bars = tuple(bars)
        self.setAccessibleDescription("; ".join(f"{one.name} {one.text}" for one in bars))
        self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a row for each."""
        return QSize(320, _ROW * len(self._bars))

    def minimumSizeHint(self) -> QSize:
        """Give way in width alone."""
        return QSize(_NUMBER + 60, _ROW * len(self._bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((one.value for one in self._bars), default=0) or 1
        width = self.width() - _NUMBER
        for number, one in enumerate(self._bars):
            top = number * _ROW
            painter.setFont(self.font())
            painter.setPen(QColor(self._theme.text))
            painter.drawText(QRectF(0, top, self.width(), 18), one.name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.chip))
            painter.drawRoundedRect(QRectF(0, top + 20, width, 8), 4, 4)
            painter.setBrush(QColor(getattr(self._theme, one.tone)))
            painter.drawRoundedRect(QRectF(0, top + 20, max(one.value / most * width, 4), 8), 4, 4)
            painter.setFont(monospaced())
            painter.setPen(QColor(self._theme.text))
            place = QRectF(width + 10, top + 14, _NUMBER - 10, 20)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, one.text)
        painter.end()

"""How the values of a layer are spread, zeros told apart, heights on a log scale."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from inspector.models import words
from inspector.theme import Theme, points
from sparse_core.messages import Values

_FOOT = 18.0
_SIDE = 2.0
_SMALL_POINTS = 7.5
_LEAST_BAR = 1.5

Heights = npt.NDArray[np.float64]


def log_heights(counts: npt.NDArray[np.int64]) -> Heights:
    """Return heights in [0, 1] that grow with the logarithm; one is visible, none is none.

    Parameters
    ----------
    counts : int64 array ``(bins,)``
    """
    top = np.log1p(float(counts.max(initial=0)))
    return np.log1p(counts.astype(np.float64)) / top if top else np.zeros(len(counts))


class Histogram(QWidget):
    """Bars of the finite non-zero values; the line below says where it begins and ends."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._edges = np.zeros(0)
        self._counts = np.zeros(0, np.int64)
        self._heights: Heights = np.zeros(0)
        self.setMouseTracking(True)
        self.setMinimumHeight(96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Histogram of the values")

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Values in each bin."""
        return self._counts

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def set_values(self, values: Values | None) -> None:
        """Show a histogram; None empties the view."""
        self._edges = np.frombuffer(values.edges if values else b"", "<f8")
        self._counts = np.frombuffer(values.counts if values else b"", "<i8")
        self._heights = log_heights(self._counts)
        said = ""
        if values and len(self._edges):
            said = (
                f"{words.count(int(self._counts.sum()), 'value')} from "
                f"{words.number(float(self._edges[0]))} to {words.number(float(self._edges[-1]))}, "
                f"{words.count(values.zeros, 'zero')} apart"
            )
        self.setAccessibleDescription(said)
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a shape like the panel's."""
        return QSize(280, 150)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what the bar under the cursor counts."""
        bins = len(self._counts)
        if bins:
            place = int((event.position().x() - _SIDE) / self._bar_width())
            place = min(max(place, 0), bins - 1)
            low, high = self._edges[place : place + 2]
            QToolTip.showText(
                event.globalPosition().toPoint(),
                f"{words.number(float(low))} … {words.number(float(high))}: "
                f"{words.count(int(self._counts[place]), 'value')}",
                self,
            )
        super().mouseMoveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars and the line below."""
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.accent))
        foot = self.height() - _FOOT
        wide = self._bar_width()
        for place, height in enumerate(self._heights.tolist()):
            if height:
                tall = max(height * (foot - 4), _LEAST_BAR)
                painter.drawRect(QRectF(_SIDE + place * wide, foot - tall, max(wide - 1, 1), tall))
        painter.setPen(QPen(QColor(self._theme.line)))
        painter.drawLine(QPointF(0, foot), QPointF(self.width(), foot))
        self._draw_ends(painter)
        painter.end()

    def _bar_width(self) -> float:
        return (self.width() - 2 * _SIDE) / max(len(self._counts), 1)

    def _draw_ends(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setPointSizeF(points(_SMALL_POINTS))
        painter.setFont(font)
        painter.setPen(QColor(self._theme.dim))
        line = QRectF(0, self.height() - _FOOT + 3, self.width(), _FOOT - 3)
        if not len(self._counts):
            painter.drawText(line, Qt.AlignmentFlag.AlignHCenter, "no values to count")
            return
        first, last = float(self._edges[0]), float(self._edges[-1])
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, words.number(first))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, words.number(last))
        if first < 0 < last:
            zero = -first / (last - first) * self.width()
            painter.drawText(
                QRectF(zero - 20, line.top(), 40, line.height()), Qt.AlignmentFlag.AlignHCenter, "0"
            )

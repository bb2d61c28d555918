"""What was promised against what was measured, on two logarithmic axes with their diagonal."""

import math
from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from inspector.theme import Theme, points

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 16, 12, 38
_SMALL_POINTS = 7.5
_DOT = 5.0
_REACH = 12.0
_NEAREST, _FARTHEST = 0.25, 64.0


class Promise(msgspec.Struct, frozen=True):
    """One point: promised and measured ratio with its interval."""

    label: str
    promised: float
    ratio: float
    low: float
    high: float
    tone: str


class PromiseChart(QWidget):
    """A point that lies on the diagonal keeps what its multiply-adds promise."""

    chosen = Signal(int)
    """Number of a point."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._points: tuple[Promise, ...] = ()
        self._chosen = -1
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Promised against measured")

    def set_points(self, found: Sequence[Promise], chosen: int) -> None:
        """Show points; one of them may be marked."""
        self._points, self._chosen = tuple(found), chosen
        said = [f"{one.label}: promised {one.promised:.2g}, {one.ratio:.2f}" for one in found]
        self.setAccessibleDescription("; ".join(said) or "Nothing was measured.")
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a square that can be read."""
        return QSize(420, 320)

    def minimumSizeHint(self) -> QSize:
        """Give way as far as labels fit."""
        return QSize(240, 180)

    def position_of(self, number: int) -> QPointF:
        """Return where a point is drawn."""
        one = self._points[number]
        return QPointF(self._x(one.promised), self._y(one.ratio))

    # ------------------------------------------------------------ geometry

    def _ends(self) -> tuple[int, int, int, int]:
        """Return the powers of two at the ends of both axes."""
        xs = [one.promised for one in self._points] + [1.0, 4.0]
        ys = [value for one in self._points for value in (one.low, one.high)] + [1.0, 2.0]

        def powers(values: Sequence[float]) -> tuple[int, int]:
            held = [min(max(value, _NEAREST), _FARTHEST) for value in values if value > 0]
            return math.floor(math.log2(min(held))), math.ceil(math.log2(max(held)))

        return (*powers(xs), *powers(ys))

    def _x(self, promised: float) -> float:
        low, high, _, _ = self._ends()
        share = (math.log2(max(promised, _NEAREST)) - low) / max(high - low, 1)
        return _LEFT + share * (self.width() - _LEFT - _RIGHT)

    def _y(self, ratio: float) -> float:
        _, _, low, high = self._ends()
        share = (math.log2(min(max(ratio, _NEAREST), _FARTHEST)) - low) / max(high - low, 1)
        return self.height() - _BOTTOM - share * (self.height() - _TOP - _BOTTOM)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, the diagonal, then the points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(painter.font())
        font.setPointSizeF(points(_SMALL_POINTS))
        painter.setFont(font)
        self._paint_axes(painter)
        taken: list[QRectF] = []
        for number, one in enumerate(self._points):
            self._paint_point(painter, number, one, taken)
        painter.end()

    def _paint_axes(self, painter: QPainter) -> None:
        low_x, high_x, low_y, high_y = self._ends()
        right, bottom = self.width() - _RIGHT, self.height() - _BOTTOM
        for power in range(low_y, high_y + 1):
            y = self._y(2.0**power)
            one = power == 0
            painter.setPen(QPen(QColor(self._theme.dim if one else self._theme.line), 1))
            painter.drawLine(QPointF(_LEFT, y), QPointF(right, y))
            painter.setPen(QColor(self._theme.dim))
            box = QRectF(0, y - 8, _LEFT - 8, 16)
            end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, end, _times(power))
        for power in range(low_x, high_x + 1):
            x = self._x(2.0**power)
            painter.setPen(QColor(self._theme.dim))
            box = QRectF(x - 24, bottom + 4, 48, 14)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, _times(power))
        below = QRectF(_LEFT, bottom + 18, right - _LEFT, 16)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "promised by multiply-adds")
        first, last = max(low_x, low_y), min(high_x, high_y)
        if last > first:
            painter.setPen(QPen(QColor(self._theme.dim), 1.2, Qt.PenStyle.DashLine))
            start = QPointF(self._x(2.0**first), self._y(2.0**first))
            painter.drawLine(start, QPointF(self._x(2.0**last), self._y(2.0**last)))

    def _paint_point(
        self, painter: QPainter, number: int, one: Promise, taken: list[QRectF]
    ) -> None:
        colour = QColor(getattr(self._theme, one.tone))
        place = self.position_of(number)
        painter.setPen(QPen(colour, 1.6))
        painter.drawLine(
            QPointF(place.x(), self._y(one.low)), QPointF(place.x(), self._y(one.high))
        )
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(place, _DOT, _DOT)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if number == self._chosen:
            painter.setPen(QPen(QColor(self._theme.accent), 2))
            painter.drawEllipse(place, _DOT + 3, _DOT + 3)
        width = painter.fontMetrics().horizontalAdvance(one.label)
        left = place.x() + 9
        if left + width > self.width() - 2:
            left = place.x() - 9 - width
        box = QRectF(left, place.y() - 8, width, 16)
        # A label that would cover another one is left to the tooltip.
        if number == self._chosen or not any(box.intersects(other) for other in taken):
            taken.append(box)
            painter.setPen(QColor(self._theme.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, one.label)

    # ------------------------------------------------------------ events

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse."""
        number = self._near(event.position())
        if number < 0:
            self.setToolTip("")
            return
        one = self._points[number]
        self.setToolTip(
            f"{one.label}\npromised {one.promised:.3g} ×, measured {one.ratio:.2f} × "
            f"[{one.low:.2f}, {one.high:.2f}]"
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a point."""
        number = self._near(event.position())
        if number >= 0:
            self.chosen.emit(number)

    def _near(self, at: QPointF) -> int:
        far = [
            (math.hypot(at.x() - place.x(), at.y() - place.y()), number)
            for number, place in enumerate(map(self.position_of, range(len(self._points))))
        ]
        distance, number = min(far, default=(math.inf, -1))
        return number if distance <= _REACH else -1


def _times(power: int) -> str:
    return f"{2**power:g}×" if power >= 0 else f"1/{2**-power:g}×"

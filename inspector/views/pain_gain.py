"""Layers by what pruning them costs and what it saves; those inside a lasso are chosen."""

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QToolTip, QWidget

from inspector.theme import Theme, monospaced, points

_LEFT, _BOTTOM, _TOP, _RIGHT = 64, 36, 14, 18
_DOT, _NEAR = 4.5, 12.0
_TEXT = 7.5
_ROOM = 0.08


class Spot(msgspec.Struct, frozen=True):
    """One layer: pain on the vertical axis, gain on the horizontal one."""

    name: str
    pain: float
    gain: float


class PainGain(QWidget):
    """A scatter; drag around spots to choose them, click to choose one or none."""

    chosen = Signal(object)
    """Names of the spots inside, a tuple."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._spots: tuple[Spot, ...] = ()
        self._chosen: frozenset[str] = frozenset()
        self._lasso: list[QPointF] = []
        self._titles = ("", "")
        self.setMinimumSize(240, 160)
        self.setMouseTracking(True)
        self.setAccessibleName("Pain against gain")

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def show_spots(self, spots: Sequence[Spot], pain: str, gain: str) -> None:
        """Show layers, and what the axes are."""
        self._spots, self._titles = tuple(spots), (pain, gain)
        self._chosen &= {spot.name for spot in spots}
        self.update()

    def position_of(self, spot: Spot) -> QPointF:
        """Return where a spot stands."""
        (low, high), (left, right) = self._span("pain"), self._span("gain")
        box = self._box()
        across = (spot.gain - left) / (right - left)
        up = (spot.pain - low) / (high - low)
        return QPointF(box.left() + across * box.width(), box.bottom() - up * box.height())

    def _span(self, what: str) -> tuple[float, float]:
        values = [getattr(spot, what) for spot in self._spots] or [0.0]
        low, high = min(*values, 0.0), max(*values, 0.0)
        room = (high - low) * _ROOM or 1.0
        return low - room, high + room

    def _box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)

    # ------------------------------------------------------------ the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a lasso."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._lasso = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the lasso on, or name the spot under the mouse."""
        if self._lasso:
            self._lasso.append(event.position())
            self.update()
            return
        spot = self._near(event.position())
        text = "" if spot is None else self._said(spot)
        QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what lies inside; a click chooses the spot under it."""
        lasso, self._lasso = self._lasso, []
        if not lasso:
            return
        if len(lasso) > 2:
            area = QPolygonF([*lasso, lasso[0]])
            rule = Qt.FillRule.OddEvenFill
            names = [s.name for s in self._spots if area.containsPoint(self.position_of(s), rule)]
        else:
            spot = self._near(event.position())
            names = [spot.name] if spot is not None else []
        self._chosen = frozenset(names)
        self.update()
        self.chosen.emit(tuple(names))

    def _near(self, place: QPointF) -> Spot | None:
        found = [
            ((self.position_of(spot) - place).manhattanLength(), place_)
            for place_, spot in enumerate(self._spots)
        ]
        distance, at = min(found, default=(_NEAR, -1))
        return self._spots[at] if distance < _NEAR else None

    def _said(self, spot: Spot) -> str:
        pain, gain = self._titles
        return f"{spot.name}\n{pain} {spot.pain:.4g}\n{gain} {spot.gain:,.4g}"

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, spots, names of the chosen ones, and the lasso."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, theme = self._box(), self._theme
        painter.setPen(QPen(QColor(theme.line)))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        painter.drawLine(box.bottomLeft(), box.topLeft())
        self._axes(painter, box)
        painter.setFont(monospaced(_TEXT))
        for spot in self._spots:
            place = self.position_of(spot)
            held = spot.name in self._chosen
            ink = QColor(theme.look if held else theme.accent)
            painter.setPen(QPen(ink, 1.5))
            painter.setBrush(ink if not held else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(place, _DOT + held, _DOT + held)
            if held or len(self._spots) <= 8:
                painter.setPen(QColor(theme.text))
                left = place.x() > box.center().x()
                room = QRectF(place.x() - 208 if left else place.x() + 8, place.y() - 8, 200, 16)
                side = Qt.AlignmentFlag.AlignRight if left else Qt.AlignmentFlag.AlignLeft
                painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, spot.name)
        if len(self._lasso) > 1:
            painter.setPen(QPen(QColor(theme.look), 1.2, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolygon(QPolygonF(self._lasso))
        painter.end()

    def _axes(self, painter: QPainter, box: QRectF) -> None:
        font = QFont(self.font())
        font.setPointSizeF(points(_TEXT))
        painter.setFont(font)
        painter.setPen(QColor(self._theme.dim))
        (low, high), (left, right) = self._span("pain"), self._span("gain")
        for share in (0.0, 0.5, 1.0):
            y = box.bottom() - share * box.height()
            value = low + share * (high - low)
            room = QRectF(0, y - 8, _LEFT - 6, 16)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, flags, f"{value:.2g}")
            x = box.left() + share * box.width()
            value = left + share * (right - left)
            middle = Qt.AlignmentFlag.AlignHCenter
            painter.drawText(QRectF(x - 50, box.bottom() + 3, 100, 14), middle, f"{value:.3g}")
        pain, gain = self._titles
        right_side = Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(box.left(), box.bottom() + 18, box.width(), 16), right_side, gain)
        painter.drawText(QRectF(box.left() + 6, 0, box.width(), 16), 0, pain)

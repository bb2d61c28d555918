"""The widget: strips drawn once into a picture, cursor and ranges over it."""

from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from inspector.models import words
from inspector.theme import Theme, points
from inspector.views.seismograph.cells import Axis, largest_across, largest_down, to_bytes

_LABEL, _STATE = 150, 128
_LEAST_LINE, _MOST_LINE = 3, 30
_COMFORTABLE = 20
_GAP = 8
_READABLE = 13
"""Height of a line, in pixels, from which on it has a name."""
_SEPARATE, _DOTTED = 5, 9
"""Width of a cell from which on cells are told apart, and frozen ones dotted."""
_HEAD = 18
_FOOT = 16
_SMALL_POINTS = 7.5


class Strip(msgspec.Struct, frozen=True, eq=False):
    """What the seismograph shows.

    Attributes
    ----------
    layers, states : tuple of str
        Names on the left, words on the right.
    moving : tuple of bool
    rates : float64 ``(layers, points)``
    steps : int64 ``(points,)``
    first, last : int
        Steps at the two ends: series beside one another share them.
    most : float
        Flip rate of the strongest colour.
    """

    layers: tuple[str, ...]
    states: tuple[str, ...]
    moving: tuple[bool, ...]
    rates: npt.NDArray[np.float64]
    steps: npt.NDArray[np.int64]
    first: int
    last: int
    most: float


class Seismograph(QWidget):
    """Layers by steps of one series."""

    step_chosen = Signal(int)
    """Number of a point."""
    range_chosen = Signal(int, int)
    """Steps; the second before the first takes the range back."""
    layer_chosen = Signal(str, bool)
    """A layer; whether it is added to those that are chosen."""
    opened = Signal(int)
    """A point was double-clicked."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._strip: Strip | None = None
        self._picture: QPixmap | None = None
        self._at = self._pinned = -1
        self._range: tuple[int, int] | None = None
        self._chosen: frozenset[str] = frozenset()
        self._pressed: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Flip rate per layer and step")

    # ------------------------------------------------------------ what is shown

    @property
    def badge(self) -> str:
        """What a cell stands for."""
        strip = self._strip
        if strip is None or len(strip.steps) < 2:
            return ""
        layers = -(-len(strip.layers) // max(self._lines(), 1))
        steps = max(1, round((len(strip.steps) - 1) / max(self._axis().width, 1)))
        cell = "1 cell = 1 checkpoint" if steps == 1 else f"1 px = {steps} checkpoints"
        across = f" × {words.count(layers, 'layer')}" if layers > 1 else ""
        most = " · largest flip rate" if steps > 1 or layers > 1 else " · flip rate, log scale"
        return f"{cell}{across}{most}"

    def set_strip(self, strip: Strip | None) -> None:
        """Show a series."""
        self._strip = strip
        self._picture = None
        count = len(strip.layers) if strip is not None else 3
        self.setMaximumHeight(_HEAD + _FOOT + max(count, 1) * _MOST_LINE)
        self.updateGeometry()
        self._describe()
        self.update()

    def set_cursor(self, at: int, pinned: int) -> None:
        """Put the cursor on a point; ``pinned`` is the point that is compared with, -1 for none."""
        if (at, pinned) != (self._at, self._pinned):
            self._at, self._pinned = at, pinned
            self._describe()
            self.update()

    def set_range(self, steps: tuple[int, int] | None) -> None:
        """Frame a range of steps."""
        if steps != self._range:
            self._range = steps
            self.update()

    def set_chosen(self, layers: frozenset[str]) -> None:
        """Mark layers."""
        if layers != self._chosen:
            self._chosen = layers
            self._picture = None
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self._picture = None
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for readable lines for a few layers."""
        count = len(self._strip.layers) if self._strip else 3
        return QSize(900, _HEAD + _FOOT + min(count, 8) * (_MOST_LINE + 2))

    def minimumSizeHint(self) -> QSize:
        """Give way as far as lines can be told apart."""
        count = len(self._strip.layers) if self._strip else 3
        return QSize(480, _HEAD + _FOOT + min(count, 4) * _COMFORTABLE)

    # ------------------------------------------------------------ geometry

    def _axis(self) -> Axis:
        width = max(self.width() - _LABEL - _STATE - 2 * _GAP, 0)
        strip = self._strip
        return Axis(strip.first, strip.last, width) if strip else Axis(0, 1, width)

    def _lines(self) -> int:
        count = len(self._strip.layers) if self._strip else 0
        return min(count, max((self.height() - _HEAD - _FOOT) // _LEAST_LINE, 1))

    def _line_height(self) -> int:
        room = (self.height() - _HEAD - _FOOT) // max(self._lines(), 1)
        return min(max(room, _LEAST_LINE), _MOST_LINE)

    def _x(self, step: float) -> float:
        return _LABEL + _GAP + self._axis().position(step)

    def point_at(self, x: float) -> int:
        """Return the number of the point nearest to a pixel, -1 where there is none."""
        strip = self._strip
        if strip is None or not len(strip.steps):
            return -1
        step = self._axis().step(x - _LABEL - _GAP)
        # A cell ends with its step: the one under the pixel, not the nearest.
        found = int(np.searchsorted(strip.steps, step, "left"))
        return min(max(found, min(1, len(strip.steps) - 1)), len(strip.steps) - 1)

    def position_of(self, point: int) -> QPointF:
        """Return where a point of the first layer is drawn."""
        assert self._strip is not None
        steps = self._strip.steps
        middle = (float(steps[max(point - 1, 0)]) + float(steps[point])) / 2
        return QPointF(self._x(middle), _HEAD + self._line_height() / 2)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the strips, then what moves over them."""
        painter = QPainter(self)
        strip = self._strip
        if strip is None:
            painter.end()
            return
        ratio = self.devicePixelRatioF()
        if self._picture is None:
            self._picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(QColor(self._theme.panel))
            below = QPainter(self._picture)
            self._paint_strip(below, strip)
            below.end()
        painter.drawPixmap(0, 0, self._picture)
        self._paint_over(painter, strip)
        painter.end()

    def _paint_strip(self, painter: QPainter, strip: Strip) -> None:
        axis, lines, height = self._axis(), self._lines(), self._line_height()
        shown = largest_down(largest_across(strip.rates, strip.steps, axis), lines)
        colours = np.array(self._theme.colour_map("flips"), np.uint32)[to_bytes(shown, strip.most)]
        colours[np.isnan(shown)] = QColor(self._theme.panel).rgba()
        colours = np.ascontiguousarray(colours)
        image = QImage(
            colours.tobytes(), axis.width, lines, 4 * axis.width, QImage.Format.Format_RGB32
        )
        gap = 2 if height >= _READABLE else 0
        for line in range(lines):
            target = QRect(_LABEL + _GAP, _HEAD + line * height, axis.width, height - gap)
            painter.drawImage(target, image, QRect(0, line, axis.width, 1))
        self._paint_cells(painter, strip, lines, height - gap)
        if height >= _READABLE and lines == len(strip.layers):
            self._paint_names(painter, strip, height)
        self._paint_steps(painter, strip, lines * height)

    def _paint_cells(self, painter: QPainter, strip: Strip, lines: int, height: int) -> None:
        """Tell cells apart where they are wide enough, and dot the frozen ones."""
        count = len(strip.steps)
        xs = [self._x(float(step)) for step in strip.steps]
        width = min((right - left for left, right in pairwise(xs)), default=0)
        if count < 2 or width < _SEPARATE:
            return
        painter.setPen(QPen(QColor(self._theme.panel), 1))
        for x in xs[1:-1]:
            painter.drawLine(QPointF(x, _HEAD), QPointF(x, _HEAD + lines * self._line_height()))
        if width < _DOTTED or lines < len(strip.layers) or height < _READABLE - 2:
            return
        painter.setPen(QPen(QColor(self._theme.dim), 2))
        for line in range(lines):
            y = _HEAD + line * self._line_height() + height / 2
            for point in np.flatnonzero(strip.rates[line] == 0).tolist():
                if point:
                    painter.drawPoint(QPointF((xs[point - 1] + xs[point]) / 2, y))

    def _paint_names(self, painter: QPainter, strip: Strip, height: int) -> None:
        metrics = painter.fontMetrics()
        middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        plain, bold = QFont(painter.font()), QFont(painter.font())
        bold.setBold(True)
        for line, name in enumerate(strip.layers):
            top = _HEAD + line * height
            chosen = name in self._chosen
            painter.setFont(bold if chosen else plain)
            painter.setPen(QColor(self._theme.accent if chosen else self._theme.text))
            text = metrics.elidedText(words.shown(name), Qt.TextElideMode.ElideMiddle, _LABEL - 4)
            painter.drawText(QRect(0, top, _LABEL, height - 2), middle, text)
            painter.setFont(plain)
            tone = self._theme.bad if strip.moving[line] else self._theme.ok
            painter.setPen(QColor(tone))
            left = self.width() - _STATE
            painter.drawText(QRect(left, top, _STATE, height - 2), middle, strip.states[line])

    def _paint_steps(self, painter: QPainter, strip: Strip, below: int) -> None:
        """Write the first and the last step under the cells."""
        font = QFont(painter.font())
        font.setPointSizeF(points(_SMALL_POINTS))
        painter.setFont(font)
        painter.setPen(QColor(self._theme.dim))
        box = QRectF(_LABEL + _GAP, _HEAD + below, self._axis().width, _FOOT)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft, f"{strip.first:,}")
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, f"{strip.last:,}")
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, self.badge)

    def _paint_over(self, painter: QPainter, strip: Strip) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = _HEAD + self._lines() * self._line_height()
        if self._range is not None:
            left, right = (self._x(float(step)) for step in self._range)
            painter.setPen(QPen(QColor(self._theme.look), 1.5))
            painter.drawRect(QRectF(left, _HEAD - 3, right - left, bottom - _HEAD + 4))
        for point, colour, dashed in (
            (self._pinned, self._theme.look, True),
            (self._at, self._theme.accent, False),
        ):
            if 0 <= point < len(strip.steps):
                x = self._x(float(strip.steps[point]))
                style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
                painter.setPen(QPen(QColor(colour), 1.6, style))
                painter.drawLine(QPointF(x, _HEAD - 4), QPointF(x, bottom))
                painter.setBrush(QColor(colour))
                painter.drawEllipse(QPointF(x, _HEAD - 6), 4, 4)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                self._paint_step(painter, x, int(strip.steps[point]))
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._theme.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _paint_step(self, painter: QPainter, x: float, step: int) -> None:
        """Write a step beside its mark, on the side where there is room."""
        font = QFont(painter.font())
        font.setPointSizeF(points(_SMALL_POINTS))
        painter.setFont(font)
        text = f"{step:,}"
        width = painter.fontMetrics().horizontalAdvance(text)
        right = x + 8 + width < self.width() - _STATE
        place = QPointF(x + 8 if right else x - 8 - width, _HEAD - 3)
        painter.drawText(place, text)

    def _describe(self) -> None:
        strip = self._strip
        if strip is None:
            self.setAccessibleDescription("No series.")
            return
        moving = sum(strip.moving)
        where = f", at step {int(strip.steps[self._at]):,}" if self._at >= 0 else ""
        self.setAccessibleDescription(
            f"{words.count(len(strip.layers), 'layer')}, {moving} still moving{where}"
        )

    # ------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw anew."""
        self._picture = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a layer by its name, a step by its cell; with Shift a range begins."""
        x, y = event.position().x(), event.position().y()
        if x < _LABEL:
            line = int((y - _HEAD) // max(self._line_height(), 1))
            strip = self._strip
            if strip is not None and 0 <= line < len(strip.layers) == self._lines():
                add = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
                self.layer_chosen.emit(strip.layers[line], add)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._pressed = x
        self._go_to(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub, or widen the range."""
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        if self._pressed is not None and self._strip is not None:
            low, high = sorted((self.point_at(self._pressed), self.point_at(x)))
            steps = self._strip.steps
            self.range_chosen.emit(int(steps[max(low - 1, 0)]), int(steps[high]))
        self._go_to(x)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a range."""
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the checkpoint."""
        if event.position().x() >= _LABEL:
            self.opened.emit(self.point_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go along the steps: arrows, Page keys by ten, Home and End; Escape takes back."""
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_PageUp: -10,
            Qt.Key.Key_PageDown: 10,
        }
        count = len(self._strip.steps) if self._strip else 0
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.range_chosen.emit(0, -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._at >= 0:
            self.opened.emit(self._at)
        elif count and (key in moves or key in (Qt.Key.Key_Home, Qt.Key.Key_End)):
            ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: count - 1}
            wanted = ends[key] if key in ends else self._at + moves[key]
            self.step_chosen.emit(min(max(wanted, 0), count - 1))
        else:
            super().keyPressEvent(event)

    def _go_to(self, x: float) -> None:
        point = self.point_at(x)
        if point >= 0:
            self.step_chosen.emit(point)

"""A card for each shape: dense against every backend, with spread, interval, light and reason."""

import math
from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from inspector.theme import Theme, monospaced, points

_TITLE, _LINE, _GAP = 44, 40, 10
_PAD = 12
_NAME, _TIME, _RATIO = 128, 168, 58
_LEAST_BAR, _MOST = 120, 4.0
"""Pixels of the ratio bar; the ratio at its right end."""
_SMALL_POINTS = 7.5
_LIGHT = 4.5


class CardLine(msgspec.Struct, frozen=True):
    """One backend on a shape.

    Attributes
    ----------
    backend : str
    times : str
        Median and spread in words; "" where it was not measured.
    ratio, low, high : float
        NaN where there is none.
    tone : str
        Colour of the ratio.
    correct : bool or None
        Whether the outputs are those of dense; None where it was not measured.
    reason : str
    """

    backend: str
    times: str
    ratio: float
    low: float
    high: float
    tone: str
    correct: bool | None
    reason: str


class Card(msgspec.Struct, frozen=True):
    """One shape.

    ``lights`` are five questions and their answers.
    """

    layer: str
    title: str
    detail: str
    lights: tuple[tuple[str, bool], ...]
    lines: tuple[CardLine, ...]


class SpeedCards(QWidget):
    """All cards, below one another; stands in a scroll area."""

    chosen = Signal(str, str)
    """Layer and backend."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cards: tuple[Card, ...] = ()
        self._row = ("", "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setAccessibleName("Shapes and backends")

    @property
    def cards(self) -> tuple[Card, ...]:
        """What is shown."""
        return self._cards

    def set_cards(self, cards: Sequence[Card], row: tuple[str, str]) -> None:
        """Show cards; one of their rows may be marked."""
        if (tuple(cards), row) == (self._cards, self._row):
            return
        self._cards, self._row = tuple(cards), row
        height = sum(_height(card) + _GAP for card in cards)
        self.setMinimumHeight(height)
        self.setAccessibleDescription(
            ". ".join(
                f"{card.title}: " + "; ".join(f"{one.backend} {one.reason}" for one in card.lines)
                for card in cards
            )
        )
        self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for the height of all cards."""
        return QSize(640, self.minimumHeight())

    def line_at(self, position: QPointF) -> tuple[str, str] | None:
        """Return layer and backend at a place."""
        for card, one, box in self._places():
            if box.contains(position):
                return card.layer, one.backend
        return None

    def position_of(self, layer: str, backend: str) -> QPointF:
        """Return the middle of a row."""
        for card, one, box in self._places():
            if (card.layer, one.backend) == (layer, backend):
                return box.center()
        raise KeyError((layer, backend))

    def _places(self) -> list[tuple[Card, CardLine, QRectF]]:
        found, top = [], 0.0
        for card in self._cards:
            for number, one in enumerate(card.lines):
                y = top + _TITLE + number * _LINE
                found.append((card, one, QRectF(0, y, self.width(), _LINE)))
            top += _height(card) + _GAP
        return found

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cards that are in sight."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = 0.0
        for card in self._cards:
            box = QRectF(0.5, top + 0.5, self.width() - 1, _height(card) - 1)
            if box.intersects(QRectF(event.rect())):
                self._paint_card(painter, card, box)
            top += _height(card) + _GAP
        painter.end()

    def _paint_card(self, painter: QPainter, card: Card, box: QRectF) -> None:
        painter.setPen(QPen(QColor(self._theme.line), 1))
        painter.setBrush(QColor(self._theme.panel))
        painter.drawRoundedRect(box, 6, 6)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        title = QFont(self.font())
        title.setBold(True)
        painter.setFont(title)
        painter.setPen(QColor(self._theme.text))
        lights = self._paint_lights(painter, card, box)
        room = QRectF(box.left() + _PAD, box.top() + 6, lights - box.left() - 2 * _PAD, 18)
        metrics = painter.fontMetrics()
        painter.drawText(
            room, metrics.elidedText(card.title, Qt.TextElideMode.ElideMiddle, int(room.width()))
        )
        painter.setFont(self._small())
        painter.setPen(QColor(self._theme.dim))
        painter.drawText(room.translated(0, 18), card.detail)
        for number, one in enumerate(card.lines):
            line = QRectF(box.left(), box.top() + _TITLE + number * _LINE, box.width(), _LINE)
            self._paint_line(painter, card, one, line)

    def _paint_lights(self, painter: QPainter, card: Card, box: QRectF) -> float:
        """Draw the five questions with their answers; return where they begin."""
        painter.save()
        painter.setFont(self._small())
        metrics = painter.fontMetrics()
        x = box.right() - _PAD
        for name, answer in reversed(card.lights):
            width = metrics.horizontalAdvance(name)
            x -= width
            painter.setPen(QColor(self._theme.text if answer else self._theme.dim))
            painter.drawText(QRectF(x, box.top() + 7, width + 2, 16), name)
            x -= 2 * _LIGHT + 5
            colour = QColor(self._theme.ok if answer else self._theme.dim)
            painter.setPen(QPen(colour, 1.2))
            painter.setBrush(colour if answer else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x + _LIGHT, box.top() + 15), _LIGHT - 1, _LIGHT - 1)
            x -= 9
        painter.restore()
        return x

    def _paint_line(self, painter: QPainter, card: Card, one: CardLine, box: QRectF) -> None:
        middle = Qt.AlignmentFlag.AlignVCenter
        if (card.layer, one.backend) == self._row:
            painter.fillRect(box.adjusted(1, 0, -1, 0), QColor(self._theme.selection))
        upper = QRectF(box.left() + _PAD, box.top() + 2, box.width() - 2 * _PAD, 20)
        painter.setFont(monospaced())
        measured = bool(one.times)
        painter.setPen(QColor(self._theme.text if measured else self._theme.dim))
        painter.drawText(QRectF(upper.left(), upper.top(), _NAME, 20), middle, one.backend)
        painter.drawText(QRectF(upper.left() + _NAME, upper.top(), _TIME, 20), middle, one.times)
        if measured:
            self._paint_ratio(painter, one, upper)
        painter.setFont(self._small())
        painter.setPen(QColor(self._theme.dim))
        room = int(upper.width() - _NAME)
        text = painter.fontMetrics().elidedText(one.reason, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(upper.left() + _NAME, upper.top() + 18, room, 16), middle, text)

    def _paint_ratio(self, painter: QPainter, one: CardLine, upper: QRectF) -> None:
        """Draw the ratio as a bar with its interval; the mark is at 1."""
        left = upper.left() + _NAME + _TIME
        width = max(upper.right() - left - _RATIO - 24, _LEAST_BAR)
        bar = QRectF(left, upper.top() + 7, width, 6)

        def x(ratio: float) -> float:
            return left + min(max(ratio, 0), _MOST) / _MOST * width

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.chip))
        painter.drawRoundedRect(bar, 3, 3)
        colour = QColor(getattr(self._theme, one.tone))
        if not math.isnan(one.ratio):
            painter.setBrush(colour)
            filled = QRectF(left, bar.top(), max(x(one.ratio) - left, 2), 6)
            painter.drawRoundedRect(filled, 3, 3)
            painter.setPen(QPen(QColor(self._theme.text), 1.2))
            y = bar.center().y()
            painter.drawLine(QPointF(x(one.low), y), QPointF(x(one.high), y))
        painter.setPen(QPen(QColor(self._theme.dim), 1))
        painter.drawLine(QPointF(x(1), bar.top() - 4), QPointF(x(1), bar.bottom() + 4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(colour if one.tone != "line" else QColor(self._theme.text))
        number = QRectF(left + width + 8, upper.top(), _RATIO, 20)
        text = "" if math.isnan(one.ratio) else f"{one.ratio:.2f} ×"
        painter.drawText(number, Qt.AlignmentFlag.AlignVCenter, text)
        # Whether it computes the same: a filled light, or a cross.
        spot = QPointF(upper.right() - 6, upper.top() + 10)
        good = QColor(self._theme.ok if one.correct else self._theme.bad)
        painter.setPen(QPen(good, 1.6))
        if one.correct:
            painter.setBrush(good)
            painter.drawEllipse(spot, _LIGHT - 1, _LIGHT - 1)
        else:
            for sign in (1, -1):
                painter.drawLine(spot + QPointF(-4, -4 * sign), spot + QPointF(4, 4 * sign))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(points(_SMALL_POINTS))
        return font

    # ------------------------------------------------------------ events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a row."""
        found = self.line_at(event.position())
        if found is not None:
            self.chosen.emit(*found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go along the rows."""
        rows = [(card.layer, one.backend) for card in self._cards for one in card.lines]
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        key = Qt.Key(event.key())
        if rows and key in steps:
            at = rows.index(self._row) + steps[key] if self._row in rows else 0
            self.chosen.emit(*rows[min(max(at, 0), len(rows) - 1)])
        else:
            super().keyPressEvent(event)


def _height(card: Card) -> int:
    return _TITLE + len(card.lines) * _LINE + 6

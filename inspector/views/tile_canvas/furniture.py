"""Everything around the cells: numbers, labels, badge, colour bar, read-out."""

import msgspec
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from inspector.theme import Theme, monospaced
from inspector.views.tile_canvas.colour_bar import GAP, ColourBar
from inspector.views.tile_canvas.ticks import Tick, ticks
from inspector.views.tile_canvas.view import View
from inspector.views.tile_canvas.words import Scale
from sparse_core.messages import Picture

SMALL_POINTS = 7.5
TICK = 4
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)
_ROW_ROOM, _COLUMN_ROOM = 40, 72
"""Logical pixels between two numbers at the side and below."""


class Layout(msgspec.Struct, frozen=True):
    """Where things stand, in logical pixels of the widget."""

    plot: QRect
    footer: QRect
    read_out: QRect


def small_font() -> QFont:
    """Return the font of numbers along the sides."""
    return monospaced(SMALL_POINTS)


def layout(width: int, height: int, picture: Picture | None, strip: int = 0) -> Layout:
    """Lay out a canvas of ``width`` x ``height`` logical pixels; ``strip`` is kept for edges."""
    metrics = QFontMetrics(small_font())
    line = metrics.height()
    rows = picture.rows if picture else 0
    left = line + GAP + metrics.horizontalAdvance("0" * max(3, len(str(rows)))) + TICK + 2
    top = line // 2 + 2 + strip
    below = TICK + line + line + GAP + max(line + 8, 20) + GAP + line + 2
    right = max(metrics.horizontalAdvance("00000"), strip + 4)
    tall = max(line + 8, 20)
    plot = QRect(left, top, max(0, width - left - right), max(0, height - top - below))
    footer = plot.bottom() + 1 + TICK + 2 * line + GAP
    return Layout(
        plot,
        QRect(left, footer, width - left - GAP, tall),
        QRect(left, footer + tall + GAP, width - left - GAP, line),
    )


def _picture_box(place: Layout, view: View, ratio: float) -> QRectF:
    """Return where the picture is drawn, in logical pixels."""
    top = place.plot.top() + view.rows.start / ratio
    left = place.plot.left() + view.columns.start / ratio
    width = (view.columns.stop - view.columns.start) / ratio
    return QRectF(left, top, width, (view.rows.stop - view.rows.start) / ratio)


class Furniture:
    """Paints what stands around the cells; knows the theme and nothing else of the canvas."""

    def __init__(self, theme: Theme) -> None:
        self._dim = QColor(theme.dim)
        self._text = QColor(theme.text)
        self._chip = QColor(theme.chip)
        self._bar = ColourBar(theme)
        self._font = small_font()

    def axes(
        self, painter: QPainter, place: Layout, view: View, picture: Picture, ratio: float
    ) -> None:
        """Draw row numbers at the left, column numbers below, and what runs along both."""
        painter.setFont(self._font)
        painter.setPen(self._dim)
        box = _picture_box(place, view, ratio)
        self._row_numbers(painter, box, ticks(view.rows, round(_ROW_ROOM * ratio)), ratio, place)
        columns = ticks(view.columns, round(_COLUMN_ROOM * ratio))
        self._column_numbers(painter, box, columns, ratio, place)
        self._labels(painter, place, box, picture)

    def _row_numbers(
        self,
        painter: QPainter,
        box: QRectF,
        found: tuple[Tick, ...],
        ratio: float,
        place: Layout,
    ) -> None:
        line = painter.fontMetrics().height()
        edge = box.left() - 1
        for tick in found:
            middle = place.plot.top() + tick.pixel / ratio
            painter.drawLine(QPointF(edge - TICK, middle), QPointF(edge - 1, middle))
            text = QRectF(0, middle - line / 2, edge - TICK - 2, line)
            painter.drawText(text, _RIGHT, f"{tick.weight}")

    def _column_numbers(
        self,
        painter: QPainter,
        box: QRectF,
        found: tuple[Tick, ...],
        ratio: float,
        place: Layout,
    ) -> None:
        metrics = painter.fontMetrics()
        edge = box.bottom() + 1
        free_from = 0.0
        for tick in found:
            middle = place.plot.left() + tick.pixel / ratio
            painter.drawLine(QPointF(middle, edge + 1), QPointF(middle, edge + TICK))
            start = max(free_from, middle - metrics.horizontalAdvance(f"{tick.weight}") / 2)
            painter.drawText(QPointF(start, edge + TICK + metrics.ascent()), f"{tick.weight}")
            free_from = start + metrics.horizontalAdvance(f"{tick.weight}") + GAP

    def _labels(self, painter: QPainter, place: Layout, box: QRectF, picture: Picture) -> None:
        line = painter.fontMetrics().height()
        if picture.column_label:
            below = QRectF(box.left(), box.bottom() + TICK + line, box.width(), line + 2)
            painter.drawText(below, _CENTRE, f"{picture.column_label} →")
        if picture.row_label:
            text = f"← {picture.row_label}"
            # A flat matrix is lower than its label is long: half a line more than the text needs.
            length = max(box.height(), painter.fontMetrics().horizontalAdvance(text) + float(line))
            painter.save()
            painter.translate(box.left() - place.plot.left(), box.center().y() + length / 2)
            painter.rotate(-90)
            painter.drawText(QRectF(0, 2, length, line), _CENTRE, text)
            painter.restore()

    def badge(self, painter: QPainter, place: Layout, text: str) -> int:
        """Draw the badge at the left of the footer; return where it ends."""
        painter.setFont(self._font)
        width = painter.fontMetrics().horizontalAdvance(text) + 2 * GAP
        box = QRectF(place.footer.left(), place.footer.top(), width, place.footer.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._chip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(self._text)
        painter.drawText(box, _CENTRE, text)
        return int(box.right())

    def colour_bar(
        self, painter: QPainter, place: Layout, scale: Scale, table: tuple[int, ...], after: int
    ) -> None:
        """Draw the colour bar at the right of the footer, behind what ends at ``after``."""
        painter.setFont(self._font)
        box = QRect(place.footer)
        box.setLeft(after + 2 * GAP)
        self._bar.paint(painter, box, scale, table)

    def read_out(self, painter: QPainter, place: Layout, text: str) -> None:
        """Draw the line of exact values."""
        font = monospaced(SMALL_POINTS + 1)
        painter.setFont(font)
        painter.setPen(self._text)
        elided = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, place.read_out.width()
        )
        painter.drawText(
            QRectF(place.read_out),
            _LEFT,
            elided,
        )

    def message(self, painter: QPainter, box: QRect, text: str) -> None:
        """Draw a sentence in the middle, where there is nothing else to draw."""
        painter.setPen(self._dim)
        painter.drawText(
            QRectF(box), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), text
        )

"""The colour bar: the statistic's name, its two ends, and the colours between."""

import msgspec
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from inspector.theme import Theme
from inspector.views.tile_canvas.words import Scale

GAP = 8
HEIGHT = 8
WIDTHS = (96, 64, 40)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class Parts(msgspec.Struct, frozen=True):
    """What of a colour bar is drawn: its width, and whether name and separate swatch are."""

    width: int
    named: bool
    apart: bool


def parts(room: int, name: int, ends: int, apart: int) -> Parts | None:
    """Choose what fits into a room; all in logical pixels.

    The bar gives way first, then the separate swatch, then the name, which the badge says too.
    None where not even the bar and its ends fit.
    """
    narrow = WIDTHS[-1]
    choices = (
        *(Parts(width, named=True, apart=True) for width in WIDTHS),
        Parts(narrow, named=True, apart=False),
        Parts(narrow, named=False, apart=False),
    )
    for choice in choices:
        needed = ends + choice.width + name * choice.named + apart * choice.apart
        if needed <= room:
            return choice
    return None


class ColourBar:
    """Paints the colour bar at the right end of a box."""

    def __init__(self, theme: Theme) -> None:
        self._text = QColor(theme.text)
        self._dim = QColor(theme.dim)
        self._line = QColor(theme.line)

    def paint(self, painter: QPainter, box: QRect, scale: Scale, table: tuple[int, ...]) -> None:
        """Draw as much of it as fits into the box, in the painter's font."""
        advance = painter.fontMetrics().horizontalAdvance
        name = advance(scale.name) + GAP
        low, high = advance(scale.low) + GAP, advance(scale.high) + GAP
        apart = HEIGHT + GAP // 2 + advance(scale.apart[1]) + 2 * GAP if scale.apart else 0
        shown = parts(box.width(), name, low + high, apart)
        if shown is None:
            return
        x = box.right() - low - high - shown.width - name * shown.named - apart * shown.apart
        if shown.named:
            self._word(painter, box, x, scale.name, self._text)
            x += name
        if scale.apart and shown.apart:
            byte, word = scale.apart
            painter.fillRect(_middle(box, x, HEIGHT), QColor.fromRgba(table[byte]))
            self._word(painter, box, x + HEIGHT + GAP // 2, word, self._dim)
            x += apart
        self._word(painter, box, x, scale.low, self._dim)
        self._bar(painter, _middle(box, x + low, shown.width), scale, table)
        self._word(painter, box, x + low + shown.width + GAP, scale.high, self._dim)

    def _bar(self, painter: QPainter, box: QRect, scale: Scale, table: tuple[int, ...]) -> None:
        shown = bytes(scale.steps or range(scale.first, scale.last + 1))
        strip = QImage(shown, len(shown), 1, len(shown), QImage.Format.Format_Indexed8)
        strip.setColorTable(table)
        painter.fillRect(box.adjusted(-1, -1, 1, 1), self._line)
        painter.drawImage(box, strip)

    def _word(self, painter: QPainter, box: QRect, x: int, text: str, ink: QColor) -> None:
        painter.setPen(ink)
        painter.drawText(QRectF(x, box.top(), box.right() - x, box.height()), _LEFT, text)


def _middle(box: QRect, x: int, width: int) -> QRect:
    return QRect(x, box.center().y() - HEIGHT // 2 + 1, width, HEIGHT)

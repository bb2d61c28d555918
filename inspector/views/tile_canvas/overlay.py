"""Lines over the cells: group borders and the frames of what is pointed at and chosen.

Drawn in device pixels, as filled rectangles, so that no line is half a pixel wide.
"""

import msgspec
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from inspector.views.tile_canvas.span import Span
from inspector.views.tile_canvas.view import View
from sparse_core.messages import Picture

GRID_CELL = 8
"""Device pixels of a cell from which group borders are drawn."""

SMALLEST_FRAME = 9
"""Device pixels: a frame around less than this could not be seen."""


class Block(msgspec.Struct, frozen=True):
    """A block of weights of the picture."""

    row: int
    column: int
    rows: int = 1
    columns: int = 1


def group_block(picture: Picture, row: int, column: int) -> Block:
    """Return the block of the group that holds a weight; the weight alone where there is none."""
    down, right = picture.group_rows, picture.group_columns
    if down < 1 or right < 1:
        return Block(row, column)
    top, left = row - row % down, column - column % right
    if top + down > picture.rows or left + right > picture.columns:
        return Block(row, column)
    return Block(top, left, down, right)


def grid(painter: QPainter, view: View, picture: Picture, ink: QColor) -> None:
    """Draw a hairline where groups begin, once cells are large enough to spare a pixel."""
    if min(view.rows.cell, view.columns.cell) < GRID_CELL:
        return
    height = view.rows.stop - view.rows.start
    width = view.columns.stop - view.columns.start
    for y in _borders(view.rows, picture.group_rows):
        painter.fillRect(view.columns.start, y, width, 1, ink)
    for x in _borders(view.columns, picture.group_columns):
        painter.fillRect(x, view.rows.start, 1, height, ink)


def _borders(span: Span, group: int) -> range:
    if group < 2:
        return range(0)
    first, past = span.visible()
    first = -(-first // group) * group
    last = min(past, span.count // group * group + 1)
    pixels = range(span.pixel_of(first), span.pixel_of(last), group * span.cell)
    return pixels if pixels and pixels.start >= span.start else pixels[1:]


def frame(painter: QPainter, view: View, block: Block, ink: QColor, thickness: int) -> None:
    """Draw a frame just outside a block, so that it hides none of its cells."""
    top, bottom = _edges(view.rows, block.row, block.rows)
    left, right = _edges(view.columns, block.column, block.columns)
    box = QRect(left, top, right - left, bottom - top)
    outline(painter, box.adjusted(-thickness, -thickness, thickness, thickness), ink, thickness)


def outline(painter: QPainter, box: QRect, ink: QColor, thickness: int) -> None:
    """Draw the edge of a box, inside it."""
    painter.fillRect(box.left(), box.top(), box.width(), thickness, ink)
    painter.fillRect(box.left(), box.bottom() + 1 - thickness, box.width(), thickness, ink)
    painter.fillRect(box.left(), box.top(), thickness, box.height(), ink)
    painter.fillRect(box.right() + 1 - thickness, box.top(), thickness, box.height(), ink)


def _edges(span: Span, first: int, count: int) -> tuple[int, int]:
    start = span.pixel_of_weight(first)
    stop = span.pixel_of_weight(first + count - 1) + span.cell
    missing = max(0, SMALLEST_FRAME - (stop - start))
    start, stop = start - missing // 2, stop + missing - missing // 2
    # Far outside, a frame is only known to be outside: painters count in 32 bits.
    far = span.extent + 64
    return max(-far, min(start, far)), max(-far, min(stop, far))

"""Bars along the top and the right of the map: a number for whole rows and columns.

A bar stands for as many cells as make it wide enough to be seen; it counts all of those rows or
columns, also where the view shows a part of them.
"""

import msgspec
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from inspector.views.tile_canvas.span import Span
from inspector.views.tile_canvas.view import View
from sparse_core.messages import Profile

STRIP = 30
"""Logical pixels of a strip."""
_GAP = 4
_BAR = 8
"""Least device pixels of a bar."""

Bins = tuple[int, int, int]
"""First weight, weights a bar, bars: what ``ProfileWanted`` asks for."""


def bins_of(span: Span) -> Bins:
    """Return the bars that cover what is seen of a span."""
    cells = max(1, -(-_BAR // span.cell))
    first, past = span.visible()
    first -= first % cells
    return first << span.level, cells << span.level, max(0, -(-(past - first) // cells))


class Edges(msgspec.Struct, frozen=True, eq=False):
    """What stands along the edges: the bins asked for and the shares answered.

    ``row_shares`` and ``column_shares`` are heights in [0, 1], one a bar.
    """

    rows: Bins
    columns: Bins
    row_shares: npt.NDArray[np.float64]
    column_shares: npt.NDArray[np.float64]


def edges_of(profile: Profile, rows: Bins, columns: Bins, view: View) -> Edges:
    """Turn an answer into heights; counts are shares of what a bar covers, norms of the largest."""
    row_sums = np.frombuffer(profile.rows, "<f8")
    column_sums = np.frombuffer(profile.columns, "<f8")
    tallest = 1.0, 1.0
    if profile.measure == "kept":
        row_sums = row_sums / np.maximum(_covered(rows, view.rows.count) * profile.whole_row, 1)
        across = _covered(columns, view.columns.count) * profile.whole_column
        column_sums = column_sums / np.maximum(across, 1)
    else:
        tallest = float(row_sums.max(initial=0.0)), float(column_sums.max(initial=0.0))
    return Edges(rows, columns, row_sums / (tallest[0] or 1.0), column_sums / (tallest[1] or 1.0))


def _covered(bins: Bins, count: int) -> npt.NDArray[np.int64]:
    """Count the rows or columns of each bar; the last may be cut short."""
    first, step, bars = bins
    borders = np.clip(first + step * np.arange(bars + 1), 0, count)
    return np.diff(borders)


def paint(
    painter: QPainter, edges: Edges, view: View, corner: tuple[float, float], ink: str, ratio: float
) -> None:
    """Draw both strips; ``corner`` is the left and top of the plot in logical pixels."""
    left, top = corner
    painter.save()
    colour = QColor(ink)
    upper = top + view.rows.start / ratio - _GAP
    for start, stop, share in _bars(edges.columns, edges.column_shares, view.columns):
        tall = max(1.0, share * (STRIP - _GAP))
        painter.fillRect(
            QRectF(left + start / ratio, upper - tall, max(1.0, (stop - start) / ratio - 1), tall),
            colour,
        )
    beside = left + view.columns.stop / ratio + _GAP
    for start, stop, share in _bars(edges.rows, edges.row_shares, view.rows):
        wide = max(1.0, share * (STRIP - _GAP))
        painter.fillRect(
            QRectF(beside, top + start / ratio, wide, max(1.0, (stop - start) / ratio - 1)), colour
        )
    painter.restore()


def _bars(bins: Bins, shares: npt.NDArray[np.float64], span: Span) -> list[tuple[int, int, float]]:
    """Return start and stop pixel of each bar that is seen, and its share."""
    first, step, _ = bins
    found = []
    for place, share in enumerate(shares.tolist()):
        weight = first + place * step
        start = span.pixel_of_weight(weight)
        stop = span.pixel_of_weight(weight + step)
        start, stop = max(start, span.start), min(stop, span.stop)
        if stop > start:
            found.append((start, stop, share))
    return found

"""What the canvas shows: two spans that are zoomed together.

One number is the zoom of both directions. A direction that is seen whole at that zoom takes its
own fit instead, so a matrix of 131072 x 4096 is no thin strip, and zooming in brings the squeezed
direction up first until weights are square. A wide matrix is never drawn taller than wide, nor a
tall one wider than tall.
"""

import msgspec

from inspector.views.tile_canvas.span import LARGEST_STEP, Span, fit_step, length_at
from sparse_core.messages import Picture


class View(msgspec.Struct, frozen=True):
    """Rows, columns and the zoom step they share."""

    rows: Span
    columns: Span
    zoom: int

    @property
    def smallest(self) -> int:
        """The zoom step at which everything is seen."""
        return min(_fits(self.rows, self.columns))

    @property
    def whole(self) -> bool:
        """Whether the view is at its fit."""
        return self.zoom == self.smallest

    def moved(self, down: int, right: int) -> "View":
        """Return the view moved by device pixels."""
        return View(self.rows.moved(down), self.columns.moved(right), self.zoom)

    def zoomed(self, steps: int, y: float, x: float) -> "View":
        """Return the view ``steps`` closer, with the weight at device pixel (y, x) held."""
        return self.at_zoom(self.zoom + steps, y, x)

    def at_zoom(self, zoom: int, y: float, x: float) -> "View":
        """Return the view at a zoom step, with the weight at device pixel (y, x) held."""
        row_fit, column_fit = _fits(self.rows, self.columns)
        zoom = max(min(row_fit, column_fit), min(zoom, LARGEST_STEP))
        rows = self.rows.stepped(max(zoom, row_fit), y)
        columns = self.columns.stepped(max(zoom, column_fit), x)
        return View(rows, columns, zoom)

    def resized(self, height: int, width: int) -> "View":
        """Return the view in another size: a fit stays a fit, else the middle stays."""
        rows, columns = self.rows.resized(height), self.columns.resized(width)
        there = View(rows, columns, self.zoom)
        zoom = there.smallest if self.whole else self.zoom
        return there.at_zoom(zoom, height / 2, width / 2)

    def around(self, row: int, column: int, rows: int, columns: int, closest: int) -> "View":
        """Return the view with a block of weights in its middle, whole, as close as that goes.

        No closer than zoom step ``closest``: a block is read by what is around it.
        """
        zoom = min(
            fit_step(rows, self.rows.levels, self.rows.extent, closest),
            fit_step(columns, self.columns.levels, self.columns.extent, closest),
        )
        there = self.at_zoom(zoom, 0, 0)
        return View(
            there.rows.centred(row, row + rows),
            there.columns.centred(column, column + columns),
            there.zoom,
        )

    @property
    def middle(self) -> tuple[int, int] | None:
        """The weight (row, column) in the middle, None where there is none."""
        return self.weight_at(self.rows.extent / 2, self.columns.extent / 2)

    def about(self, zoom: int, row: int, column: int) -> "View":
        """Return the view at a zoom step with a weight in its middle."""
        there = self.at_zoom(zoom, 0, 0)
        return View(
            there.rows.centred(row, row + 1), there.columns.centred(column, column + 1), there.zoom
        )

    def shows(self, row: int, column: int) -> bool:
        """Whether all of a weight's cell is in view."""
        return self == self.holding(row, column)

    def holding(self, row: int, column: int) -> "View":
        """Return the view moved as little as brings a weight's cell into it."""
        down = _beyond(self.rows.pixel_of_weight(row), self.rows)
        right = _beyond(self.columns.pixel_of_weight(column), self.columns)
        return self.moved(down, right) if down or right else self

    def middle_of(self, row: int, column: int) -> tuple[float, float]:
        """Return the device pixel (y, x) of the middle of a weight's cell."""
        return (
            self.rows.pixel_of_weight(row) + self.rows.cell / 2,
            self.columns.pixel_of_weight(column) + self.columns.cell / 2,
        )

    def weight_at(self, y: float, x: float) -> tuple[int, int] | None:
        """Return the first weight (row, column) of the cell at a device pixel, None outside."""
        row, column = self.rows.weight_at(y), self.columns.weight_at(x)
        return None if row is None or column is None else (row, column)


def _beyond(start: int, span: Span) -> int:
    """Return how far a cell that starts at a pixel sticks out of a span, signed."""
    if start < 0:
        return start
    return max(0, start + span.cell - span.extent)


def _fits(rows: Span, columns: Span) -> tuple[int, int]:
    """Return the zoom steps of rows and columns at which everything is seen.

    The direction with fewer weights is drawn no longer than the other.
    """
    row = fit_step(rows.count, rows.levels, rows.extent)
    column = fit_step(columns.count, columns.levels, columns.extent)
    if rows.count <= columns.count:
        longest = min(rows.extent, length_at(columns.count, column))
        return fit_step(rows.count, rows.levels, longest), column
    longest = min(columns.extent, length_at(rows.count, row))
    return row, fit_step(columns.count, columns.levels, longest)


def whole_view(picture: Picture, height: int, width: int) -> View:
    """Return the view that shows all of a picture in ``height`` x ``width`` device pixels."""
    rows = Span(picture.rows, picture.row_levels, height)
    columns = Span(picture.columns, picture.column_levels, width)
    return View(rows, columns, min(_fits(rows, columns))).zoomed(0, 0, 0)

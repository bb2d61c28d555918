"""The rectangle of cells, in device pixels."""

from math import ceil

import msgspec
from PySide6.QtCore import QPoint, QPointF, QRect

from inspector.views.tile_canvas.view import View


class Plot(msgspec.Struct, frozen=True):
    """Where cells are drawn.

    Attributes
    ----------
    top, left, height, width : int
        In device pixels from the widget's corner; at least 1 x 1.
    ratio : float
        Device pixels a logical one.
    """

    top: int
    left: int
    height: int
    width: int
    ratio: float

    @classmethod
    def of(cls, box: QRect, ratio: float) -> "Plot":
        """Return the plot of a box in logical pixels, on a screen of a scale."""
        return cls(
            round(box.top() * ratio),
            round(box.left() * ratio),
            max(1, int(box.height() * ratio)),
            max(1, int(box.width() * ratio)),
            ratio,
        )

    @property
    def corner(self) -> QPoint:
        """The upper left corner."""
        return QPoint(self.left, self.top)

    @property
    def middle(self) -> tuple[float, float]:
        """The device pixel (y, x) of the view's middle."""
        return self.height / 2, self.width / 2

    def inside(self, view: View) -> QRect:
        """Return the box of logical pixels that a view's cells cover for certain."""
        top, left = self.top + view.rows.start, self.left + view.columns.start
        bottom, right = self.top + view.rows.stop, self.left + view.columns.stop
        # A pixel less on each side: where a logical pixel is no whole number of device pixels,
        # the window may shift the plot by one of those.
        box = QRect(ceil(left / self.ratio) + 1, ceil(top / self.ratio) + 1, 0, 0)
        box.setRight(int(right / self.ratio) - 2)
        box.setBottom(int(bottom / self.ratio) - 2)
        return box

    def pixel_at(self, position: QPointF) -> tuple[float, float]:
        """Return a position of the widget as device pixel (y, x) of the view."""
        return position.y() * self.ratio - self.top, position.x() * self.ratio - self.left

    def position_of(self, y: float, x: float) -> QPointF | None:
        """Return a device pixel of the view as position of the widget, None outside."""
        if not (0 <= y < self.height and 0 <= x < self.width):
            return None
        return QPointF((x + self.left) / self.ratio, (y + self.top) / self.ratio)

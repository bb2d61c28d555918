"""The rectangle of cells, in device pixels."""

import msgspec
from PySide6.QtCore import QPoint, QPointF, QRect


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

    def pixel_at(self, position: QPointF) -> tuple[float, float]:
        """Return a position of the widget as device pixel (y, x) of the view."""
        return position.y() * self.ratio - self.top, position.x() * self.ratio - self.left

    def position_of(self, y: float, x: float) -> QPointF | None:
        """Return a device pixel of the view as position of the widget, None outside."""
        if not (0 <= y < self.height and 0 <= x < self.width):
            return None
        return QPointF((x + self.left) / self.ratio, (y + self.top) / self.ratio)

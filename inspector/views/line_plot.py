"""Curves over steps: log axis, cursor, legend; what does not fit is decimated, peaks kept."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from inspector.theme import Theme, points

_SMALL_POINTS = 7.5
_LEFT = 52
"""Width of the numbers on the left: plots below one another share their steps."""


class Line(msgspec.Struct, frozen=True, eq=False):
    """One curve.

    ``tone`` is a colour of the theme by its name; a ``guide`` is dashed and thin: a bound, not
    a measurement.
    """

    name: str
    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.float64]
    tone: str = "accent"
    guide: bool = False


def smoothed(values: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """Return the running mean over ``width`` values, of what is known; NaN stays NaN."""
    if width <= 1 or not len(values):
        return values
    known = ~np.isnan(values)
    kernel = np.ones(width)
    added = np.convolve(np.where(known, values, 0), kernel, "same")
    count = np.convolve(known.astype(float), kernel, "same")
    return np.where(known, added / np.maximum(count, 1), np.nan)


class LinePlot(QWidget):
    """A plot of some lines; the mouse zooms and pans, a click chooses a step."""

    step_chosen = Signal(float)

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: tuple[Line, ...] = ()
        self._log = False
        self._smooth = 1
        self._hidden: set[str] = set()
        self._plot = pg.PlotWidget()
        self._plot.setAccessibleName(name)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._item = self._plot.getPlotItem()
        self._item.setDownsampling(auto=True, mode="peak")
        self._item.setClipToView(True)
        self._legend = self._item.addLegend(offset=(8, -8), labelTextSize="8pt")
        self._item.getAxis("left").setWidth(_LEFT)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setVisible(False)
        self._range = pg.LinearRegionItem(movable=False)
        self._range.setVisible(False)
        for item in (self._cursor, self._range):
            self._item.addItem(item, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self._item.scene().sigMouseClicked.connect(self._on_click)
        self.set_theme(theme)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The curves."""
        return self._lines

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show curves; the first of a tone keeps it."""
        self._lines = tuple(lines)
        self._draw()

    def set_log(self, log: bool) -> None:
        """Draw values by their logarithm."""
        self._log = log
        self._item.setLogMode(y=log)
        self._draw()

    def set_smooth(self, width: int) -> None:
        """Show running means over so many points."""
        self._smooth = width
        self._draw()

    def set_cursor(self, step: float | None) -> None:
        """Draw a line at a step."""
        self._cursor.setVisible(step is not None)
        if step is not None:
            self._cursor.setPos(step)

    def set_range(self, steps: tuple[int, int] | None) -> None:
        """Shade a range of steps, and show no more than it."""
        self._range.setVisible(steps is not None)
        if steps is None:
            self._item.enableAutoRange()
        else:
            self._range.setRegion(steps)
            self._item.setXRange(*steps, padding=0.05)

    def follow(self, other: "LinePlot") -> None:
        """Show the same steps as another plot, whichever of the two is zoomed."""
        self._item.setXLink(other._item)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self._plot.setBackground(theme.panel)
        for side in ("bottom", "left"):
            axis = self._item.getAxis(side)
            axis.setPen(QColor(theme.line))
            axis.setTextPen(QColor(theme.dim))
            font = self.font()
            font.setPointSizeF(points(_SMALL_POINTS))
            axis.setStyle(tickFont=font)
        self._item.getAxis("bottom").setLabel("step", color=theme.dim)
        self._item.showGrid(y=True, alpha=0.15)
        self._legend.setLabelTextColor(QColor(theme.text))
        self._cursor.setPen(pg.mkPen(theme.accent, width=1.6))
        shade = QColor(theme.look)
        shade.setAlpha(36)
        self._range.setBrush(shade)
        for edge in self._range.lines:
            edge.setPen(pg.mkPen(theme.look))
        self._draw()

    def _draw(self) -> None:
        for item in list(self._item.listDataItems()):
            self._item.removeItem(item)
        self._legend.clear()
        for line in self._lines:
            values = line.y if line.guide else smoothed(line.y, self._smooth)
            if self._log:
                values = np.where(values > 0, values, np.nan)
            self._item.addItem(
                pg.PlotDataItem(
                    line.x, values, pen=self._pen(line), name=line.name, connect="finite"
                )
            )

    def _pen(self, line: Line) -> QPen:
        style = Qt.PenStyle.DashLine if line.guide else Qt.PenStyle.SolidLine
        width = 1.2 if line.guide else 1.8
        pen: QPen = pg.mkPen(getattr(self._theme, line.tone), width=width, style=style)
        return pen

    def _on_click(self, event: object) -> None:
        at = self._item.vb.mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
        self.step_chosen.emit(float(at.x()))

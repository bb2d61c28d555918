"""Curves over steps: log axis, cursor, legend; what does not fit is decimated, peaks kept."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from inspector.theme import Theme, monospaced, points

_SMALL_POINTS = 7.5
_LEFT = 52
"""Width of the numbers on the left: plots below one another share their steps."""
_ENDS = ((0, 0), (0, 0))
_MOST_SAID = 5


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


class Flag(msgspec.Struct, frozen=True):
    """Something that happened at a step: a dashed line with a word, in a colour of the theme."""

    step: int
    text: str
    tone: str = "look"


def smoothed(values: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """Return the running mean over ``width`` values, of what is known; NaN stays NaN."""
    if width <= 1 or not len(values):
        return values
    known = ~np.isnan(values)
    kernel = np.ones(width)
    added = np.convolve(np.where(known, values, 0), kernel, "same")
    count = np.convolve(known.astype(float), kernel, "same")
    return np.where(known, added / np.maximum(count, 1), np.nan)


def said_at(lines: Sequence[Line], hidden: AbstractSet[str], step: float, across: str) -> str:
    """Say what the curves are at the step of a point that is nearest."""
    parts = [f"{across} {max(round(step), 0):,}"]
    for line in lines:
        if line.name in hidden or not len(line.x):
            continue
        at = int(np.clip(np.searchsorted(line.x, step), 0, len(line.x) - 1))
        if at and abs(line.x[at - 1] - step) < abs(line.x[at] - step):
            at -= 1
        parts.append(f"{line.name} {line.y[at]:.4g}")
    return "  ".join(parts[:_MOST_SAID])


class LinePlot(QWidget):
    """A plot of some lines; the mouse zooms and pans, a click chooses a step.

    ``legend`` is how far it stands from left and top, or from right and bottom where negative;
    ``across`` is what the horizontal axis counts.
    """

    step_chosen = Signal(float)

    def __init__(
        self,
        name: str,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        legend: tuple[int, int] = (8, -8),
        across: str = "step",
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: tuple[Line, ...] = ()
        self._log = False
        self._smooth = 1
        self._across = across
        self._hidden: set[str] = set()
        self._drawn: list[tuple[tuple[object, ...], Any]] = []
        self._flags: list[Any] = []
        self._flagged: tuple[Flag, ...] = ()
        self._plot = pg.PlotWidget()
        self._plot.setAccessibleName(name)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._item = self._plot.getPlotItem()
        self._item.setDownsampling(auto=True, mode="peak")
        self._item.setClipToView(True)
        self._legend = self._item.addLegend(offset=legend, labelTextSize="8pt")
        self._item.getAxis("left").setWidth(_LEFT)
        self._mark = _Mark(self._plot.viewport())
        self._step: float | None = None
        self._range = pg.LinearRegionItem(movable=False)
        self._range.setVisible(False)
        self._item.addItem(self._range, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self._read_out, self._cross = self._make_reader()
        self._reading = False
        self._item.scene().sigMouseClicked.connect(self._on_click)
        self._item.scene().sigMouseMoved.connect(self._on_moved)
        for moved in (self._item.vb.sigRangeChanged, self._item.vb.sigResized):
            moved.connect(lambda *_: self._place_mark())
        self._legend.sigSampleClicked.connect(self._on_sample)
        self.set_theme(theme)

    def _make_reader(self) -> tuple[QLabel, Any]:
        """Make the words and the line that follow the mouse."""
        said = QLabel(self._plot)
        said.setFont(monospaced(_SMALL_POINTS))
        said.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        said.move(_LEFT + 8, 2)
        said.hide()
        cross = pg.InfiniteLine(angle=90, movable=False)
        cross.setVisible(False)
        self._item.addItem(cross, ignoreBounds=True)
        return said, cross

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
        self._step = step
        self._place_mark()

    def _place_mark(self) -> None:
        """Put the line where its step is seen now."""
        box = self._item.vb
        inside = box.mapRectToScene(box.boundingRect())
        x = -1.0
        if self._step is not None:
            x = box.mapViewToScene(QPointF(self._step, 0)).x()
        self._mark.go_to(x if inside.left() <= x <= inside.right() else -1, inside)

    def set_flags(self, flags: Sequence[Flag]) -> None:
        """Mark what happened."""
        if tuple(flags) != self._flagged:
            self._flagged = tuple(flags)
            self._draw_flags()

    def read_out(self, reading: bool) -> None:
        """Follow the mouse with a line, and say what the curves are there."""
        self._reading = reading

    @property
    def said(self) -> str:
        """What is said of the step under the mouse, "" while it is elsewhere."""
        return self._read_out.text() if not self._read_out.isHidden() else ""

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
        self._item.getAxis("bottom").setLabel(self._across, color=theme.dim)
        self._item.showGrid(y=True, alpha=0.15)
        self._legend.setLabelTextColor(QColor(theme.text))
        self._mark.set_colour(QColor(theme.accent))
        shade = QColor(theme.look)
        shade.setAlpha(36)
        self._range.setBrush(shade)
        for edge in self._range.lines:
            edge.setPen(pg.mkPen(theme.look))
        self._cross.setPen(pg.mkPen(theme.dim, width=1))
        self._read_out.setStyleSheet(f"color: {theme.text}; background: {theme.panel};")
        self._draw(anew=True)
        self._draw_flags()

    def _draw(self, *, anew: bool = False) -> None:
        """Draw the curves; where only their points are others, their items stay."""
        looks = [(line.name, line.tone, line.guide) for line in self._lines]
        if anew or looks != [look for look, _ in self._drawn]:
            for _, item in self._drawn:
                self._item.removeItem(item)
            self._legend.clear()
            self._drawn = [
                (look, self._new(line)) for look, line in zip(looks, self._lines, strict=True)
            ]
        for (_, item), line in zip(self._drawn, self._lines, strict=True):
            item.setData(line.x, self._values(line), connect="finite")

    def _new(self, line: Line) -> Any:
        item = pg.PlotDataItem(pen=self._pen(line), name=line.name)
        self._item.addItem(item)
        item.setVisible(line.name not in self._hidden)
        return item

    def _values(self, line: Line) -> npt.NDArray[np.float64]:
        values = line.y if line.guide else smoothed(line.y, self._smooth)
        return np.where(values > 0, values, np.nan) if self._log else values

    def _draw_flags(self) -> None:
        for one in self._flags:
            self._item.removeItem(one)
        self._flags = []
        for place, flag in enumerate(self._flagged):
            colour = getattr(self._theme, flag.tone)
            pen = pg.mkPen(colour, width=1.2, style=Qt.PenStyle.DashLine)
            # Words of neighbours stand at different heights.
            line = pg.InfiniteLine(
                flag.step,
                angle=90,
                pen=pen,
                label=flag.text,
                labelOpts={
                    "position": 0.06 + 0.09 * (place % 4),
                    "color": colour,
                    "anchors": _ENDS,
                },
            )
            self._item.addItem(line, ignoreBounds=True)
            self._flags.append(line)

    def _on_sample(self, sample: object) -> None:
        """Remember what the legend hid: the curves may be drawn anew."""
        for (name, *_), item in self._drawn:
            (self._hidden.discard if item.isVisible() else self._hidden.add)(str(name))

    def _on_moved(self, place: object) -> None:
        if not self._reading:
            return
        box = self._item.vb
        inside = box.sceneBoundingRect().contains(place)
        self._cross.setVisible(inside)
        self._read_out.setVisible(inside)
        if inside:
            step = float(box.mapSceneToView(place).x())
            self._cross.setPos(step)
            self._read_out.setText(said_at(self._lines, self._hidden, step, self._across))
            self._read_out.adjustSize()

    def leaveEvent(self, event: QEvent) -> None:
        """Say nothing more of a step."""
        super().leaveEvent(event)
        self._cross.setVisible(False)
        self._read_out.hide()

    def _pen(self, line: Line) -> QPen:
        style = Qt.PenStyle.DashLine if line.guide else Qt.PenStyle.SolidLine
        width = 1.2 if line.guide else 1.8
        pen: QPen = pg.mkPen(getattr(self._theme, line.tone), width=width, style=style)
        return pen

    def _on_click(self, event: object) -> None:
        at = self._item.vb.mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
        self.step_chosen.emit(float(at.x()))


class _Mark(QWidget):
    """A line over the curves.

    An item of the scene would have all curves stroked anew wherever it goes: five times as long.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._under = parent
        self._colour = QColor()
        self._x = -1.0
        self._inside = QRectF()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)

    def set_colour(self, colour: QColor) -> None:
        """Take another colour."""
        self._colour = colour
        self.update()

    def go_to(self, x: float, inside: QRectF) -> None:
        """Stand at a pixel, or nowhere for one below 0."""
        before, self._x, self._inside = self._x, x, inside
        if self.size() != self._under.size():
            self.resize(self._under.size())
        for place in (before, x):
            if place >= 0:
                self.update(int(place) - 2, 0, 5, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line."""
        if self._x < 0:
            return
        painter = QPainter(self)
        painter.setPen(QPen(self._colour, 1.6))
        top = QPointF(self._x, self._inside.top())
        painter.drawLine(top, QPointF(self._x, self._inside.bottom()))
        painter.end()

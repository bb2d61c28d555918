"""Draw a scene: cells in device pixels, what stands around them in logical ones.

The frame is drawn one to one, at whole device pixels, whatever the scale of the screen and
wherever the widget stands in its window.
"""

import msgspec
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage, QPainter, QTransform

from inspector.theme import Theme
from inspector.theme.maps import mix, pack, rgb
from inspector.views.tile_canvas import words
from inspector.views.tile_canvas.frame import HATCH, Frame
from inspector.views.tile_canvas.furniture import Furniture, Layout
from inspector.views.tile_canvas.overlay import Block, frame, grid, outline
from inspector.views.tile_canvas.plot import Plot
from inspector.views.tile_canvas.view import View
from sparse_core.messages import AnyPlane, Picture

_GRID_SHARE = 0.4


class Scene(msgspec.Struct, frozen=True):
    """Everything that one painting shows."""

    picture: Picture
    plane: AnyPlane
    view: View
    frame: Frame
    badge: str
    read_out: str
    focused: bool
    pointed: Block | None
    chosen: Block | None
    cursor: Block | None


class ScenePainter:
    """Paints scenes in one theme; the colour tables are made once."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._furniture = Furniture(theme)
        self._tables: dict[AnyPlane, list[int]] = {}
        # Opaque: a blended line from top to bottom costs ten times as much.
        self._grid = QColor.fromRgba(pack(mix(rgb(theme.panel), rgb(theme.dim), _GRID_SHARE)))

    def message(self, painter: QPainter, box: QRect, text: str) -> None:
        """Draw a sentence where there is no scene."""
        self._furniture.message(painter, box, text)

    def paint(self, painter: QPainter, scene: Scene, place: Layout, plot: Plot) -> None:
        """Draw a scene with a painter of the widget, in logical pixels."""
        view = scene.view
        painter.save()
        _to_device_pixels(painter, plot.corner)
        painter.setClipRect(-1, -1, view.columns.extent + 2, view.rows.extent + 2)
        self._border(painter, view, focused=scene.focused)
        painter.setClipRect(0, 0, view.columns.extent, view.rows.extent)
        self._cells(painter, scene)
        self._marks(painter, scene, max(1, round(plot.ratio)))
        painter.restore()
        self._around(painter, scene, place, plot.ratio)

    def _cells(self, painter: QPainter, scene: Scene) -> None:
        pixels, view = scene.frame.pixels, scene.view
        height, width = pixels.shape
        if height and width:
            image = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8)
            image.setColorTable(self._table(scene.plane))
            # Converting first takes a third of the time of drawing the indices.
            image.convertTo(QImage.Format.Format_RGB32)
            painter.drawImage(QPoint(view.columns.start, view.rows.start), image)
        ground = QColor(self._theme.background)
        for gap in scene.frame.gaps:
            painter.fillRect(gap.left, gap.top, gap.width, gap.height, ground)

    def _table(self, plane: AnyPlane) -> list[int]:
        if plane not in self._tables:
            table = list(self._theme.colour_map(plane))
            if plane == "violation":
                table[HATCH] = QColor(self._theme.panel).rgb()
            self._tables[plane] = table
        return self._tables[plane]

    def _border(self, painter: QPainter, view: View, *, focused: bool) -> None:
        """Draw a hairline just outside the picture; in the accent while the keys work here."""
        ink = QColor(self._theme.accent if focused else self._theme.line)
        top, left = view.rows.start - 1, view.columns.start - 1
        height, width = view.rows.stop - top + 1, view.columns.stop - left + 1
        outline(painter, QRect(left, top, width, height), ink, 1)

    def _marks(self, painter: QPainter, scene: Scene, thin: int) -> None:
        view, theme = scene.view, self._theme
        grid(painter, view, scene.picture, self._grid)
        if scene.pointed is not None:
            frame(painter, view, scene.pointed, QColor(theme.text), thin)
        if scene.chosen is not None:
            frame(painter, view, scene.chosen, QColor(theme.look), 2 * thin)
        if scene.cursor is not None:
            frame(painter, view, scene.cursor, QColor(theme.accent), 2 * thin)

    def _around(self, painter: QPainter, scene: Scene, place: Layout, ratio: float) -> None:
        furniture = self._furniture
        furniture.axes(painter, place, scene.view, scene.picture, ratio)
        end = furniture.badge(painter, place, scene.badge)
        bar = words.scale(scene.view, scene.picture, scene.plane)
        furniture.colour_bar(painter, place, bar, self._theme.colour_map(scene.plane), end)
        furniture.read_out(painter, place, scene.read_out)


def _to_device_pixels(painter: QPainter, corner: QPoint) -> None:
    """Let one unit be one device pixel, and the corner the origin, exactly."""
    shown = painter.deviceTransform()
    inverse, _ = shown.inverted()
    whole = QTransform.fromTranslate(round(shown.dx()) + corner.x(), round(shown.dy()) + corner.y())
    painter.setWorldTransform(whole * inverse)

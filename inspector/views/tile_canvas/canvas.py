"""The widget: events in, a composed frame out.

Painting happens in device pixels: the frame is drawn one to one, at whole device pixels, whatever
the scale of the screen and wherever the widget stands in its window.
"""

import zlib
from typing import cast

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from inspector.theme import LIGHT, Theme
from inspector.views.tile_canvas import words
from inspector.views.tile_canvas.cache import TileCache
from inspector.views.tile_canvas.frame import HATCH, Frame, compose, hatch
from inspector.views.tile_canvas.furniture import Furniture, Layout, layout
from inspector.views.tile_canvas.keys import Move, move_for
from inspector.views.tile_canvas.needed import visible_tiles
from inspector.views.tile_canvas.overlay import Block, frame, grid, group_block
from inspector.views.tile_canvas.requests import Requests
from inspector.views.tile_canvas.span import CELLS
from inspector.views.tile_canvas.view import View, whole_view
from sparse_core.messages import Cell, Picture, Plane, Tile

_NOTCH = 120
_READABLE = CELLS.index(24)
_HATCH_PERIOD = 5


class TileCanvas(QWidget):
    """Heat map of a tensor of any size, fed with tiles.

    It asks (``tiles_wanted``, ``cell_hovered``) and is answered (``add_tile``, ``set_cell``); who
    answers, and when, is not its business.
    """

    tiles_wanted = Signal(str, object)
    """Plane and list of TileKey, nearest first. Each set replaces the last."""

    cell_hovered = Signal(object, object)
    """Row and column of the weight under the mouse or the keyboard cursor."""

    cell_chosen = Signal(object, object)
    """Row and column of the weight that was clicked, or entered by keyboard."""

    view_changed = Signal()

    def __init__(self, theme: Theme = LIGHT, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._picture: Picture | None = None
        self._plane: Plane = "violation"
        self._view: View | None = None
        self._layout = layout(self.width(), self.height(), None)
        self._cache = TileCache()
        self._requests = Requests()
        self._frame: tuple[View, Frame] | None = None
        self._read_out = ""
        self._hovered: tuple[int, int] | None = None
        self._pointed: Block | None = None
        self._chosen: Block | None = None
        self._cursor: tuple[int, int] | None = None
        self._focus = QPointF()
        self._press: QPointF | None = None
        self._dragged: QPointF | None = None
        self._notches = 0
        self._ask = QTimer(self)
        self._ask.setSingleShot(True)
        self._ask.timeout.connect(self._ask_for_tiles)
        self.set_theme(theme)
        self._describe()

    # ------------------------------------------------------------ what is shown

    @property
    def picture(self) -> Picture | None:
        """The picture shown, None before there is one."""
        return self._picture

    @property
    def plane(self) -> Plane:
        """The plane shown."""
        return self._plane

    @property
    def view(self) -> View | None:
        """What part is shown, None where there is nothing to show."""
        return self._view

    @property
    def badge(self) -> str:
        """What a pixel stands for; empty without a picture."""
        if self._view is None or self._picture is None:
            return ""
        return words.badge(self._view, self._picture, self._plane)

    @property
    def sharp(self) -> bool:
        """Whether every tile in view is there at its own level."""
        if self._view is None:
            return True
        return all((self._plane, key) in self._cache for key in visible_tiles(self._view))

    @property
    def cell_pixels(self) -> tuple[int, int]:
        """Device pixels (height, width) of a cell."""
        return (self._view.rows.cell, self._view.columns.cell) if self._view else (0, 0)

    def position_of(self, row: int, column: int) -> QPointF | None:
        """Return where the middle of a weight's cell is drawn, None where it is not in view."""
        view = self._view
        if view is None:
            return None
        y = view.rows.pixel_of_weight(row) + view.rows.cell / 2
        x = view.columns.pixel_of_weight(column) + view.columns.cell / 2
        if not (0 <= y < view.rows.extent and 0 <= x < view.columns.extent):
            return None
        corner = self._corner()
        ratio = self.devicePixelRatioF()
        return QPointF((x + corner.x()) / ratio, (y + corner.y()) / ratio)

    # ------------------------------------------------------------ slots

    @Slot(object)
    def set_picture(self, picture: Picture | None) -> None:
        """Show another picture, whole; None empties the canvas."""
        self._picture = picture
        self._cache.clear()
        self._requests.forget()
        self._read_out = ""
        self._pointed = self._chosen = self._cursor = self._hovered = None
        self._arrange()
        self.fit()
        self.setAccessibleName(f"Heat map of {picture.tensor}" if picture else "Heat map")

    @Slot(str)
    def set_plane(self, plane: Plane) -> None:
        """Show another plane of the same picture, same view."""
        if plane == self._plane:
            return
        self._plane = plane
        self._requests.forget()
        self._changed()

    @Slot(object)
    def add_tile(self, tile: Tile) -> None:
        """Take a tile; one of another picture is dropped."""
        picture = self._picture
        if picture is None or tile.tensor != picture.tensor or tile.view != picture.view:
            return
        size = tile.height * tile.width
        data = zlib.decompressobj().decompress(tile.data, size) if tile.packed else tile.data
        cells = np.frombuffer(data, np.uint8, count=size).reshape(tile.height, tile.width)
        self._cache.put(tile.plane, tile.key, cells)
        if tile.plane == self._plane:
            self._requests.arrived(tile.key)
            self._redraw_after(tile)

    @Slot(object)
    def set_cell(self, cell: Cell) -> None:
        """Show the exact values of a weight in the read-out, and frame its group."""
        picture = self._picture
        if picture is None or cell.tensor != picture.tensor:
            return
        self._read_out = cell.text
        self._pointed = group_block(picture, cell.row, cell.column)
        self._describe()
        self.update()

    @Slot()
    def fit(self) -> None:
        """Show everything."""
        picture = self._picture
        if picture is None or not (picture.rows and picture.columns):
            self._view = None
            self._frame = None
            self._describe()
            self.update()
            return
        self._set_view(whole_view(picture, *self._extent()), always=True)

    @Slot()
    def zoom_in(self) -> None:
        """Go one step closer to the middle, or to the keyboard cursor."""
        self._zoom_about_focus(1)

    @Slot()
    def zoom_out(self) -> None:
        """Go one step back."""
        self._zoom_about_focus(-1)

    def zoom_to(self, row: int, column: int, rows: int = 1, columns: int = 1) -> None:
        """Show a block of weights from close by, in the middle, and mark it."""
        if self._view is None:
            return
        close = self._view.around(row, column, rows, columns)
        if close.zoom > _READABLE:
            close = close.at_zoom(_READABLE, close.rows.extent / 2, close.columns.extent / 2)
            close = View(
                close.rows.centred(row, row + rows),
                close.columns.centred(column, column + columns),
                close.zoom,
            )
        self._chosen = Block(row, column, rows, columns)
        self._set_view(close, always=True)

    def set_zoom(self, step: int) -> None:
        """Go to a zoom step (see ``span``) about the middle of the view."""
        if self._view is not None:
            height, width = self._extent()
            self._set_view(self._view.at_zoom(step, height / 2, width / 2))

    @Slot()
    def clear_choice(self) -> None:
        """Take the mark and the keyboard cursor away."""
        self._chosen = self._cursor = None
        self.update()

    @Slot()
    def ask_again(self) -> None:
        """Ask for every missing tile once more: who should have answered has died."""
        self._requests.forget()
        self._ask.start(0)

    @Slot(object)
    def set_theme(self, theme: Theme) -> None:
        """Take another theme."""
        self._theme = theme
        self._furniture = Furniture(theme)
        self.update()

    # ------------------------------------------------------------ the view

    def _extent(self) -> tuple[int, int]:
        """Return height and width of the plot in device pixels."""
        ratio = self.devicePixelRatioF()
        return (
            max(1, int(self._layout.plot.height() * ratio)),
            max(1, int(self._layout.plot.width() * ratio)),
        )

    def _corner(self) -> QPoint:
        """Return the plot's corner in device pixels from the widget's."""
        ratio = self.devicePixelRatioF()
        return QPoint(
            round(self._layout.plot.left() * ratio), round(self._layout.plot.top() * ratio)
        )

    def _pixel(self, position: QPointF) -> QPointF:
        """Return a position of the widget as device pixel of the view."""
        ratio = self.devicePixelRatioF()
        corner = self._corner()
        return QPointF(position.x() * ratio - corner.x(), position.y() * ratio - corner.y())

    def _arrange(self) -> None:
        self._layout = layout(self.width(), self.height(), self._picture)

    def _set_view(self, view: View, *, always: bool = False) -> None:
        if view != self._view or always:
            self._view = view
            self._changed()

    def _changed(self) -> None:
        self._frame = None
        self._describe()
        self.update()
        self._ask.start(0)
        self.view_changed.emit()

    def _zoom_about_focus(self, steps: int) -> None:
        if self._view is None:
            return
        height, width = self._extent()
        y, x = height / 2, width / 2
        if self._cursor is not None:
            y = self._view.rows.pixel_of_weight(self._cursor[0]) + self._view.rows.cell / 2
            x = self._view.columns.pixel_of_weight(self._cursor[1]) + self._view.columns.cell / 2
        self._set_view(self._view.zoomed(steps, y, x))

    @Slot()
    def _ask_for_tiles(self) -> None:
        if self._view is None or self._picture is None:
            return
        focus = (self._focus.y(), self._focus.x())
        wanted = self._requests.renew(self._view, self._picture, self._plane, self._cache, focus)
        if wanted is not None:
            self.tiles_wanted.emit(self._plane, wanted)

    def _redraw_after(self, tile: Tile) -> None:
        """Repaint only if the tile can be seen: the ring arrives silently."""
        if self._view is None:
            return
        seen = visible_tiles(self._view)
        if tile.key in seen or (self._frame is not None and not self._frame[1].sharp):
            self._frame = None
            self.update()

    def _describe(self) -> None:
        self.setAccessibleDescription(words.spoken(self._picture, self.badge, self._read_out))

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame and what stands around it."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._theme.panel))
        if self._view is None or self._picture is None:
            self._furniture.message(painter, self.rect(), self._why_empty())
            return
        ratio = self.devicePixelRatioF()
        painter.save()
        self._to_device_pixels(painter)
        painter.setClipRect(0, 0, self._view.columns.extent, self._view.rows.extent)
        self._paint_cells(painter, self._view)
        self._paint_marks(painter, self._view, self._picture)
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_around(painter, self._view, self._picture, ratio)

    def _why_empty(self) -> str:
        if self._picture is None:
            return "Select a layer to see its weights."
        return f"{self._picture.tensor} holds no weights."

    def _to_device_pixels(self, painter: QPainter) -> None:
        """Let one unit be one device pixel, and the plot's corner the origin, exactly."""
        shown = painter.deviceTransform()
        corner = self._corner()
        inverse, _ = shown.inverted()
        whole = QTransform.fromTranslate(
            round(shown.dx()) + corner.x(), round(shown.dy()) + corner.y()
        )
        painter.setWorldTransform(whole * inverse)

    def _paint_cells(self, painter: QPainter, view: View) -> None:
        shown = self._composed(view)
        height, width = shown.pixels.shape
        if height and width:
            image = QImage(shown.pixels.data, width, height, width, QImage.Format.Format_Indexed8)
            image.setColorTable(self._colours())
            painter.drawImage(QPoint(view.columns.start, view.rows.start), image)
        ground = QColor(self._theme.background)
        for gap in shown.gaps:
            painter.fillRect(gap.left, gap.top, gap.width, gap.height, ground)

    def _composed(self, view: View) -> Frame:
        if self._frame is not None and self._frame[0] is view:
            return self._frame[1]
        assert self._picture is not None
        shown = compose(view, self._picture, self._plane, self._cache)
        if self._plane == "violation":
            ratio = self.devicePixelRatioF()
            hatch(shown, view, round(_HATCH_PERIOD * ratio), max(1, round(ratio)))
        self._frame = (view, shown)
        return shown

    def _colours(self) -> list[int]:
        table = list(self._theme.colour_map(self._plane))
        if self._plane == "violation":
            table[HATCH] = QColor(self._theme.panel).rgb()
        return table

    def _paint_marks(self, painter: QPainter, view: View, picture: Picture) -> None:
        thin = max(1, round(self.devicePixelRatioF()))
        line = QColor(self._theme.dim)
        line.setAlpha(140)
        grid(painter, view, picture, line)
        if self._pointed is not None and self._hovered is not None:
            frame(painter, view, self._pointed, QColor(self._theme.text), thin)
        if self._chosen is not None:
            frame(painter, view, self._chosen, QColor(self._theme.look), 2 * thin)
        if self._cursor is not None:
            frame(painter, view, Block(*self._cursor), QColor(self._theme.accent), 2 * thin)

    def _paint_around(self, painter: QPainter, view: View, picture: Picture, ratio: float) -> None:
        place: Layout = self._layout
        self._furniture.axes(painter, place, view, picture, ratio)
        text = self.badge if self.sharp else f"{self.badge} · loading"
        end = self._furniture.badge(painter, place, text)
        bar = words.scale(view, picture, self._plane)
        table = self._theme.colour_map(self._plane)
        self._furniture.colour_bar(painter, place, bar, table, end)
        self._furniture.read_out(painter, place, self._read_out)
        painter.setPen(QColor(self._theme.accent if self.hasFocus() else self._theme.line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawRect(place.plot.adjusted(-1, -1, 0, 0))

    # ------------------------------------------------------------ mouse

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse, a step a notch."""
        self._notches += event.angleDelta().y()
        steps = int(self._notches / _NOTCH)
        if self._view is None or not steps:
            return
        self._notches -= steps * _NOTCH
        at = self._pixel(event.position())
        self._focus = at
        self._set_view(self._view.zoomed(steps, at.y(), at.x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag or a click."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = event.position()
            self._dragged = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan while a button is held, else tell what is under the mouse."""
        at = self._pixel(event.position())
        self._focus = at
        if self._press is None:
            self._hover(at)
            return
        if self._dragged is None:
            moved = event.position() - self._press
            if moved.manhattanLength() < QApplication.startDragDistance() / 2:
                return
            self._dragged = self._pixel(self._press)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        step = self._dragged - at
        down, right = round(step.y()), round(step.x())
        if self._view is not None and (down or right):
            self._dragged = QPointF(self._dragged.x() - right, self._dragged.y() - down)
            self._set_view(self._view.moved(down, right))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a press that did not move chooses the cell under it."""
        if self._press is not None and self._dragged is None:
            at = self._pixel(event.position())
            cell = self._view.weight_at(at.y(), at.x()) if self._view else None
            if cell is not None and event.button() == Qt.MouseButton.LeftButton:
                self._choose(*cell)
        self._press = self._dragged = None
        self.setCursor(Qt.CursorShape.CrossCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go close to what is under the mouse; from close by, back to everything."""
        if self._view is None:
            return
        if self._view.zoom >= _READABLE:
            self.fit()
            return
        at = self._pixel(event.position())
        self._set_view(self._view.at_zoom(_READABLE, at.y(), at.x()))

    def leaveEvent(self, event: QEvent) -> None:
        """Take the frame around the pointed group away; its values stay readable."""
        self._hovered = None
        self.update()
        super().leaveEvent(event)

    def _hover(self, at: QPointF) -> None:
        cell = self._view.weight_at(at.y(), at.x()) if self._view else None
        if cell is not None and cell != self._hovered:
            self._hovered = cell
            self.cell_hovered.emit(*cell)

    def _choose(self, row: int, column: int) -> None:
        if self._picture is not None:
            self._chosen = group_block(self._picture, row, column)
            self.update()
            self.cell_chosen.emit(row, column)

    # ------------------------------------------------------------ keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan, zoom, fit, move the keyboard cursor, choose."""
        move = move_for(event)
        if move is None or self._view is None:
            super().keyPressEvent(event)
            return
        if move.action:
            self._act(move.action)
        elif move.cursor:
            self._move_cursor(move)
        else:
            height, width = self._extent()
            down, right = round(move.down * height), round(move.right * width)
            self._set_view(self._view.moved(down, right))

    def _act(self, action: str) -> None:
        if action == "choose" and self._cursor is not None:
            self._choose(*self._cursor)
        elif action == "clear":
            self.clear_choice()
        elif action == "fit":
            self.fit()
        elif action == "in":
            self.zoom_in()
        elif action == "out":
            self.zoom_out()

    def _move_cursor(self, move: Move) -> None:
        view = cast(View, self._view)
        if self._cursor is None:
            height, width = self._extent()
            middle = view.weight_at(height / 2, width / 2)
            row, column = middle if middle is not None else (0, 0)
        else:
            row = self._cursor[0] + (round(move.down) << view.rows.level)
            column = self._cursor[1] + (round(move.right) << view.columns.level)
        row = max(0, min(row, view.rows.count - 1))
        column = max(0, min(column, view.columns.count - 1))
        self._cursor = self._hovered = (row, column)
        self._follow_cursor(view, row, column)
        self.update()
        self.cell_hovered.emit(row, column)

    def _follow_cursor(self, view: View, row: int, column: int) -> None:
        """Move the view as little as keeps the cursor in it."""
        down = _beyond(view.rows.pixel_of_weight(row), view.rows.cell, view.rows.extent)
        right = _beyond(
            view.columns.pixel_of_weight(column), view.columns.cell, view.columns.extent
        )
        self._set_view(view.moved(down, right))

    # ------------------------------------------------------------ the widget

    def sizeHint(self) -> QSize:
        """Large: the picture is the biggest thing on its page."""
        return QSize(640, 480)

    def minimumSizeHint(self) -> QSize:
        """Enough for the badge and a few cells."""
        return QSize(240, 200)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the fit, or the middle."""
        super().resizeEvent(event)
        self._new_size()

    def event(self, event: QEvent) -> bool:
        """Follow the window to a screen of another scale."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._new_size()
        return super().event(event)

    def _new_size(self) -> None:
        self._arrange()
        if self._view is not None:
            self._set_view(self._view.resized(*self._extent()))


def _beyond(start: int, size: int, extent: int) -> int:
    """Return how far a block of pixels sticks out of ``0 ... extent``, signed."""
    if start < 0:
        return start
    return max(0, start + size - extent)

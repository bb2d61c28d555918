"""The widget: events in, a composed frame out.

It keeps the state of a view and turns every event into a new one; geometry, composing and painting
are elsewhere and know no events.
"""

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from inspector.theme import LIGHT, Theme
from inspector.views.tile_canvas import words
from inspector.views.tile_canvas.content import Content
from inspector.views.tile_canvas.edges import STRIP, Bins, Edges, bins_of, edges_of
from inspector.views.tile_canvas.edges import paint as paint_edges
from inspector.views.tile_canvas.furniture import layout
from inspector.views.tile_canvas.keys import Move, move_for
from inspector.views.tile_canvas.overlay import Block, group_block
from inspector.views.tile_canvas.painting import Scene, ScenePainter
from inspector.views.tile_canvas.plot import Plot
from inspector.views.tile_canvas.span import CELLS
from inspector.views.tile_canvas.view import View, whole_view
from sparse_core.messages import AnyPlane, Cell, Picture, Profile, Tile

_NOTCH = 120
_READABLE = CELLS.index(24)


class TileCanvas(QWidget):
    """Heat map of a tensor of any size, fed with tiles.

    It asks (``tiles_wanted``, ``cell_hovered``) and is answered (``add_tile``, ``set_cell``); who
    answers, and when, is not its business.
    """

    tiles_wanted = Signal(str, object)
    """AnyPlane and list of TileKey, nearest first. Each set replaces the last."""

    cell_hovered = Signal(object, object)
    """Row and column of the weight under the mouse or the keyboard cursor."""

    cell_chosen = Signal(object, object)
    """Row and column of the weight that was clicked, or entered by keyboard."""

    edges_wanted = Signal(object, object)
    """Bins of rows and of columns along the edges, while edges are shown."""

    view_changed = Signal()

    def __init__(self, theme: Theme = LIGHT, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._content = Content()
        self._view: View | None = None
        self._strip = 0
        self._edges: Edges | None = None
        self._bins: tuple[Bins, Bins] | None = None
        self._arrange()
        self._read_out = self._waiting = ""
        self._hovered: tuple[int, int] | None = None
        self._pointed: Block | None = None
        self._chosen: Block | None = None
        self._cursor: tuple[int, int] | None = None
        self._focus = (0.0, 0.0)
        self._press: QPointF | None = None
        self._dragged: tuple[float, float] | None = None
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
        return self._content.picture

    @property
    def plane(self) -> AnyPlane:
        """The plane shown."""
        return self._content.plane

    @property
    def view(self) -> View | None:
        """What part is shown, None where there is nothing to show."""
        return self._view

    @property
    def read_out(self) -> str:
        """What is said of the weight under the mouse."""
        return self._read_out

    @property
    def badge(self) -> str:
        """What a pixel stands for; empty without a picture."""
        if self._view is None or self.picture is None:
            return ""
        return words.badge(self._view, self.picture, self.plane, judged=self.covered)

    @property
    def sharp(self) -> bool:
        """Whether every tile in view is there at its own level."""
        return self._view is None or self._content.sharp(self._view)

    @property
    def covered(self) -> bool:
        """Whether something is known of every cell in view, be it coarse."""
        if self._view is None or self.picture is None:
            return True
        return not self._content.frame(self._view, self.picture, self._plot.ratio).gaps

    @property
    def cell_pixels(self) -> tuple[int, int]:
        """Device pixels (height, width) of a cell."""
        return (self._view.rows.cell, self._view.columns.cell) if self._view else (0, 0)

    def position_of(self, row: int, column: int) -> QPointF | None:
        """Return where the middle of a weight's cell is drawn, None where it is not in view."""
        view = self._view
        if view is None:
            return None
        return self._plot.position_of(*view.middle_of(row, column))

    # ------------------------------------------------------------ slots

    @Slot(object)
    def set_picture(self, picture: Picture | None) -> None:
        """Show another picture, whole; None empties the canvas.

        The same picture with more known of it (its pattern, its scale) keeps the view.
        """
        if self._content.refine(picture):
            self._describe()
            self.update()
            return
        self._content.show(picture)
        self._edges = self._bins = None
        self._read_out = ""
        self._pointed = self._chosen = self._cursor = self._hovered = None
        self._arrange()
        self.fit()
        self.setAccessibleName(f"Heat map of {picture.tensor}" if picture else "Heat map")

    def set_waiting(self, text: str) -> None:
        """Say what is on its way while there is no picture."""
        self._waiting = text
        self.update()

    @Slot(str)
    def set_plane(self, plane: AnyPlane) -> None:
        """Show another plane of the same picture, same view."""
        if plane != self.plane:
            self._content.show_plane(plane)
            self._changed()

    @Slot(object)
    def add_tile(self, tile: Tile) -> None:
        """Take a tile; one of another picture is dropped."""
        if self._content.add(tile, self._view):
            self.update()

    @Slot(object)
    def set_cell(self, cell: Cell) -> None:
        """Show the exact values of a weight in the read-out, and frame its group.

        Where the keyboard cursor led there, a screen reader says them.
        """
        picture = self.picture
        if picture is None or cell.tensor != picture.tensor:
            return
        self._read_out = cell.text
        self._pointed = group_block(picture, cell.row, cell.column)
        self._describe()
        if self._cursor is not None:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, cell.text))
        self.update()

    def show_edges(self, shown: bool) -> None:
        """Make room for bars along the edges, or take it back; ask for what stands there."""
        self._strip = STRIP if shown else 0
        self._edges = self._bins = None
        self._new_size()
        self._ask.start(0)
        self.update()

    @Slot(object)
    def set_profile(self, profile: Profile) -> None:
        """Draw bars for the bins that were asked for last."""
        picture = self.picture
        if picture is None or profile.tensor != picture.tensor or self._bins is None:
            return
        rows, columns = self._bins
        same = len(profile.rows) == 8 * rows[2] and len(profile.columns) == 8 * columns[2]
        if self._view is not None and same:
            self._edges = edges_of(profile, rows, columns, self._view)
            self.update()

    @property
    def edges(self) -> Edges | None:
        """What stands along the edges."""
        return self._edges

    @Slot()
    def fit(self) -> None:
        """Show everything."""
        picture = self.picture
        if picture is None or not (picture.rows and picture.columns):
            self._view = None
            self._describe()
            self.update()
            return
        self._set_view(whole_view(picture, self._plot.height, self._plot.width), always=True)

    @Slot()
    def zoom_in(self) -> None:
        """Go one step closer to the middle, or to the keyboard cursor."""
        self._zoom_about_focus(1)

    @Slot()
    def zoom_out(self) -> None:
        """Go one step back."""
        self._zoom_about_focus(-1)

    def zoom_to(self, row: int, column: int, rows: int = 0, columns: int = 0) -> None:
        """Show a block of weights from close by, in the middle, and mark it.

        Without a size the block is the group of the weight.
        """
        if self._view is None or self.picture is None:
            return
        block = Block(row, column, rows, columns)
        if not (rows and columns):
            block = group_block(self.picture, row, column)
        self._chosen = block
        close = self._view.around(block.row, block.column, block.rows, block.columns, _READABLE)
        self._set_view(close, always=True)

    @property
    def middle(self) -> tuple[int, int, int] | None:
        """Zoom step and the weight (row, column) in the middle, None where all is seen."""
        if self._view is None or self._view.whole or self._view.middle is None:
            return None
        return self._view.zoom, *self._view.middle

    def go_to(self, zoom: int, row: int, column: int) -> None:
        """Show what ``middle`` was once."""
        if self._view is not None:
            self._set_view(self._view.about(zoom, row, column))

    def show_view(self, view: View) -> None:
        """Show the part that a canvas beside this one shows of a picture of the same size."""
        own = self._view
        if own is None or (own.rows.count, own.columns.count) != (
            view.rows.count,
            view.columns.count,
        ):
            return
        self._set_view(view.resized(self._plot.height, self._plot.width))

    def set_zoom(self, step: int) -> None:
        """Go to a zoom step (see ``span``) about the middle of the view."""
        if self._view is not None:
            self._set_view(self._view.at_zoom(step, *self._plot.middle))

    @Slot()
    def clear_choice(self) -> None:
        """Take the mark and the keyboard cursor away."""
        self._chosen = self._cursor = None
        self.update()

    @Slot()
    def ask_again(self) -> None:
        """Ask for every missing tile once more: who should have answered has died."""
        self._content.forget_requests()
        self._ask.start(0)

    def renew(self) -> None:
        """Ask for every tile anew: the picture is of something else now, of the same size.

        What is drawn stays until all of it came, so that scrubbing does not flicker.
        """
        self._content.renew()
        self._ask.start(0)

    @Slot(object)
    def set_theme(self, theme: Theme) -> None:
        """Take another theme."""
        self._theme = theme
        self._painter = ScenePainter(theme)
        self.update()

    # ------------------------------------------------------------ the view

    def _arrange(self) -> None:
        self._layout = layout(self.width(), self.height(), self.picture, self._strip)
        self._plot = Plot.of(self._layout.plot, self.devicePixelRatioF())

    def _set_view(self, view: View, *, always: bool = False) -> None:
        if view != self._view or always:
            self._view = view
            self._changed()

    def _changed(self) -> None:
        self._describe()
        self.update()
        self._ask.start(0)
        self.view_changed.emit()

    def _zoom_about_focus(self, steps: int) -> None:
        if self._view is None:
            return
        held = self._plot.middle
        if self._cursor is not None:
            held = self._view.middle_of(*self._cursor)
        self._set_view(self._view.zoomed(steps, *held))

    @Slot()
    def _ask_for_tiles(self) -> None:
        if self._view is None:
            return
        self._ask_for_edges(self._view)
        wanted = self._content.wanted(self._view, self._focus)
        if wanted is not None:
            self.tiles_wanted.emit(self.plane, wanted)

    def _ask_for_edges(self, view: View) -> None:
        bins = bins_of(view.rows), bins_of(view.columns)
        if self._strip and bins != self._bins:
            self._bins = bins
            self.edges_wanted.emit(*bins)

    def _describe(self) -> None:
        self.setAccessibleDescription(words.spoken(self.picture, self.badge, self._read_out))

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame and what stands around it."""
        painter = QPainter(self)
        painter.setClipRegion(QRegion(event.rect()) - QRegion(self._covered()))
        painter.fillRect(event.rect(), QColor(self._theme.panel))
        painter.setClipping(False)
        if self._view is None or self.picture is None:
            self._painter.message(painter, self.rect(), self._why_empty())
            return
        scene = self._scene(self._view, self.picture)
        self._painter.paint(painter, scene, self._layout, self._plot)
        if self._edges is not None:
            corner = self._plot.left / self._plot.ratio, self._plot.top / self._plot.ratio
            ink = self._theme.accent
            paint_edges(painter, self._edges, self._view, corner, ink, self._plot.ratio)

    def _covered(self) -> QRect:
        """Return what the cells will hide, in logical pixels: it needs no ground."""
        if self._view is None:
            return QRect()
        return self._plot.inside(self._view)

    def _why_empty(self) -> str:
        if self.picture is None:
            return self._waiting or "Select a layer to see its weights."
        return f"{self.picture.tensor} holds no weights."

    def _scene(self, view: View, picture: Picture) -> Scene:
        frame = self._content.frame(view, picture, self._plot.ratio)
        return Scene(
            picture=picture,
            plane=self.plane,
            view=view,
            frame=frame,
            badge=self.badge if frame.sharp else f"{self.badge} · loading",
            read_out=self._read_out,
            focused=self.hasFocus(),
            pointed=self._pointed if self._hovered is not None else None,
            chosen=self._chosen,
            cursor=None if self._cursor is None else Block(*self._cursor),
        )

    # ------------------------------------------------------------ mouse

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse, a step a notch."""
        self._notches += event.angleDelta().y()
        steps = int(self._notches / _NOTCH)
        if self._view is None or not steps:
            return
        self._notches -= steps * _NOTCH
        at = self._plot.pixel_at(event.position())
        self._focus = at
        self._set_view(self._view.zoomed(steps, *at))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag or a click."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = event.position()
            self._dragged = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan while a button is held, else tell what is under the mouse."""
        at = self._plot.pixel_at(event.position())
        self._focus = at
        if self._press is None:
            self._hover(at)
            return
        if self._dragged is None:
            moved = event.position() - self._press
            if moved.manhattanLength() < QApplication.startDragDistance() / 2:
                return
            self._dragged = self._plot.pixel_at(self._press)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        down, right = round(self._dragged[0] - at[0]), round(self._dragged[1] - at[1])
        if self._view is not None and (down or right):
            self._dragged = (self._dragged[0] - down, self._dragged[1] - right)
            self._set_view(self._view.moved(down, right))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a press that did not move chooses the cell under it."""
        if self._press is not None and self._dragged is None:
            at = self._plot.pixel_at(event.position())
            cell = self._view.weight_at(*at) if self._view else None
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
        at = self._plot.pixel_at(event.position())
        self._set_view(self._view.at_zoom(_READABLE, *at))

    def leaveEvent(self, event: QEvent) -> None:
        """Take the frame around the pointed group away; its values stay readable."""
        self._hovered = None
        self.update()
        super().leaveEvent(event)

    def _hover(self, at: tuple[float, float]) -> None:
        cell = self._view.weight_at(*at) if self._view else None
        if cell is not None and cell != self._hovered:
            self._hovered = cell
            self.cell_hovered.emit(*cell)

    def _choose(self, row: int, column: int) -> None:
        if self.picture is not None:
            self._chosen = group_block(self.picture, row, column)
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
            self._move_cursor(self._view, move)
        else:
            down = round(move.down * self._plot.height)
            right = round(move.right * self._plot.width)
            self._set_view(self._view.moved(down, right))

    def _act(self, action: str) -> None:
        if action == "choose" and self._cursor is not None:
            self._choose(*self._cursor)
        elif action == "clear":
            self.clear_choice()
            self.fit()
        elif action == "fit":
            self.fit()
        elif action == "in":
            self.zoom_in()
        elif action == "out":
            self.zoom_out()

    def _move_cursor(self, view: View, move: Move) -> None:
        if self._cursor is None:
            middle = view.weight_at(*self._plot.middle)
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
        self._set_view(view.holding(row, column))

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
        if self._view is None:
            return
        resized = self._view.resized(self._plot.height, self._plot.width)
        marked = self._chosen
        if marked is not None and self._view.shows(marked.row, marked.column):
            # A mark near the border would go out of sight when the middle stays.
            resized = resized.holding(marked.row, marked.column)
        self._set_view(resized)

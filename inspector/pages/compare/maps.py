"""The three maps: one layer, one view, one weight under the mouse."""

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal

from inspector.models.comparison_feed import ComparisonFeed
from inspector.models.comparison_words import both, in_short
from inspector.models.difference_focus import DifferenceFocus, Pair
from inspector.models.layer_focus import LayerFocus
from inspector.views.tile_canvas import TileCanvas
from sparse_core.messages import Cell, Picture
from sparse_core.messages.comparison import Difference

if TYPE_CHECKING:
    from inspector.pages.compare.page import ComparePage

_VIEWS = 1_000_011, 1_000_012, 1_000_013
"""Numbers of the views; those of files count from 0."""


class Maps(QObject):
    """Shows a layer of A and of B, and what differs."""

    moved = Signal()
    """Another flip is looked at, or another weight."""

    def __init__(self, page: "ComparePage") -> None:
        super().__init__(page)
        self._page = page
        self._feed: ComparisonFeed | None = None
        self._focuses: tuple[LayerFocus, LayerFocus] | None = None
        self._difference = DifferenceFocus(_VIEWS[1], self)
        self._pair: Pair | None = None
        self._cells: dict[int, Cell] = {}
        self._linking = False
        self.flip: Difference | None = None
        """The flip that was gone to, None before that."""
        self.pointed = (-1, -1)
        """Row and column under the mouse, or gone to."""
        self._difference.tile_arrived.connect(page.between.add_tile)
        self._difference.found.connect(self._on_found)
        self._difference.failed.connect(page.problem_found)
        page.between.tiles_wanted.connect(self._difference.want_tiles)
        for canvas in page.canvases:
            canvas.view_changed.connect(lambda canvas=canvas: self._link(canvas))
            canvas.cell_hovered.connect(self.point_at)
            canvas.cell_chosen.connect(self.point_at)

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        waiting = any(focus.busy for focus in self._focuses or ())
        if self._pair is None:
            return False
        return waiting or self._difference.busy or not all(one.sharp for one in self._page.canvases)

    @property
    def layer(self) -> str:
        """The layer that is shown, "" for none."""
        return self._pair.layer if self._pair is not None else ""

    def follow(self, feed: ComparisonFeed | None) -> None:
        """Show layers of another comparison."""
        self.show("")
        for focus in self._focuses or ():
            focus.release()
            focus.deleteLater()
        self._feed, self._focuses = feed, None
        if feed is None:
            return
        page = self._page
        one, other = LayerFocus(feed.link, _VIEWS[0], self), LayerFocus(feed.link, _VIEWS[2], self)
        for at, focus, canvas in ((0, one, page.canvas_a), (1, other, page.canvas_b)):
            focus.picture_arrived.connect(lambda picture, at=at: self._on_picture(at, picture))
            focus.tile_arrived.connect(canvas.add_tile)
            focus.cell_arrived.connect(lambda cell, at=at: self._on_cell(at, cell))
            focus.failed.connect(page.problem_found)
            canvas.tiles_wanted.connect(focus.want_tiles)
        self._focuses = (one, other)

    def show(self, layer: str) -> None:
        """Show a layer; "" shows none."""
        feed, page = self._feed, self._page
        if feed is None or self._focuses is None or not layer:
            self._pair = None
            self._difference.show(None, None)
            for canvas in page.canvases:
                canvas.set_picture(None)
                canvas.set_waiting("")
            return
        pair = Pair(feed.files[0], feed.files[1], feed.options, layer)
        if pair == self._pair:
            return
        self._pair, self.flip, self.pointed = pair, None, (-1, -1)
        self._cells.clear()
        self._difference.show(feed.link, pair)
        for canvas in page.canvases:
            canvas.set_picture(None)
            canvas.set_waiting("Reading …")
        for focus, file in zip(self._focuses, feed.files, strict=True):
            focus.show(file, feed.options, layer)
        self.moved.emit()

    def step(self, by: int) -> None:
        """Go to the next (1) or the previous (-1) flip of the layer."""
        self._difference.want_next(*self.pointed, by)

    def fit(self) -> None:
        """Show everything."""
        self._page.canvas_a.fit()

    def point_at(self, row: object, column: object) -> None:
        """Read a weight in A and in B."""
        if isinstance(row, int) and isinstance(column, int) and self._focuses is not None:
            self.pointed = (row, column)
            for focus in self._focuses:
                focus.want_cell(row, column)

    # ------------------------------------------------------------ inside

    def _on_picture(self, at: int, picture: Picture) -> None:
        page = self._page
        (page.canvas_a, page.canvas_b)[at].set_picture(picture)
        if at == 0:
            plain = msgspec.structs.replace(
                picture, view=_VIEWS[1], pattern=None, axis=None, group_rows=0, group_columns=0
            )
            page.between.set_picture(plain)

    def _on_cell(self, at: int, cell: Cell) -> None:
        page = self._page
        (page.canvas_a, page.canvas_b)[at].set_cell(
            msgspec.structs.replace(cell, text=in_short(cell))
        )
        self._cells[at] = cell
        a, b = self._cells.get(0), self._cells.get(1)
        if a is not None and b is not None and (a.row, a.column) == (b.row, b.column):
            page.between.set_cell(msgspec.structs.replace(a, text=both(a, b)))

    def _on_found(self, found: Difference) -> None:
        if found.row < 0:
            self.flip = msgspec.structs.replace(found, number=-1)
            self.moved.emit()
            return
        self.flip = found
        for canvas in self._page.canvases:
            canvas.zoom_to(found.row, found.column, 1, 1)
        self.point_at(found.row, found.column)
        self.moved.emit()

    def _link(self, canvas: TileCanvas) -> None:
        """Show the same part on the other maps."""
        if self._linking or canvas.view is None:
            return
        self._linking = True
        for other in self._page.canvases:
            if other is not canvas:
                other.show_view(canvas.view)
        self._linking = False

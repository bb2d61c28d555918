"""The mask of one layer of the run in front, as it changes."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from inspector.models.interval import Interval
from inspector.models.series_feed import SeriesFeed
from inspector.models.series_focus import Looked, SeriesFocus, picture_of
from inspector.models.words import shown
from sparse_core.messages.timeline import SeriesId, TimelineOptions

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage

_VIEW = 1_000_013


class MaskMap(QObject):
    """Reads the masks of the run, and again every two seconds while they grow."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self._focus = SeriesFocus(_VIEW, self)
        self._feed: SeriesFeed | None = None
        self._at = ("", "")
        self._drawn: tuple[str, int, str] | None = None
        self._focus.tile_arrived.connect(page.canvas.add_tile)
        self._focus.weight_arrived.connect(page.canvas.set_cell)
        self._focus.failed.connect(page.problem_found)
        page.canvas.tiles_wanted.connect(self._focus.want_tiles)
        page.canvas.cell_hovered.connect(self._point)
        page.planes.plane_wanted.connect(lambda plane: page.change(plane=plane))

    @property
    def busy(self) -> bool:
        """Whether something that is shown is still to come."""
        feed = self._feed
        return feed is not None and (
            feed.running or self._focus.busy or not self._page.canvas.sharp
        )

    def show(self) -> None:
        """Look at the layer of the view; without one nothing is read."""
        view = self._page.view
        if not view.layer or not view.run:
            self.release()
            return
        self._page.planes.set_plane(view.plane)
        if self._feed is None or self._at != (view.host, view.run):
            self.release()
            self._at = (view.host, view.run)
            link = self._page.desk.asker(view.host)
            self._feed = SeriesFeed(link, SeriesId((view.run,)), TimelineOptions(), self)
            self._feed.changed.connect(self._draw)
            self._feed.failed.connect(self._page.problem_found)
        self._draw()

    def ask_again(self) -> None:
        """Read anew: the core that was asked is gone."""
        if self._feed is not None:
            self._feed.ask_again()

    def release(self) -> None:
        """Let go of the core."""
        self._focus.release()
        self._drawn = None
        if self._feed is not None:
            self._feed.release()
            self._feed.deleteLater()
            self._feed = None
        self._page.canvas.set_picture(None)
        self._page.map_panel.beside.set_whole("")

    def _draw(self) -> None:
        page, feed = self._page, self._feed
        table = feed.table if feed is not None else None
        row = table.row_of(page.view.layer) if table is not None else -1
        if feed is None or table is None or row < 0 or not len(table.steps):
            page.canvas.set_waiting("Waiting for its first mask …")
            return
        last = len(table.steps) - 1
        interval = Interval(max(last - 1, 0), last)
        looked = Looked(feed.series, feed.options, table, page.view.layer, interval, (0, last))
        self._focus.show(page.desk.asker(self._at[0]), looked)
        same = page.canvas.picture is not None and page.canvas.picture.tensor == page.view.layer
        page.canvas.set_plane(page.view.plane)  # type: ignore[arg-type]
        page.canvas.set_picture(picture_of(_VIEW, table, row, last))
        drawn = (page.view.layer, int(table.steps[last]), page.view.plane)
        if same and drawn != self._drawn:
            page.canvas.renew()
        self._drawn = drawn
        page.map_panel.beside.set_whole(
            shown(f"{page.view.layer} at step {int(table.steps[last]):,}")
        )

    def _point(self, row: object, column: object) -> None:
        if isinstance(row, int) and isinstance(column, int):
            self._focus.want_weight(row, column)

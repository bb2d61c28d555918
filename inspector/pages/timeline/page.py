"""The page: what is shown follows from its view and from the series that came."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from PySide6.QtWidgets import QWidget

from inspector.errands import Errand, OpenWeights, ShowSeries
from inspector.link.places import join, split
from inspector.models.desk import Desk
from inspector.models.series_table import SeriesTable, near
from inspector.models.timeline_view import Source, TimelineView
from inspector.models.words import natural, shown
from inspector.pages.timeline.acts import Acts
from inspector.pages.timeline.feeds import Feeds
from inspector.pages.timeline.parts import ALONE, SMOOTH, Parts
from inspector.pages.timeline.showing import Showing
from inspector.state import SessionState
from inspector.theme import Theme
from sparse_core.messages import Progress
from sparse_core.messages.timeline import SeriesId

TITLE = "Timeline"


class TimelinePage(Parts):
    """When the masks stopped moving."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.view = TimelineView()
        self.feeds = Feeds(desk, self)
        self.showing = Showing(self)
        self.acts = Acts(self)
        self._connect()
        self._show()

    # ------------------------------------------------------------ what the window asks for

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown is still to come."""
        if self.feeds.running:
            return False
        return self.table is None or (not self.showing.focus.busy and self.canvas.sharp)

    @property
    def status(self) -> str:
        """What is followed."""
        if not self.view.sources:
            return ""
        named = self.feeds.known(self.view)
        count = sum(len(table.steps) for _, table in named)
        places = ", ".join(self.feeds.feed(one).name for one in self.view.sources)
        return f"Following {shown(places)} · {count:,} checkpoints"

    @property
    def progress(self) -> Progress | None:
        """How far reading is."""
        return self.feeds.progress

    @property
    def facts(self) -> frozenset[str]:
        """Whether there is a series, and whether it has steps to go along."""
        table = self.table
        found = {"series"} if table is not None else set()
        return frozenset(
            found | ({"steps"} if table is not None and len(table.steps) > 1 else set())
        )

    @property
    def table(self) -> SeriesTable | None:
        """The series in front, None while there is none."""
        if not self.view.sources:
            return None
        return self.feeds.feed(self.source).table

    @property
    def source(self) -> Source:
        """Where the series in front lies."""
        return self.view.sources[self.view.front]

    @property
    def at(self) -> int:
        """Number of the point under the cursor."""
        return near(self.table, self.view.step)

    def act(self, command: str) -> None:
        """Carry out one of the page's commands."""
        self.acts.act(command)

    def take(self, errand: Errand) -> None:
        """Show a series."""
        if isinstance(errand, ShowSeries):
            source = Source(SeriesId(errand.sources), errand.host)
            changes = {"pattern": errand.pattern} if errand.pattern else {}
            self.change(**changes, **({"axis": errand.axis} if errand.axis else {}))
            self.add_source(source)

    def come_forward(self) -> None:
        """Offer what lies beside the open files."""
        self._suggest(self.desk.state)
        if not self.view.sources:
            self.start.field.setFocus()

    def follow(self, old: SessionState, new: SessionState) -> None:
        """Offer what lies beside the files that are open now."""
        if old.files != new.files:
            self._suggest(new)

    def cancel(self) -> None:
        """Stop reading."""
        self.feeds.cancel()

    def ask_again(self, host: str) -> None:
        """Read again what the core that died was asked for."""
        self.feeds.ask_again(host)

    def kept(self) -> dict[str, Any]:
        """Return the view."""
        kept: dict[str, Any] = msgspec.to_builtins(self.view)
        return kept

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Show the series again that were on the page."""
        try:
            view = msgspec.convert(dict(kept), TimelineView)
        except msgspec.ValidationError:
            return
        if view.sources:
            self.show_view(msgspec.structs.replace(view, front=0))

    def shown(self) -> dict[str, Any]:
        """Return what the page says."""
        table = self.table
        return {
            "verdict": self.verdict.accessibleDescription(),
            "series": [self.feeds.feed(one).name for one in self.view.sources],
            "steps": [int(step) for step in table.steps] if table is not None else [],
            "at": int(table.steps[self.at]) if table is not None else None,
            "figures": dict(self.figures.rows),
            "badge": self.canvas.badge,
        }

    def release(self) -> None:
        """Let go of the core."""
        self.showing.focus.release()
        self.feeds.release()

    # ------------------------------------------------------------ the view

    def change(self, **changes: Any) -> None:
        """Show the page with some fields of its view replaced."""
        self.show_view(msgspec.structs.replace(self.view, **changes))

    def show_view(self, view: TimelineView) -> None:
        """Show a view."""
        if view == self.view:
            return
        self.view = view
        self.feeds.follow(view)
        self._show()

    def add_source(self, source: Source) -> None:
        """Add a series, or bring it forward."""
        self.show_view(self.view.with_source(source))

    @property
    def excluded(self) -> tuple[str, ...]:
        """Checkpoints of the series in front that are left out."""
        return self.source.series.exclude if self.view.sources else ()

    def leave_out(self, name: str) -> None:
        """Read the series in front without a checkpoint."""
        self._exclude((*self.excluded, name))

    def take_in(self, name: str) -> None:
        """Read the series in front with a checkpoint that was left out."""
        self._exclude(tuple(one for one in self.excluded if one != name))

    def _exclude(self, names: tuple[str, ...]) -> None:
        sources = list(self.view.sources)
        series = SeriesId(self.source.series.sources, names)
        sources[self.view.front] = Source(series, self.source.host)
        self.change(sources=tuple(sources))

    def open_text(self, text: str) -> None:
        """Open what a user wrote: ``PATH``, a glob, or ``HOST:PATH``."""
        host, path = split(text)
        self.add_source(Source(SeriesId((path,)), host))

    def open_files(self, paths: Sequence[str]) -> None:
        """Open checkpoints of this machine as one series."""
        if paths:
            self.add_source(Source(SeriesId(tuple(sorted(paths, key=natural)))))

    # ------------------------------------------------------------ connecting

    def _connect(self) -> None:
        self.start.series_wanted.connect(self.open_text)
        self.start.browse_wanted.connect(lambda: self.act("timeline.open"))
        self.chips.chosen.connect(lambda at: self.show_view(self.view.without_source(at)))
        self.left_out.chosen.connect(lambda at: self.take_in(self.excluded[at]))
        self.worst.chosen.connect(self._open_worst)
        self.add.clicked.connect(lambda *_: self.act("timeline.open"))
        self.rule.textActivated.connect(lambda rule: self.change(rule=rule))
        self.axis.textActivated.connect(lambda axis: self.change(axis=axis))
        self.pattern.editingFinished.connect(
            lambda: self.change(pattern=self.pattern.text().strip())
        )
        self.epsilon.editingFinished.connect(
            lambda: self.change(epsilon=float(self.epsilon.text() or 0))
        )
        self.measure.textActivated.connect(lambda name: self.change(measure=name))
        self.beside.textActivated.connect(
            lambda name: self.change(second="" if name == ALONE else name)
        )
        self.smooth.activated.connect(lambda place: self.change(smooth=SMOOTH[place]))
        self.log.toggled.connect(lambda log: self.change(log=log))
        for plot in (self.plot, self.second):
            plot.step_chosen.connect(lambda step: self.change(step=max(round(step), 0)))
        self.planes.plane_wanted.connect(lambda plane: self.change(plane=plane))
        self.pin.clicked.connect(lambda *_: self.act("timeline.pin"))
        self.remedy.clicked.connect(lambda *_: self.act("timeline.remedy"))
        self.verdict.link_followed.connect(lambda layer: self.choose_layer(layer, add=False))
        self.canvas.tiles_wanted.connect(self.showing.focus.want_tiles)
        self.canvas.cell_hovered.connect(self.showing.point_at)
        self.canvas.cell_chosen.connect(self.showing.point_at)
        self.showing.focus.tile_arrived.connect(self.canvas.add_tile)
        self.showing.focus.failed.connect(self.problem_found)
        self.feeds.changed.connect(self._show)
        self.feeds.moved.connect(self._show_reading)
        self.feeds.problem_found.connect(self.problem_found)

    def choose_layer(self, layer: str, *, add: bool) -> None:
        """Choose a layer, or one more."""
        self.show_view(self.view.with_layer(layer, add=add))

    def choose_point(self, place: int, point: int) -> None:
        """Bring a series forward and put the cursor on one of its points."""
        table = self.feeds.feed(self.view.sources[place]).table
        if table is not None:
            self.change(front=place, step=int(table.steps[point]))

    def choose_range(self, first: int, last: int) -> None:
        """Look at a range of steps only; the second before the first takes it back."""
        self.change(span=(first, last) if last >= first else None)

    def open_point(self, point: int, tensor: str = "", row: int = -1, column: int = -1) -> None:
        """Open a checkpoint of the series in front on the weights page."""
        table = self.table
        if table is not None and 0 <= point < len(table.paths):
            place = join(self.source.host, table.paths[point])
            self.errand_wanted.emit(OpenWeights(place, tensor=tensor, row=row, column=column))

    def _open_worst(self, place: int) -> None:
        layer, found = self.showing.worst
        row, column, _ = found[place]
        self.open_point(self.at, layer, row, column)

    def _suggest(self, state: SessionState) -> None:
        folders = [
            join(file.host, file.path.rstrip("/").rpartition("/")[0] or "/") for file in state.files
        ]
        self.start.suggest(tuple(dict.fromkeys(folders))[:6])

    def _show(self) -> None:
        self.showing.everything()
        self.moved.emit()

    def _show_reading(self) -> None:
        self.showing.reading()
        self.moved.emit()

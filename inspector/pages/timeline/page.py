"""The page: what is shown follows from its view and from the series that came."""

from collections.abc import Mapping
from typing import Any

import msgspec
from PySide6.QtWidgets import QPushButton, QWidget

from inspector.errands import Errand, OpenWeights, ShowSeries
from inspector.link.places import join, split
from inspector.models import series_words
from inspector.models.desk import Desk
from inspector.models.series_focus import SeriesFocus, picture_of
from inspector.models.series_table import SeriesTable, near, rows_of, worst_of
from inspector.models.timeline_view import Source, TimelineView
from inspector.models.words import shown
from inspector.pages.timeline.acts import Acts
from inspector.pages.timeline.drawing import lines_of, strip_of
from inspector.pages.timeline.feeds import Feeds
from inspector.pages.timeline.parts import SMOOTH, Parts
from inspector.state import SessionState
from inspector.theme import Theme
from inspector.views.panel import Panel
from inspector.views.seismograph import Seismograph
from sparse_core.messages import Progress
from sparse_core.messages.timeline import Oscillators, SeriesId

TITLE = "Timeline"
_VIEW = 1_000_001
"""Number of the map's view; those of files count from 0."""


class TimelinePage(Parts):
    """When the masks stopped moving."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.view = TimelineView()
        self.feeds = Feeds(desk, self)
        self._focus = SeriesFocus(_VIEW, self)
        self._pictured: object = None
        self.acts = Acts(self)
        self._connect()
        self._show()

    # ------------------------------------------------------------ what the window asks for

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown is still to come."""
        if self.feeds.running:
            return False
        return self.table is None or (not self._focus.busy and self.canvas.sharp)

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
        self._focus.release()
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

    def open_text(self, text: str) -> None:
        """Open what a user wrote: ``PATH``, a glob, or ``HOST:PATH``."""
        host, path = split(text)
        self.add_source(Source(SeriesId((path,)), host))

    # ------------------------------------------------------------ connecting

    def _connect(self) -> None:
        self.start.series_wanted.connect(self.open_text)
        self.start.browse_wanted.connect(lambda: self.act("timeline.open"))
        self.add.clicked.connect(lambda *_: self.act("timeline.open"))
        self.rule.textActivated.connect(lambda rule: self.change(rule=rule))
        self.axis.textActivated.connect(lambda axis: self.change(axis=axis))
        self.pattern.editingFinished.connect(
            lambda: self.change(pattern=self.pattern.text().strip())
        )
        self.epsilon.editingFinished.connect(lambda: self.change(epsilon=self.epsilon.value()))
        self.measure.textActivated.connect(lambda name: self.change(measure=name))
        self.smooth.activated.connect(lambda place: self.change(smooth=SMOOTH[place]))
        self.log.toggled.connect(lambda log: self.change(log=log))
        self.plot.step_chosen.connect(lambda step: self.change(step=max(round(step), 0)))
        self.planes.plane_wanted.connect(lambda plane: self.change(plane=plane))
        self.pin.clicked.connect(lambda *_: self.act("timeline.pin"))
        self.remedy.clicked.connect(lambda *_: self.act("timeline.remedy"))
        self.verdict.link_followed.connect(lambda layer: self._choose_layer(layer, add=False))
        self.canvas.tiles_wanted.connect(self._focus.want_tiles)
        self.canvas.cell_chosen.connect(self._open_cell)
        self._focus.tile_arrived.connect(self.canvas.add_tile)
        self._focus.worst_arrived.connect(self._show_worst)
        self._focus.failed.connect(self.problem_found)
        self.feeds.changed.connect(self._show)
        self.feeds.moved.connect(self._show_reading)
        self.feeds.problem_found.connect(self.problem_found)

    def _choose_layer(self, layer: str, *, add: bool) -> None:
        self.show_view(self.view.with_layer(layer, add=add))

    def _choose_point(self, place: int, point: int) -> None:
        table = self.feeds.feed(self.view.sources[place]).table
        if table is not None:
            self.change(front=place, step=int(table.steps[point]))

    def _choose_range(self, first: int, last: int) -> None:
        self.change(span=(first, last) if last >= first else None)

    def open_point(self, point: int, tensor: str = "", row: int = -1, column: int = -1) -> None:
        """Open a checkpoint of the series in front on the weights page."""
        table = self.table
        if table is not None and 0 <= point < len(table.paths):
            place = join(self.source.host, table.paths[point])
            self.errand_wanted.emit(OpenWeights(place, tensor=tensor, row=row, column=column))

    def _open_cell(self, row: object, column: object) -> None:
        picture = self.canvas.picture
        if picture is not None and isinstance(row, int) and isinstance(column, int):
            self.open_point(self.at, picture.tensor, row, column)

    # ------------------------------------------------------------ showing

    def _suggest(self, state: SessionState) -> None:
        folders = [
            join(file.host, file.path.rstrip("/").rpartition("/")[0] or "/") for file in state.files
        ]
        self.start.suggest(tuple(dict.fromkeys(folders))[:6])

    def _show(self) -> None:
        """Draw everything that follows from the view."""
        view = self.view
        self.stack.setCurrentWidget(self.body if view.sources else self.start)
        self._show_controls()
        self._show_reading()
        self._show_strips()
        self._show_curves()
        self._show_step()
        self.moved.emit()

    def _show_controls(self) -> None:
        view = self.view
        self.rule.setCurrentText(view.rule)
        self.axis.setCurrentText(view.axis)
        self.pattern.setText(view.pattern)
        self.epsilon.setValue(view.epsilon)
        self.measure.setCurrentText(view.measure)
        self.smooth.setCurrentIndex(SMOOTH.index(view.smooth) if view.smooth in SMOOTH else 0)
        self.log.setChecked(view.log)
        self.planes.set_plane(view.plane)
        self.pin.setText("Let go of the pin" if view.pinned >= 0 else "Pin this step")
        _empty(self.chips)
        for place, source in enumerate(view.sources):
            chip = QPushButton(f"{shown(self.feeds.feed(source).name)}  ×")
            chip.setToolTip(f"Take away {join(source.host, source.series.sources[0])}")
            chip.setAccessibleName(f"Take away {self.feeds.feed(source).name}")
            chip.clicked.connect(
                lambda *_, place=place: self.show_view(self.view.without_source(place))
            )
            self.chips.addWidget(chip)

    def _show_reading(self) -> None:
        named = self.feeds.known(self.view)
        if named:
            self.verdict.set_verdict(series_words.verdict_of(named))
        else:
            failed = any(self.feeds.feed(one).stage == "failed" for one in self.view.sources)
            self.verdict.set_waiting(
                "This series could not be read." if failed else "Reading the masks …"
            )
        self.moved.emit()

    def _show_strips(self) -> None:
        view = self.view
        while len(self.strips) > len(view.sources):
            panel, _ = self.strips.pop()
            panel.deleteLater()
        while len(self.strips) < len(view.sources):
            self.strips.append(self._new_strip(len(self.strips)))
        tables = [table for _, table in self.feeds.known(view)]
        for (panel, strip), source in zip(self.strips, view.sources, strict=True):
            feed = self.feeds.feed(source)
            panel.title.setText(shown(feed.name))
            table = feed.table
            strip.set_strip(strip_of(table, tables) if table is not None else None)
            strip.set_cursor(
                near(table, view.step), near(table, view.pinned) if view.pinned >= 0 else -1
            )
            strip.set_range(view.span)
            strip.set_chosen(frozenset(view.layers))
            panel.beside.set_whole(
                "flip rate per layer and step · drag to scrub, Shift+drag for a range"
                if table is not None
                else feed.stage
            )

    def _new_strip(self, place: int) -> tuple[Panel, Seismograph]:
        panel, strip = Panel("series"), Seismograph(self.theme)
        panel.body.addWidget(strip, 1)
        strip.step_chosen.connect(lambda point: self._choose_point(place, point))
        strip.range_chosen.connect(self._choose_range)
        strip.layer_chosen.connect(lambda layer, add: self._choose_layer(layer, add=add))
        strip.opened.connect(self.open_point)
        self.column.addWidget(panel)
        return panel, strip

    def _show_curves(self) -> None:
        view = self.view
        named = self.feeds.known(view)
        self.measure.blockSignals(True)
        own = dict.fromkeys(name for _, table in named for name, _, _ in table.curves)
        known = {self.measure.itemText(place) for place in range(self.measure.count())}
        self.measure.addItems([name for name in own if name not in known])
        self.measure.setCurrentText(view.measure)
        self.measure.blockSignals(False)
        self.plot.set_log(view.log and view.measure in ("flip rate", "margin"))
        self.plot.set_smooth(view.smooth)
        self.plot.set_lines(lines_of(named, view))
        table = self.table
        self.plot.set_cursor(float(table.steps[self.at]) if table is not None else None)
        self.plot.set_range(view.span)
        chosen = ", ".join(view.layers) if view.layers else "all layers together"
        self.curves_panel.beside.set_whole(shown(chosen))

    def _show_step(self) -> None:
        table = self.table
        if table is None or not len(table.layers):
            self.canvas.set_picture(None)
            self.canvas.set_waiting("")
            self.figures.set_rows([])
            self._pictured = None
            return
        view, at = self.view, self.at
        pinned = near(table, view.pinned) if view.pinned >= 0 else -1
        self.step_panel.title.setText(series_words.between(table, at, pinned))
        self.step_panel.beside.set_whole(shown(view.layers[0]) if view.layers else "all layers")
        self.figures.set_rows(series_words.figures_of(table, rows_of(table, view.layers), at))
        self._show_map(table, at, pinned)

    def _show_map(self, table: SeriesTable, at: int, pinned: int) -> None:
        view = self.view
        row = int(rows_of(table, view.layers)[0])
        before = pinned if pinned >= 0 else max(at - 1, 0)
        layer = table.layers[row]
        self._focus.show(
            self.desk.asker(self.source.host),
            self.source.series,
            view.options,
            layer,
            before,
            at,
        )
        picture = picture_of(_VIEW, table, row)
        points = (before, at) if view.plane == "flips" else ()
        asked = (self.source, view.options, picture, points, len(table.steps))
        if asked != self._pictured:
            # Tiles of other points bear the same names: all of them are asked for anew.
            spot = self.canvas.middle if self._same_layer(picture.tensor) else None
            self.canvas.set_plane(view.plane)  # type: ignore[arg-type]
            self.canvas.set_picture(picture)
            if spot is not None:
                self.canvas.go_to(*spot)
            self._pictured = asked
        what = series_words.between(table, at, pinned).lower()
        self.map_panel.title.setText("Flips" if view.plane == "flips" else "Last change")
        beside = f"{layer} · {what}" if view.plane == "flips" else layer
        self.map_panel.beside.set_whole(shown(beside))

    def _same_layer(self, tensor: str) -> bool:
        return self.canvas.picture is not None and self.canvas.picture.tensor == tensor

    def _show_worst(self, worst: Oscillators) -> None:
        """List the weights that flip most, each a way to its group."""
        _empty(self.worst)
        found = worst_of(worst)
        self.worst_title.setVisible(bool(found))
        for row, column, flips in found:
            button = QPushButton(f"{shown(worst.layer)}[{row}, {column}]   {flips:,} flips")
            button.setProperty("link", True)
            button.setAccessibleName(f"Open {worst.layer} at {row}, {column}")
            button.clicked.connect(
                lambda *_, row=row, column=column: self.open_point(
                    self.at, worst.layer, row, column
                )
            )
            self.worst.addWidget(button)
        self.worst.addStretch(1)


def _empty(layout: Any) -> None:
    """Take everything out of a layout."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item else None
        if widget is not None:
            widget.deleteLater()

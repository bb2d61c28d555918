"""Draws the page from its view and from the series that came; only what changed is drawn again."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from inspector.link.places import join
from inspector.models import series_words
from inspector.models.interval import Interval, interval_of, span_of
from inspector.models.series_focus import Looked, SeriesFocus, picture_of
from inspector.models.series_table import SeriesTable, near, rows_of, worst_of
from inspector.models.words import shown
from inspector.pages.timeline.drawing import curves_of, lines_of, second_of, strip_of
from inspector.pages.timeline.parts import ALONE, SMOOTH
from inspector.views.panel import Panel
from inspector.views.seismograph import Seismograph
from sparse_core.messages.timeline import Oscillators

if TYPE_CHECKING:
    from inspector.pages.timeline.page import TimelinePage

_VIEW = 1_000_001
"""Number of the map's view; those of files count from 0."""
_HINT = "flip rate per layer and step · drag to scrub, Shift+drag for a range"
_LONG = 20
_MOST_ABOVE = 0.42
"""Share of the page that the seismographs may take by themselves."""


class Showing:
    """Shows the page's view on its parts."""

    def __init__(self, page: "TimelinePage") -> None:
        self._page = page
        self.focus = SeriesFocus(_VIEW, page)
        self.worst: tuple[str, list[tuple[int, int, int]]] = ("", [])
        """Layer, and row, column and flips of its worst weights."""
        self._drawn: dict[str, object] = {}
        self._looked: Looked | None = None
        self._pointed = ("", -1, -1)
        self.focus.changes_arrived.connect(self._figures)
        self.focus.worst_arrived.connect(self._worst)
        self.focus.weight_arrived.connect(page.canvas.set_cell)

    def everything(self) -> None:
        """Draw what follows from the view."""
        page = self._page
        page.stack.setCurrentWidget(page.body if page.view.sources else page.start)
        self._anew("controls", page.view, self._controls)
        self.reading()
        self._strips()
        self._curves()
        self._step()

    @property
    def pointed(self) -> tuple[str, int, int]:
        """Layer, row and column that were pointed at last; of no layer where none was."""
        return self._pointed

    def point_at(self, row: object, column: object) -> None:
        """Say when a weight of the map flipped."""
        if isinstance(row, int) and isinstance(column, int) and self._looked is not None:
            self._pointed = (self._looked.layer, row, column)
            self.focus.want_weight(row, column)

    def reading(self) -> None:
        """Say how the series stand."""
        page = self._page
        named = page.feeds.known(page.view)
        if named:
            tables = tuple(table for _, table in named)
            names = tuple(name for name, _ in named)
            self._anew("verdict", (names, tables), self._verdict)
            return
        self._drawn.pop("verdict", None)
        stages = {page.feeds.feed(one).stage for one in page.view.sources}
        if "failed" in stages:
            page.verdict.set_waiting("This series could not be read.")
        elif stages == {"stopped"}:
            page.verdict.set_waiting("Reading was stopped. Take the series away and add it again.")
        else:
            page.verdict.set_waiting("Reading the masks …")

    def _anew(self, part: str, key: object, draw: Callable[[], None]) -> None:
        """Draw a part where what it follows from is not what it was."""
        if part not in self._drawn or self._drawn[part] != key:
            self._drawn[part] = key
            draw()

    def _verdict(self) -> None:
        page = self._page
        page.verdict.set_verdict(series_words.verdict_of(page.feeds.known(page.view)))

    def _controls(self) -> None:
        page, view = self._page, self._page.view
        page.rule.setCurrentText(view.rule)
        page.axis.setCurrentText(view.axis)
        page.pattern.setText(view.pattern)
        page.epsilon.setText(f"{view.epsilon:g}" if view.epsilon else "")
        page.smooth.setCurrentIndex(SMOOTH.index(view.smooth) if view.smooth in SMOOTH else 0)
        page.log.setChecked(view.log)
        page.planes.set_plane(view.plane)
        page.pin.setText("Let go of the pin" if view.pinned >= 0 else "Pin this step")
        names = [page.feeds.feed(one).name for one in view.sources]
        page.chips.set_links(
            [
                (
                    f"{shown(name)}  ×",
                    f"Take away {join(source.host, source.series.sources[0])}",
                )
                for name, source in zip(names, view.sources, strict=True)
            ]
        )
        page.left_out.set_links(
            [
                (f"without {_short(shown(name))}  ×", f"Take {name} in again")
                for name in page.excluded
            ]
        )

    # ------------------------------------------------------------ strips and curves

    def _strips(self) -> None:
        page, view = self._page, self._page.view
        count = len(page.strips)
        while len(page.strips) > len(view.sources):
            panel, _ = page.strips.pop()
            panel.hide()
            panel.deleteLater()
        while len(page.strips) < len(view.sources):
            page.strips.append(self._new_strip(len(page.strips)))
        tables = tuple(table for _, table in page.feeds.known(view))
        for place, source in enumerate(view.sources):
            panel, strip = page.strips[place]
            feed = page.feeds.feed(source)
            table = feed.table
            key = (source, table, tables)
            if self._drawn.get(f"strip {place}") != key:
                self._drawn[f"strip {place}"] = key
                panel.title.setText(shown(feed.name))
                strip.set_strip(strip_of(table, tables) if table is not None else None)
                count = -1
            at = near(table, view.step)
            strip.set_cursor(at, near(table, view.pinned) if view.pinned >= 0 else -1)
            strip.set_range(view.span)
            strip.set_chosen(frozenset(view.layers))
            panel.beside.set_whole(_HINT if table is not None else feed.stage)
        if count != len(page.strips):
            self.divide()

    def divide(self) -> None:
        """Give the seismographs the height that they need, as far as there is room."""
        page = self._page
        whole = page.splitter.height()
        needed = page.column.sizeHint().height()
        above = min(needed, round(_MOST_ABOVE * whole))
        page.splitter.setSizes([above, max(whole - above, 1)])

    def _new_strip(self, place: int) -> tuple[Panel, Seismograph]:
        page = self._page
        panel, strip = Panel("series"), Seismograph(page.theme)
        panel.body.addWidget(strip, 1)
        strip.step_chosen.connect(lambda point: page.choose_point(place, point))
        strip.range_chosen.connect(page.choose_range)
        strip.layer_chosen.connect(lambda layer, add: page.choose_layer(layer, add=add))
        strip.opened.connect(page.open_point)
        page.column.insertWidget(place, panel)
        return panel, strip

    def _curves(self) -> None:
        page, view = self._page, self._page.view
        named = page.feeds.known(view)
        tables = tuple(table for _, table in named)
        self._anew(
            "curves",
            (tables, view.measure, view.second, view.layers, view.smooth, view.log),
            self._lines,
        )
        table = page.table
        cursor = float(table.steps[page.at]) if table is not None and len(table.steps) else None
        for plot in (page.plot, page.second):
            plot.set_cursor(cursor)
        self._anew("range", view.span, self._range)

    def _range(self) -> None:
        for plot in (self._page.plot, self._page.second):
            plot.set_range(self._page.view.span)

    def _lines(self) -> None:
        page, view = self._page, self._page.view
        named = page.feeds.known(view)
        own = curves_of(named)
        for combo, chosen in ((page.measure, view.measure), (page.beside, view.second or ALONE)):
            known = {combo.itemText(place) for place in range(combo.count())}
            combo.addItems([name for name in own if name not in known])
            combo.setCurrentText(chosen)
        page.plot.set_log(view.log and view.measure in ("flip rate", "margin"))
        page.plot.set_smooth(view.smooth)
        page.plot.set_lines(lines_of(named, view))
        page.second.setVisible(bool(view.second))
        if view.second:
            page.second.set_smooth(view.smooth)
            page.second.set_lines(second_of(named, view))
        chosen_layers = ", ".join(view.layers) if view.layers else "all layers together"
        page.curves_panel.beside.set_whole(shown(chosen_layers))

    # ------------------------------------------------------------ the two points

    def _step(self) -> None:
        page, table = self._page, self._page.table
        if table is None or not len(table.layers) or not len(table.steps):
            page.canvas.set_picture(None)
            page.canvas.set_waiting("")
            page.figures.set_rows([])
            page.worst.set_links([])
            self.focus.release()
            self._looked = None
            return
        interval = interval_of(table, page.view)
        self._map(table, interval)
        page.step_panel.title.setText(series_words.between(table, interval))
        self._figures()

    def _figures(self) -> None:
        page, table = self._page, self._page.table
        if table is None or self._looked is None:
            return
        interval = self._looked.interval
        changed = self.focus.changed
        if interval.neighbours:
            changed = series_words.changed_at(table, interval.after)
        rows = rows_of(table, page.view.layers)
        page.figures.set_rows(series_words.figures_of(table, rows, interval, changed))
        page.moved.emit()

    def _map(self, table: SeriesTable, interval: Interval) -> None:
        page, view = self._page, self._page.view
        row = int(rows_of(table, view.layers)[0])
        layer, span = table.layers[row], span_of(table, view)
        source = page.source
        looked = Looked(source.series, view.options, table, layer, interval, span)
        before, self._looked = self._looked, looked
        if before is not None and before.layer != layer:
            self._worst(None)
            self._pointed = ("", -1, -1)
        self.focus.show(page.desk.asker(source.host), looked)
        picture = picture_of(_VIEW, table, row, span[1])
        same = page.canvas.picture is not None and page.canvas.picture.tensor == layer
        page.canvas.set_plane(view.plane)  # type: ignore[arg-type]
        page.canvas.set_picture(picture)
        asked = (_apart(looked), looked.ends(view.plane), view.plane)
        if self._drawn.get("map") != asked:
            self._drawn["map"] = asked
            if same:
                page.canvas.renew()
        page.map_panel.title.setText("Flips" if view.plane == "flips" else "Last change")
        what = series_words.between(table, interval).lower()
        page.map_panel.beside.set_whole(
            shown(f"{layer} · {what}" if view.plane == "flips" else layer)
        )

    def _worst(self, worst: Oscillators | None) -> None:
        """List the weights that flip most, each a way to its group."""
        page = self._page
        layer = worst.layer if worst is not None else ""
        found = worst_of(worst) if worst is not None else []
        self.worst = (layer, found)
        page.worst_title.setVisible(bool(found))
        page.worst.set_links(
            [
                (
                    f"{shown(layer)}[{row}, {column}]   {flips:,} flips",
                    f"Open {layer} at {row}, {column}",
                )
                for row, column, flips in found
            ]
        )


def _short(name: str) -> str:
    return name if len(name) <= _LONG else f"{name[: _LONG // 2]}…{name[-_LONG // 2 :]}"


def _apart(looked: Looked) -> tuple[object, ...]:
    return looked.series, looked.options, looked.table, looked.layer

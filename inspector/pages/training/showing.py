"""Draws the run in front from what came of it; only what changed is drawn again."""

from typing import TYPE_CHECKING

from inspector.models.run_record import RunRecord
from inspector.models.run_words import (
    figures_of,
    layer_columns,
    said_of,
    share_of,
    tone_of,
)
from inspector.pages.training.drawing import MEASURES, flags, lines_of, own_of
from inspector.pages.training.parts import SMOOTH

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage


class Showing:
    """Shows the page's view on its parts."""

    def __init__(self, page: "TrainingPage") -> None:
        self._page = page
        self._drawn: dict[str, object] = {}

    def everything(self) -> None:
        """Draw what follows from the view."""
        page, view = self._page, self._page.view
        page.sides.set_plane(view.side)
        sides = {
            "run": page.run_side if view.run else page.empty,
            "jobs": page.job_side,
            "table": page.table_side,
            "costs": page.cost_side,
        }
        page.stack.setCurrentWidget(sides[view.side])
        page.smooth.setCurrentIndex(SMOOTH.index(view.smooth) if view.smooth in SMOOTH else 0)
        self.run()

    def run(self) -> None:
        """Draw what is new of the run in front."""
        page, view, record = self._page, self._page.view, self._page.record
        if record is None or view.side != "run":
            return
        runs = [(name, feed.record) for name, feed in page.watching.named(view)]
        state = record.state
        name = runs[0][0]
        others = len(runs) - 1
        said = page.steering.said_of(view.run) or said_of(record)
        page.head.show_run(
            f"{name} and {others} laid over" if others else name,
            said,
            figures_of(record),
            share_of(state),
            tone_of(state.state) if state is not None else "accent",
        )
        page.steering.show()
        page.after.show()
        versions = tuple((name, one.version) for name, one in runs)
        key = (versions, view.measures, view.logs, view.smooth)
        if self._drawn.get("plots") != key:
            self._drawn["plots"] = key
            self._plots(runs)
        if self._drawn.get("layers") != (view.run, record.version):
            self._drawn["layers"] = (view.run, record.version)
            page.layer_table.show(layer_columns(record))
        page.moved.emit()

    def _plots(self, runs: list[tuple[str, RunRecord]]) -> None:
        page, view = self._page, self._page.view
        records = [record for _, record in runs]
        own = own_of(records)
        for place, plot in enumerate(page.plots):
            combo, measure = page.measures[place], view.measures[place]
            items = [*MEASURES, *own]
            if [combo.itemText(at) for at in range(combo.count())] != items:
                combo.clear()
                combo.addItems(items)
            combo.setCurrentText(measure)
            page.logs[place].setChecked(view.logs[place])
            if self._drawn.get(f"log {place}") != view.logs[place]:
                self._drawn[f"log {place}"] = view.logs[place]
                plot.set_log(view.logs[place])
            if self._drawn.get(f"smooth {place}") != view.smooth:
                self._drawn[f"smooth {place}"] = view.smooth
                plot.set_smooth(view.smooth)
            plot.set_lines(lines_of(runs, measure))
            plot.set_flags(flags(records[0]))

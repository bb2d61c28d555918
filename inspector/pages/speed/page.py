"""The page: what would be timed, what is being timed, and what came of it."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from PySide6.QtWidgets import QWidget

from inspector.errands import Errand, TimeLayers
from inspector.link.places import join, split
from inspector.models.desk import Desk
from inspector.models.speed_cards import columns_of, key_of
from inspector.models.speed_feed import SpeedFeed
from inspector.models.speed_result import SpeedResult, estimate
from inspector.models.speed_view import PRESETS, SpeedView, batches_of, complaint
from inspector.models.speed_words import PLAN, network_words, verdict_of, whys
from inspector.models.words import count, shown
from inspector.pages.speed.acts import Acts
from inspector.pages.speed.drawing import bars_of, cards_of, lights_of, points_of
from inspector.pages.speed.parts import AS_STORED, OWN, Parts
from inspector.state import SessionState
from inspector.theme import Theme
from sparse_core.messages import Progress
from sparse_core.messages.speed import SpeedWanted

TITLE = "Speed"
_NOW = "this one"


class SpeedPage(Parts):
    """Whether sparse is faster here."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.view = SpeedView(threads=max(desk.settings.threads, 1))
        self.feed = SpeedFeed(self)
        self._beside = SpeedResult()
        self._way = "cards"
        self._points: list[tuple[str, str]] = []
        self.acts = Acts(self)
        self._connect()
        self._show()

    # ------------------------------------------------------------ what the window asks for

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown is still to come."""
        return not self.feed.running

    @property
    def status(self) -> str:
        """How the test stands."""
        rows = len(self.feed.result.timed)
        said = {
            "running": f"Timing {self._name} · {count(rows, 'row')}",
            "complete": f"Speed test finished · {count(rows, 'row')}",
            "stopped": f"Speed test stopped · {count(rows, 'row')} are kept",
            "failed": "The speed test failed",
        }
        return said.get(self.feed.stage, "")

    @property
    def progress(self) -> Progress | None:
        """That something is being timed; how far cannot be said before the end."""
        if not self.feed.running:
            return None
        rows = len(self.feed.rows)
        return Progress(rows, 0, "rows", None, "timing")

    @property
    def facts(self) -> frozenset[str]:
        """Whether a test can start, runs, or has rows."""
        found = set()
        if not complaint(self.view) and not self.feed.running:
            found.add("ready")
        if self.feed.running:
            found.add("running")
        if self.feed.result.timed:
            found.add("rows")
        return frozenset(found)

    def act(self, command: str) -> None:
        """Carry out one of the page's commands."""
        self.acts.act(command)

    def take(self, errand: Errand) -> None:
        """Time the layers of a checkpoint, or one of them."""
        if isinstance(errand, TimeLayers):
            self.change(place=errand.place, layers=errand.tensor or "*")

    def come_forward(self) -> None:
        """Offer the file in front."""
        self._follow_file(self.desk.state)

    def follow(self, old: SessionState, new: SessionState) -> None:
        """Follow to the file in front."""
        if old.file != new.file:
            self._follow_file(new)

    def cancel(self) -> None:
        """Stop timing."""
        self.feed.cancel()

    def ask_again(self, host: str) -> None:
        """Take note that the core is gone: what it timed ended with it."""
        if host == split(self.view.place)[0]:
            self.feed.lost()

    def kept(self) -> dict[str, Any]:
        """Return the view."""
        kept: dict[str, Any] = msgspec.to_builtins(self.view)
        return kept

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Show what would be timed; nothing is timed by itself."""
        try:
            view = msgspec.convert(dict(kept), SpeedView)
        except msgspec.ValidationError:
            return
        self.change(**{name: getattr(view, name) for name in ("batches", "dtype", "threads")})

    def shown(self) -> dict[str, Any]:
        """Return what the page says."""
        return {
            "verdict": self.verdict.accessibleDescription(),
            "status": self.status,
            "cards": [card.title for card in self.cards.cards],
            "bars": [(bar.name, bar.text) for bar in self.bars.bars],
            "why": self.why.text(),
            "complaint": self.complaint.text(),
        }

    def release(self) -> None:
        """Let go of the core."""
        self.feed.release()

    # ------------------------------------------------------------ the view

    @property
    def wanted(self) -> SpeedWanted:
        """What would be timed."""
        return self.view.wanted(split(self.view.place)[1])

    def change(self, **changes: Any) -> None:
        """Show the page with some fields of its view replaced."""
        old, self.view = self.view, msgspec.structs.replace(self.view, **changes)
        if old == self.view:
            return
        link = self.desk.asker(split(self.view.place)[0])
        if old.place != self.view.place:
            self.feed.clear()
            self.feed.look_back(link, split(self.view.place)[1])
        if old.beside != self.view.beside:
            self._beside = SpeedResult()
            if self.view.beside:
                self.feed.lay_beside(link, self.view.beside)
        self._show()

    def run(self) -> None:
        """Start timing, or stop what runs."""
        if self.feed.running:
            self.feed.cancel()
        elif not complaint(self.view):
            self.change(batch=0, row=("", ""))
            self.feed.start(self.desk.asker(split(self.view.place)[0]), self.wanted)

    def show_as(self, way: str) -> None:
        """Show the rows as cards, or as a table."""
        self._way = way
        self._show_rows()

    # ------------------------------------------------------------ connecting

    def _connect(self) -> None:
        self.go.clicked.connect(lambda *_: self.run())
        for line, field in (
            (self.layers, "layers"),
            (self.shapes, "shapes"),
            (self.patterns, "patterns"),
        ):
            line.textChanged.connect(lambda text, field=field: self.change(**{field: text.strip()}))
        self.batches.textChanged.connect(self._write_batches)
        self.preset.textActivated.connect(self._choose_preset)
        self.dtype.textActivated.connect(
            lambda name: self.change(dtype="" if name == AS_STORED else name)
        )
        self.device.textActivated.connect(lambda name: self.change(device=name))
        self.threads.valueChanged.connect(lambda number: self.change(threads=number))
        self.batch.activated.connect(self._choose_batch)
        self.earlier.activated.connect(self._choose_earlier)
        self.ways.plane_wanted.connect(self.show_as)
        self.cards.chosen.connect(lambda layer, backend: self.change(row=(layer, backend)))
        self.chart.chosen.connect(lambda number: self.change(row=self._points[number]))
        self.rows.chosen.connect(self._choose_row)
        self.feed.changed.connect(self._show)
        self.feed.failed.connect(self.problem_found)
        self.feed.beside_arrived.connect(self._on_beside)

    def _follow_file(self, state: SessionState) -> None:
        if state.file is not None and not self.feed.running:
            self.change(place=state.file.place)

    def _write_batches(self, text: str) -> None:
        found = batches_of(text)
        self.change(batches=found or ())

    def _choose_preset(self, name: str) -> None:
        if name in PRESETS:
            self.change(batches=PRESETS[name])
        else:
            self.batches.setFocus()

    def _choose_batch(self, place: int) -> None:
        self.change(batch=self.feed.result.batches[place])

    def _choose_earlier(self, place: int) -> None:
        if place > 0:
            link = self.desk.asker(split(self.view.place)[0])
            self.feed.show(link, self.feed.kept[place - 1].path)

    def _choose_row(self, number: int) -> None:
        row = self.feed.result.at(self.view.batch)[number]
        self.change(row=(row.layer, row.backend))

    def _on_beside(self, result: SpeedResult) -> None:
        self._beside = result
        self._show()

    # ------------------------------------------------------------ showing

    @property
    def _name(self) -> str:
        path = split(self.view.place)[1]
        return shown(path.rstrip("/").rpartition("/")[2]) or "made-up layers"

    def _show(self) -> None:
        """Draw everything that follows from the view and the rows."""
        self._show_choice()
        result = self.feed.result
        seen = self.feed.stage != "none"
        self.stack.setCurrentWidget(self.body if seen else self.start)
        batch = self.view.batch or max(result.batches, default=0)
        if result.timed or (seen and not self.feed.running):
            self.verdict.set_verdict(verdict_of(result, batch, running=self.feed.running))
        else:
            self.verdict.set_waiting("Preparing the layers and warming up …")
        self._points = points_of(result, batch)[1]
        found, _ = points_of(result, batch)
        chosen = self._points.index(self.view.row) if self.view.row in self._points else -1
        self.chart.set_points(found, chosen)
        self.bars.set_bars(bars_of(result, batch))
        self._show_network(result, batch)
        self.why.setText("\n\n".join(whys(result.at(batch), result.refused)))
        self._show_rows()
        self.moved.emit()

    def _show_network(self, result: SpeedResult, batch: int) -> None:
        dense = [one.reason for one in result.refused if one.backend == PLAN]
        summed, network = estimate(result.at(batch)), result.network(batch)
        self.whole.setText(network_words(summed, network, dense[-1] if dense else ""))

    def _show_choice(self) -> None:
        view = self.view
        self.what.setText(self._name)
        self.what.setToolTip(view.place)
        for line, text in (
            (self.layers, "" if view.layers == "*" else view.layers),
            (self.shapes, view.shapes),
            (self.patterns, "" if view.patterns == "2:4" else view.patterns),
        ):
            if not line.hasFocus():
                line.setText(text)
        self.layers.setEnabled(bool(view.place))
        if not self.batches.hasFocus() and view.batches:
            self.batches.setText(", ".join(map(str, view.batches)))
        names = [name for name, sizes in PRESETS.items() if sizes == view.batches]
        self.preset.setCurrentText(names[0] if names else OWN)
        self.dtype.setCurrentText(view.dtype or AS_STORED)
        self.device.setCurrentText(view.device)
        self.threads.setValue(view.threads)
        self.go.setText("Stop" if self.feed.running else "Run")
        said = complaint(view)
        self.go.setEnabled(self.feed.running or not said)
        self.go.setToolTip(said or "Time these layers (Ctrl+Return)")
        self.complaint.setText(said if not self.feed.running else "")
        self.complaint.setVisible(bool(self.complaint.text()))
        self._show_lists()

    def _show_lists(self) -> None:
        """Fill what can be chosen among results."""
        result = self.feed.result
        self.batch.clear()
        self.batch.addItems([f"{size:,}" for size in result.batches])
        shown_batch = self.view.batch or max(result.batches, default=0)
        if shown_batch in result.batches:
            self.batch.setCurrentIndex(result.batches.index(shown_batch))
        self.earlier.clear()
        self.earlier.addItem(_NOW if self.feed.rows else "–")
        for one in self.feed.kept:
            day = time.strftime("%d %b %H:%M", time.localtime(one.started))
            self.earlier.addItem(f"{day} · {one.title}")
        paths = [one.path for one in self.feed.kept]
        self.earlier.setCurrentIndex(
            paths.index(self.feed.file) + 1 if self.feed.file in paths else 0
        )

    def _show_rows(self) -> None:
        """Show the rows as cards or table, the chosen one marked."""
        result, view = self.feed.result, self.view
        self.ways.set_plane(self._way)
        self.shapes_stack.setCurrentIndex(0 if self._way == "cards" else 1)
        file = self.desk.state.file
        feed = None
        if file is not None and join(file.host, file.path) == view.place:
            feed = self.desk.feed(file.number)
        known = lights_of(feed.table) if feed is not None else {}
        self.cards.set_cards(cards_of(result, view.batch, known), view.row)
        rows = result.at(view.batch)
        beside = {key_of(row): row for row in self._beside.timed}
        self.table.show(columns_of(rows, beside))
        keys = [(row.layer, row.backend) for row in rows]
        if view.row in keys:
            self.rows.set_row(keys.index(view.row))

"""The page: what is shown follows from its view and from the comparison that came."""

from collections.abc import Mapping
from typing import Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from inspector.errands import CompareTwo, Errand
from inspector.link.places import split
from inspector.models.compare_view import CompareView
from inspector.models.comparison import Comparison, columns_of
from inspector.models.comparison_feed import ComparisonFeed
from inspector.models.comparison_words import verdict_of
from inspector.models.desk import Desk
from inspector.models.problem import Problem
from inspector.models.words import count, shown
from inspector.pages.compare.acts import Acts
from inspector.pages.compare.maps import Maps
from inspector.pages.compare.parts import Parts
from inspector.settings import Settings
from inspector.state import SessionState
from inspector.theme import Theme
from sparse_core.messages import Progress, ScanOptions

TITLE = "Compare"
_FLIPS = 2
"""The column that the table is sorted by at first."""


class ComparePage(Parts):
    """What differs between two checkpoints."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.view = CompareView()
        self._feed: ComparisonFeed | None = None
        self.maps = Maps(self)
        self.acts = Acts(self)
        self.layers.sort_by(_FLIPS, Qt.SortOrder.DescendingOrder)
        self._connect()
        self._show()

    # ------------------------------------------------------------ what the window asks for

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown is still to come."""
        feed = self._feed
        return feed is None or (feed.stage != "reading" and not self.maps.busy)

    @property
    def status(self) -> str:
        """What is compared."""
        if self.found is None:
            return ""
        return f"{count(len(self.found.names), 'layer')} compared"

    @property
    def progress(self) -> Progress | None:
        """How far reading is."""
        return self._feed.progress if self._feed is not None else None

    @property
    def facts(self) -> frozenset[str]:
        """Whether there is a comparison, and whether the layer's masks differ."""
        found = self.found
        if found is None:
            return frozenset({"pair"} if self._feed is not None else ())
        row = found.names.index(self.maps.layer) if self.maps.layer in found.names else -1
        flips = row >= 0 and found.flips[row] > 0
        return frozenset({"pair", "flips"} if flips else {"pair"})

    @property
    def found(self) -> Comparison | None:
        """The comparison, None while there is none."""
        return self._feed.found if self._feed is not None else None

    def act(self, command: str) -> None:
        """Carry out one of the page's commands."""
        self.acts.act(command)

    def take(self, errand: Errand) -> None:
        """Compare two checkpoints; without a second one the user chooses it."""
        if isinstance(errand, CompareTwo):
            self.change(first=errand.first, second=errand.second, layer=errand.tensor)

    def come_forward(self) -> None:
        """Offer what is open."""
        if not self.view.first and self.desk.state.file is not None:
            self.change(first=self.desk.state.file.place)
        self._show_places()

    def follow(self, old: SessionState, new: SessionState) -> None:
        """Offer what is open now."""
        if old.files != new.files:
            self._show_places()

    def show_settings(self, settings: Settings) -> None:
        """Compare again where weights are taken for something else now."""
        if self._feed is not None and self._feed.options != self._options:
            self.compare_again()

    def cancel(self) -> None:
        """Stop comparing."""
        if self._feed is not None:
            self._feed.cancel()

    def ask_again(self, host: str) -> None:
        """Compare again: the core that was asked is gone."""
        if self._feed is not None and split(self.view.first)[0] == host:
            self.compare_again()

    def kept(self) -> dict[str, Any]:
        """Return the view."""
        kept: dict[str, Any] = msgspec.to_builtins(self.view)
        return kept

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Compare again what was compared."""
        try:
            self.show_view(msgspec.convert(dict(kept), CompareView))
        except msgspec.ValidationError:
            return

    def shown(self) -> dict[str, Any]:
        """Return what the page says."""
        return {
            "verdict": self.verdict.accessibleDescription(),
            "layer": self.maps.layer,
            "badge": self.between.badge,
            "counter": self.counter.text(),
            "layers": [self.table.index(at, 0).data() for at in range(self.table.rowCount())],
        }

    def release(self) -> None:
        """Let go of the core."""
        self.triptych.blink(False)
        self.maps.follow(None)
        if self._feed is not None:
            self._feed.release()

    # ------------------------------------------------------------ the view

    def change(self, **changes: Any) -> None:
        """Show the page with some fields of its view replaced."""
        self.show_view(msgspec.structs.replace(self.view, **changes))

    def show_view(self, view: CompareView) -> None:
        """Show a view."""
        old, self.view = self.view, view
        if old == view:
            return
        if _asked(old) != _asked(view):
            self.compare_again()
        self._show()

    def compare_again(self) -> None:
        """Compare what A and B are now."""
        if self._feed is not None:
            self.maps.follow(None)
            self._feed.release()
            self._feed.deleteLater()
            self._feed = None
        self.table.show(())
        if not self.view.complete:
            return
        (host, first), (other, second) = split(self.view.first), split(self.view.second)
        if host != other:
            sentence = "A and B lie on different machines: copy one of them beside the other first."
            self.problem_found.emit(Problem(sentence, where=self.view.second))
            return
        feed = ComparisonFeed(self.desk.asker(host), first, second, self._options, self)
        feed.changed.connect(self._on_compared)
        feed.moved.connect(self._show_reading)
        feed.failed.connect(self.problem_found)
        self._feed = feed
        self.maps.follow(feed)
        self._show_reading()

    @property
    def _options(self) -> ScanOptions:
        options = self.desk.options
        if not self.view.pattern:
            return options
        return msgspec.structs.replace(
            options, rule="projected", pattern=self.view.pattern, axis=self.view.axis
        )

    # ------------------------------------------------------------ connecting

    def _connect(self) -> None:
        self.a.chosen.connect(lambda place: self.change(first=place))
        self.b.chosen.connect(lambda place: self.change(second=place))
        self.swap.clicked.connect(lambda *_: self.act("compare.swap"))
        self.pattern.editingFinished.connect(
            lambda: self.change(pattern=self.pattern.text().strip())
        )
        self.planes.plane_wanted.connect(lambda plane: self.change(plane=plane))
        self.changes.plane_wanted.connect(lambda change: self.change(change=change))
        self.layers.chosen.connect(self._choose)
        self.layers.opened.connect(lambda _: self.act("compare.open_second"))
        self.verdict.link_followed.connect(lambda layer: self.change(layer=layer))
        self.blink.clicked.connect(lambda *_: self.act("compare.blink"))
        self.triptych.turned.connect(lambda: self.blink.setChecked(self.triptych.blinking))
        self.maps.moved.connect(self._show_flip)

    def _choose(self, row: int) -> None:
        if self.found is not None:
            self.change(layer=self.found.names[row])

    def _on_compared(self) -> None:
        found = self.found
        assert found is not None
        self.table.show(columns_of(found))
        first, second = (_name(place) for place in (self.view.first, self.view.second))
        self.verdict.set_verdict(verdict_of(found, first, second))
        self._show()

    # ------------------------------------------------------------ showing

    def _show(self) -> None:
        """Draw everything that follows from the view."""
        view, found = self.view, self.found
        self.stack.setCurrentWidget(self.body if self._feed is not None else self.start)
        self._show_places()
        self.pattern.setText(view.pattern)
        self.planes.set_plane(view.plane)
        self.changes.set_plane(view.change)
        for canvas in (self.canvas_a, self.canvas_b):
            canvas.set_plane(view.plane)  # type: ignore[arg-type]
        self.between.set_plane(view.change)  # type: ignore[arg-type]
        if found is not None and found.names:
            layer = view.layer if view.layer in found.names else found.most
            self.maps.show(layer)
            self.layers.set_row(found.names.index(layer))
            for pane, place in ((self.pane_a, view.first), (self.pane_b, view.second)):
                pane.beside.set_whole(shown(_name(place)))
            self.pane_between.beside.set_whole(shown(layer))
        self._show_flip()

    def _show_reading(self) -> None:
        feed = self._feed
        if feed is not None and feed.found is None:
            said = {
                "reading": "Comparing …",
                "stopped": "Stopped. Ctrl+R compares again.",
                "failed": "These two could not be compared.",
            }
            self.verdict.set_waiting(said.get(feed.stage, ""))
        self.moved.emit()

    def _show_places(self) -> None:
        open_now = [file.place for file in self.desk.state.files]
        offered = list(dict.fromkeys([*open_now, *self.desk.settings.recent]))
        self.a.show_place(self.view.first, offered)
        self.b.show_place(self.view.second, offered)

    def _show_flip(self) -> None:
        """Say which flip is looked at."""
        found, flip = self.found, self.maps.flip
        if found is None or self.maps.layer not in found.names:
            self.counter.setText("")
        elif flip is None:
            total = int(found.flips[found.names.index(self.maps.layer)])
            self.counter.setText(f"{count(total, 'flip')} · F8 goes there" if total else "no flips")
        elif flip.number < 0:
            self.counter.setText(f"no further flip of {flip.total:,}")
        else:
            self.counter.setText(f"{flip.number + 1:,} of {flip.total:,}")
        self.moved.emit()


def _asked(view: CompareView) -> tuple[str, str, str, str]:
    return view.first, view.second, view.pattern, view.axis


def _name(place: str) -> str:
    return place.rstrip("/").rpartition("/")[2] or place

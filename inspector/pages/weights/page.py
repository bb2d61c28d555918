"""The page: its parts, connected to the checkpoint and to the chosen layer."""

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QWidget

from inspector.models import layer_words
from inspector.models.asking import Asker
from inspector.models.checkpoint_feed import CheckpointFeed
from inspector.models.feed_words import heading_of
from inspector.models.layer_focus import LayerFocus
from inspector.models.problem_tree import ProblemTree
from inspector.models.words import shown
from inspector.pages.weights.acts import Acts
from inspector.pages.weights.edge_measures import EdgeMeasures
from inspector.pages.weights.finding import Finding
from inspector.pages.weights.parts import Parts
from inspector.pages.weights.spots import Spots
from inspector.state import FileView
from inspector.theme import Theme
from sparse_core.messages import Cell, LayerReport, Picture, Plane, Values, Verdict

TITLE = "Weights"
PATIENCE_MS = 1500
"""So long the page waits for a verdict that names a layer before it chooses the first itself."""


class WeightsPage(Parts):
    """One checkpoint, looked at.

    Parameters
    ----------
    link : Asker
        The way to the core.
    feed : CheckpointFeed
        The checkpoint; lives longer than the page.
    view : FileView
        How it is looked at; later views come by ``show_view``.
    theme : Theme
    """

    tensor_chosen = Signal(str)
    plane_chosen = Signal(str)
    container_chosen = Signal(str)
    """Another model of the same file."""
    problem_found = Signal(object)
    hint_changed = Signal(str)
    """What the story of the demo leads to next."""
    settings_wanted = Signal(object)
    """A function from ``Settings`` to other ``Settings``."""
    spot_moved = Signal(object)
    """A ``Spot``, or None: the map was moved and has come to rest."""

    def __init__(
        self,
        link: Asker,
        feed: CheckpointFeed,
        view: FileView,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        problems = ProblemTree()
        super().__init__(feed.layers, problems, theme, parent)
        problems.setParent(self)
        self._feed = feed
        self._view = view
        self._report: LayerReport | None = None
        self._cell: Cell | None = None
        self._focus = LayerFocus(link, view.number, self)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self.finding = Finding(link, feed, view.number, problems, self)
        self.edges = EdgeMeasures(link, feed, view.number, self)
        self.acts = Acts(self, link)
        self._spots = Spots(self.canvas, self)
        self._spots.moved.connect(self.spot_moved)
        self._spots.want(view.spot, fresh=True)
        self.layers.set_current(view.tensor)
        self._connect_feed()
        self._connect_focus()
        self._on_verdict_changed()

    # ------------------------------------------------------------ what the window asks for

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown is still to come."""
        if self._feed.running:
            return False
        if not self._view.tensor:
            return not len(self._feed.table)
        if self._focus.busy or self.finding.busy or self.acts.busy or self.edges.busy:
            return False
        return self.canvas.picture is not None and self.canvas.sharp

    @property
    def feed(self) -> CheckpointFeed:
        """The checkpoint."""
        return self._feed

    @property
    def tensor(self) -> str:
        """The chosen layer, "" for none."""
        return self._view.tensor

    @property
    def cell(self) -> Cell | None:
        """The weight that was last pointed at."""
        return self._cell

    def act(self, command: str) -> None:
        """Carry out one of ``PAGE_COMMANDS``."""
        self.acts.act(command)

    def show_view(self, view: FileView) -> None:
        """Show the checkpoint as it is looked at now."""
        old, self._view = self._view, view
        if (old.tensor, old.spot) != (view.tensor, view.spot):
            self._spots.want(view.spot, fresh=old.tensor != view.tensor)
        if old.tensor != view.tensor:
            self.layers.set_current(view.tensor)
            self._show_layer()
        elif old.plane != view.plane:
            self._show_plane()
            self.acts.story.did(view.plane)

    def release(self) -> None:
        """Let go of the core: answers that still come are not for this page."""
        self._patience.stop()
        self._spots.release()
        self._focus.release()
        self.finding.release()
        self.acts.release()
        self.edges.release()

    def go_to_layers(self) -> None:
        """Put the keyboard on the layers."""
        self.layers.tree.setFocus(Qt.FocusReason.OtherFocusReason)

    def fit_map(self) -> None:
        """Show the whole layer."""
        self.canvas.fit()

    def go_to_filter(self) -> None:
        """Put the cursor into the filter."""
        self.layers.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.layers.filter.selectAll()

    def go_to_map(self) -> None:
        """Put the keyboard on the map."""
        self.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def go_to_weight(self, tensor: str, row: int, column: int) -> None:
        """Fly to a weight, its group under the loupe."""
        self.finding.go_to(tensor, row, column)

    def go(self, step: int) -> None:
        """Choose the next layer, or the one before."""
        self.layers.go(step)

    def look_at(self, row: int, column: int) -> None:
        """Ask for the exact value of a weight, as if the cursor stood on it."""
        self._focus.want_cell(row, column)
        self.finding.look_at(row, column)

    def shown(self) -> dict[str, Any]:
        """Return what the page says, for tests and pictures."""
        verdict = self._feed.verdict
        return {
            "verdict": verdict.text if verdict else "",
            "tensor": self._view.tensor,
            "plane": self.canvas.plane,
            "badge": self.canvas.badge,
            "cursor": self._cursor_shown(),
            "counters": self._counters(),
        }

    def _cursor_shown(self) -> dict[str, Any] | None:
        cell = self._cell
        if cell is None:
            return None
        place = {"row": cell.row, "column": cell.column}
        return {**place, "value": cell.value, "kept": cell.kept, "text": cell.text}

    def _counters(self) -> dict[str, int]:
        table, verdict = self._feed.table, self._feed.verdict
        counters = {"tensors": len(table), "scanned": int(table.scanned.sum())}
        if verdict is not None:
            for name in ("prunable", "sparse", "broken", "unstructured", "dense"):
                counters[name] = getattr(verdict, name)
        return counters

    # ------------------------------------------------------------ connecting

    def _connect_feed(self) -> None:
        self._feed.opened.connect(self._on_opened)
        self._feed.listed.connect(self._on_listed)
        self._feed.verdict_changed.connect(self._on_verdict_changed)
        self._feed.stage_changed.connect(self._on_stage_changed)
        self._patience.timeout.connect(self._choose_first)
        self.verdict.link_followed.connect(self.tensor_chosen)
        self.layers.layer_chosen.connect(self.tensor_chosen)
        self.layers.rows_visible.connect(self._feed.look_first)
        self.planes.plane_wanted.connect(self.plane_chosen)
        self.containers.container_chosen.connect(self.container_chosen)
        self.fit.clicked.connect(lambda *_: self.fit_map())
        self.finding.tensor_wanted.connect(self.tensor_chosen)
        self.finding.problem_found.connect(self.problem_found)
        self.finding.looked.connect(self._focus.want_cell)

    def _connect_focus(self) -> None:
        focus = self._focus
        focus.layer_arrived.connect(self._on_layer_arrived)
        focus.picture_arrived.connect(self._on_picture_arrived)
        focus.values_arrived.connect(self._on_values_arrived)
        focus.cell_arrived.connect(self._on_cell_arrived)
        focus.tile_arrived.connect(self.canvas.add_tile)
        focus.failed.connect(self.problem_found)
        self.canvas.tiles_wanted.connect(focus.want_tiles)
        self.canvas.cell_hovered.connect(focus.want_cell)
        self.canvas.cell_chosen.connect(focus.want_cell)

    # ------------------------------------------------------------ the checkpoint

    @Slot()
    def _on_opened(self) -> None:
        summary = self._feed.summary
        if summary is not None:
            self.verdict.set_notes(summary.notes)
            keys = [container.key for container in summary.containers]
            self.containers.set_containers(keys, self._view.container)

    @Slot()
    def _on_listed(self) -> None:
        if self._feed.table.row_of(self._view.tensor) >= 0:
            self._show_layer()
            return
        # Read again, a file may have lost the layer that was looked at.
        self.tensor_chosen.emit("")
        self._patience.start()

    @Slot()
    def _on_verdict_changed(self) -> None:
        verdict = self._feed.verdict
        if verdict is None:
            self.verdict.set_waiting(heading_of(self._feed))
            return
        self.verdict.set_verdict(verdict)
        if not self._view.tensor:
            self._choose_linked(verdict)

    def _choose_linked(self, verdict: Verdict) -> None:
        """Choose the first layer that the verdict finds broken, else what it names in the end."""
        table = self._feed.table
        links = [phrase.tensor for phrase in verdict.detail if phrase.tensor]
        broken = [name for name in links if table.classes[table.row_of(name)] == "broken"]
        named = broken or ([] if verdict.partial else links)
        if named:
            self.tensor_chosen.emit(named[0])

    @Slot()
    def _on_stage_changed(self) -> None:
        if self._feed.verdict is None:
            self.verdict.set_waiting(heading_of(self._feed))
        self.splitter.setVisible(self._feed.stage != "failed" or len(self._feed.table) > 0)
        if self._feed.stage == "complete":
            self._choose_first()
            # The figures asked for while the scan ran may have been of a part.
            self._update_plane()

    @Slot()
    def _choose_first(self) -> None:
        """Choose the first layer that can be sparse, else the first; a choice made stays."""
        self._patience.stop()
        table = self._feed.table
        if self._view.tensor or not len(table):
            return
        first = int(table.prunable.argmax())
        self.tensor_chosen.emit(table.names[first])

    # ------------------------------------------------------------ the layer

    def _show_layer(self) -> None:
        tensor = self._view.tensor
        self._report = self._cell = None
        self.canvas.set_picture(None)
        self.canvas.set_waiting(f"Reading {shown(tensor)} …" if tensor else "")
        self.map_panel.title.setText(shown(tensor) or "Heat map")
        self.map_panel.beside.set_whole("reading …" if tensor else "")
        self.figures.set_rows([])
        self.notes.clear()
        self.histogram.set_values(None)
        self.values_panel.beside.set_whole("")
        self.finding.show_layer(tensor)
        self.edges.show(tensor)
        listed = self._feed.table.row_of(tensor) >= 0
        self._focus.show(self._feed.file, self._feed.options, tensor if listed else "")
        self._show_plane()

    def _show_plane(self) -> None:
        plane = self._view.plane or self._suitable_plane()
        self.planes.set_plane(plane)
        self.canvas.set_plane(plane)

    def _suitable_plane(self) -> Plane:
        """Show where a pattern breaks if it does, else how dense the layer is."""
        row = self._feed.table.row_of(self._view.tensor)
        broken = row >= 0 and self._feed.table.bad_groups[row] > 0
        return "violation" if broken else "density"

    def _update_plane(self) -> None:
        if not self._view.plane:
            self._show_plane()

    @Slot(object)
    def _on_picture_arrived(self, picture: Picture) -> None:
        self.canvas.set_picture(picture)
        self._spots.on_picture()
        self.finding.show_picture(picture)

    @Slot(object)
    def _on_layer_arrived(self, report: LayerReport) -> None:
        self._report = report
        self.map_panel.beside.set_whole(layer_words.line_of(report))
        self.figures.set_rows(layer_words.figures_of(report))
        self.notes.setText("\n".join(layer_words.notes_of(report)))

    @Slot(object)
    def _on_values_arrived(self, values: Values) -> None:
        self.histogram.set_values(values)
        apart = f"zeros apart: {values.zeros:,}"
        self.values_panel.beside.set_whole(f"{apart} · log scale")

    @Slot(object)
    def _on_cell_arrived(self, cell: Cell) -> None:
        self._cell = cell
        self.canvas.set_cell(cell)

"""Everything about broken groups: the list, the walk, the loupe, the frame on the map."""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from inspector.models import group_words
from inspector.models.asking import Asker
from inspector.models.broken_layers import BrokenLayers
from inspector.models.checkpoint_feed import CheckpointFeed
from inspector.models.group_feed import GroupFeed
from inspector.models.problem_tree import ProblemTree
from inspector.pages.weights.parts import Parts
from inspector.pages.weights.walk import Stop, Walk
from sparse_core.messages import Loupe, Picture, Violations

REST_MS = 250
"""While a scan runs the list is arranged at most this often."""


class Finding(QObject):
    """Connects the parts of the page that show groups.

    Parameters
    ----------
    link : Asker
        The way to the core.
    feed : CheckpointFeed
    view : int
        Number of the view.
    tree : ProblemTree
        The model of ``parts.problems``.
    parts : Parts
    """

    tensor_wanted = Signal(str)
    problem_found = Signal(object)
    arrived = Signal(object)
    """The ``Stop`` that the walk came to."""
    looked = Signal(object, object)
    """Row and column of a weight that was gone to."""

    def __init__(
        self, link: Asker, feed: CheckpointFeed, view: int, tree: ProblemTree, parts: Parts
    ) -> None:
        super().__init__(parts)
        self._feed = feed
        self._parts = parts
        self._tree = tree
        self._tensor = ""
        self._stop: Stop | None = None
        self._mark: tuple[str, int, int] | None = None
        self._unsteady = False
        self.groups = GroupFeed(link, view, self)
        self.walk = Walk(feed, self.groups, self)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._connect()
        self._arrange()

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return self.groups.busy or self._rest.isActive()

    @property
    def stop(self) -> Stop | None:
        """The broken group in focus."""
        return self._stop

    def show_layer(self, tensor: str) -> None:
        """Follow the page to a layer."""
        self._tensor = tensor
        if self._mark is not None and self._mark[0] != tensor:
            self._mark = None
        self.groups.show(self._feed.file, self._feed.options)
        self.walk.stand(tensor)
        self._parts.loupe.set_loupe(None)
        self._parts.group_panel.beside.set_whole("")
        if self._stop is not None and self._stop.tensor != tensor:
            self._stop = None
            self._say_counter()
        if self._mark is not None and self._mark[0] == tensor:
            self.look_at(*self._mark[1:])
        elif not self._unsteady:
            self._parts.problems.open_layer(tensor)

    def show_picture(self, picture: Picture) -> None:
        """Frame the group in focus on a picture that arrived."""
        if self._mark is not None and self._mark[0] == picture.tensor:
            self._parts.canvas.zoom_to(*self._mark[1:])
            self.looked.emit(*self._mark[1:])

    def go_to(self, tensor: str, row: int, column: int) -> None:
        """Go to a weight of any layer and frame its group."""
        self._mark = (tensor, row, column)
        self.walk.stand(tensor, (row, column))
        if tensor != self._tensor:
            self.tensor_wanted.emit(tensor)
        else:
            self._parts.canvas.zoom_to(row, column)
            self.look_at(row, column)
            self.looked.emit(row, column)

    def look_at(self, row: int, column: int) -> None:
        """Put the group of a weight under the loupe."""
        if self._tensor:
            self.groups.want_loupe(self._tensor, row, column)

    def list_unsteady(self) -> None:
        """List the groups of this layer that a little noise would flip."""
        if self._tensor:
            self.groups.want_unsteady(self._tensor, group_words.NOISE)

    def list_broken(self) -> None:
        """List the broken groups again."""
        self._unsteady = False
        self._arrange()

    def release(self) -> None:
        """Let go of the core."""
        self._rest.stop()
        self.groups.forget()

    # ------------------------------------------------------------ inside

    def _connect(self) -> None:
        parts, groups = self._parts, self.groups
        self._rest.timeout.connect(self._arrange)
        self._feed.filled.connect(self._arrange_soon)
        self._feed.stage_changed.connect(self._arrange_soon)
        groups.page_arrived.connect(self._tree.add_page)
        groups.unsteady_arrived.connect(self._on_unsteady)
        groups.loupe_arrived.connect(self._on_loupe)
        groups.loupe_failed.connect(self._on_no_loupe)
        groups.failed.connect(self.problem_found)
        self._tree.page_wanted.connect(groups.want_page)
        self.walk.arrived.connect(self._on_arrived)
        parts.problems.step_wanted.connect(self.walk.go)
        parts.problems.group_chosen.connect(self._on_listed_chosen)
        parts.problems.broken_wanted.connect(self.list_broken)
        parts.canvas.cell_hovered.connect(self.look_at)
        parts.canvas.cell_chosen.connect(self._on_cell_chosen)

    @Slot()
    def _arrange_soon(self) -> None:
        if self._feed.stage == "listing":
            # Read anew: of the layers that were listed nothing may be asked any more.
            self._rest.stop()
            self._arrange()
        elif not self._rest.isActive():
            self._rest.start(0 if not self._feed.running else REST_MS)

    @Slot()
    def _arrange(self) -> None:
        """Show what is broken now; a list of unsteady groups stays."""
        self.groups.show(self._feed.file, self._feed.options)
        if self._unsteady:
            return
        problems, table = self._parts.problems, self._feed.table
        broken = BrokenLayers(table)
        self._tree.set_layers(
            [
                (name, count, group_words.heading_of(count, int(table.groups[row])))
                for name, count, row in zip(broken.names, broken.counts, broken.rows, strict=True)
            ]
        )
        problems.title.setText("Problems")
        problems.beside.set_whole(group_words.summary_of(broken))
        problems.back.hide()
        problems.setVisible(broken.total > 0)
        problems.open_layer(self._tensor)
        self._say_counter()

    def _say_counter(self) -> None:
        self._parts.problems.set_counter(self._stop.text if self._stop else "")

    @Slot(object)
    def _on_arrived(self, stop: Stop) -> None:
        self._stop = stop
        self.list_broken()
        self._parts.problems.show_group(stop.tensor, stop.ordinal)
        self.go_to(stop.tensor, stop.row, stop.column)
        self.arrived.emit(stop)

    def _on_listed_chosen(self, tensor: str, ordinal: int, row: int, column: int) -> None:
        if self._unsteady:
            self.go_to(tensor, row, column)
        else:
            self.walk.stop_at(tensor, ordinal, row, column)

    def _on_cell_chosen(self, row: int, column: int) -> None:
        self._mark = None
        self.walk.stand(self._tensor, (row, column))
        self.look_at(row, column)

    @Slot(object)
    def _on_unsteady(self, found: Violations) -> None:
        if found.tensor != self._tensor:
            return
        self._unsteady = True
        said = group_words.unsteady_of(found.tensor, len(found.places), found.total)
        self._tree.set_unsteady(found, "the closest first")
        problems = self._parts.problems
        problems.title.setText("Unsteady groups")
        problems.beside.set_whole(said)
        problems.set_counter("")
        problems.back.show()
        problems.show()
        problems.open_layer(found.tensor)

    @Slot(object)
    def _on_loupe(self, loupe: Loupe) -> None:
        if loupe.tensor == self._tensor:
            self._parts.loupe.set_loupe(loupe)
            self._parts.group_panel.beside.set_whole(loupe.place)

    @Slot(str)
    def _on_no_loupe(self, why: str) -> None:
        self._parts.loupe.set_loupe(None, why)
        self._parts.group_panel.beside.set_whole("")

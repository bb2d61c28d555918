"""What runs along the edges of the map: density, or norms of what could be removed whole."""

from PySide6.QtCore import QObject, Slot

from inspector.models.asking import Asker
from inspector.models.checkpoint_feed import CheckpointFeed
from inspector.models.latest import Latest
from inspector.pages.weights.parts import Parts
from sparse_core.messages import Answer, Measure, Profile, ProfileWanted

MEASURES: dict[Measure | None, str] = {
    "kept": "Edges: density",
    "norm": "Edges: filter and shape norms",
    "channel": "Edges: filter and channel norms",
    None: "Edges: none",
}


class EdgeMeasures(QObject):
    """Asks for the edges of the picture in view.

    Parameters
    ----------
    link : Asker
    feed : CheckpointFeed
    view : int
        Number of the view.
    parts : Parts
    """

    def __init__(self, link: Asker, feed: CheckpointFeed, view: int, parts: Parts) -> None:
        super().__init__(parts)
        self._feed = feed
        self._view = view
        self._parts = parts
        self._latest = Latest(link)
        self._tensor = ""
        self._measure: Measure | None = "kept"
        parts.canvas.edges_wanted.connect(self._ask)
        parts.edges_button.clicked.connect(self.next)
        self._say()

    @property
    def busy(self) -> bool:
        """Whether bars are still to come."""
        return self._latest.busy

    @property
    def measure(self) -> Measure | None:
        """What runs along the edges, None for nothing."""
        return self._measure

    def show(self, tensor: str) -> None:
        """Follow the page to a layer."""
        self._tensor = tensor
        self._latest.forget()

    def release(self) -> None:
        """Let go of the core."""
        self._tensor = ""
        self._latest.forget()

    @Slot()
    def next(self) -> None:
        """Show the next measure."""
        measures = list(MEASURES)
        self._measure = measures[(measures.index(self._measure) + 1) % len(measures)]
        self._say()

    def _say(self) -> None:
        self._parts.edges_button.setText(MEASURES[self._measure] + "  E")
        self._parts.canvas.show_edges(self._measure is not None)

    def _ask(self, rows: tuple[int, int, int], columns: tuple[int, int, int]) -> None:
        # A file that is read again may have lost the layer whose picture still stands.
        listed = self._feed.table.row_of(self._tensor) >= 0
        if listed and self._measure is not None:
            file, options = self._feed.file, self._feed.options
            body = ProfileWanted(
                self._view, file, options, self._tensor, self._measure, rows, columns
            )
            self._latest.want(body, self._on_answer)

    def _on_answer(self, answer: Answer) -> None:
        body = answer.body
        # A failure is told by the picture's own question: the edges just stay empty.
        if isinstance(body, Profile) and body.measure == self._measure:
            self._parts.canvas.set_profile(body)

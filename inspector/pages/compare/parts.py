"""The widgets of the page, and where they stand.

A and B on top, the sentence below; three maps with one view; the layers in figures at the bottom.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from inspector.models.desk import Desk
from inspector.models.figure_table import FigureTable
from inspector.theme import Theme, points
from inspector.views.figure_list import FigureList
from inspector.views.page import Page
from inspector.views.panel import Panel
from inspector.views.place_field import PlaceField
from inspector.views.plane_buttons import PlaneButtons
from inspector.views.tile_canvas import TileCanvas
from inspector.views.triptych import Triptych
from inspector.views.verdict_bar import VerdictBar

PLANES = {
    "density": ("density", "Share of kept weights"),
    "mask": ("mask", "Which weights are kept"),
    "magnitude": ("|w|", "Largest magnitude"),
    "value": ("value", "Value of the largest magnitude"),
    "violation": ("violation", "Worst violation of the pattern"),
}
CHANGES = {
    "flips": ("flips", "Weights that are kept in one of the two only"),
    "born": ("newly kept", "Weights that are kept in B only"),
    "died": ("newly dropped", "Weights that are kept in A only"),
}
_HEADING = "What changed between two checkpoints?"
_TEXT = (
    "Choose two checkpoints of one network above: before and after an epoch, a repair, a merge. "
    "Each layer is then compared by its mask, its norm and its angle, and both are seen beside "
    "one another, with what differs between them.\n\n"
    "sparsescope A --diff B opens this page from a terminal."
)
_ABOVE, _BELOW = 470, 230
_WIDE = 640


class Parts(Page):
    """Everything that can be seen on the page, not yet connected."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.a = PlaceField("A", "Checkpoint A")
        self.b = PlaceField("B", "Checkpoint B")
        self.swap = QPushButton("⇄")
        self.swap.setAccessibleName("Swap A and B")
        self.swap.setToolTip("Swap A and B (X)")
        self.pattern = QLineEdit()
        self.pattern.setPlaceholderText("N:M")
        self.pattern.setAccessibleName("Pattern")
        self.pattern.setToolTip("Project dense weights of both on this pattern")
        self.pattern.setFixedWidth(64)
        self.verdict = VerdictBar(theme)
        self.canvas_a, self.between, self.canvas_b = (TileCanvas(theme) for _ in range(3))
        self.planes = PlaneButtons(PLANES)
        self.changes = PlaneButtons(CHANGES)
        self.pane_a, self.pane_between, self.pane_b = (
            Panel(title) for title in ("A", "A → B", "B")
        )
        self.blink = QPushButton("Blink")
        self.blink.setCheckable(True)
        self.blink.setToolTip("A and B in turn at one place (B; Space turns by hand)")
        self.counter = QLabel()
        self.counter.setProperty("tone", "dim")
        self.table = FigureTable(self)
        self.layers = FigureList("Layers", self.table)
        self._build()

    @property
    def canvases(self) -> tuple[TileCanvas, TileCanvas, TileCanvas]:
        """The maps from left to right."""
        return self.canvas_a, self.between, self.canvas_b

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        super().set_theme(theme)
        for part in (self.verdict, *self.canvases):
            part.set_theme(theme)

    def _build(self) -> None:
        for pane, canvas in (
            (self.pane_a, self.canvas_a),
            (self.pane_between, self.between),
            (self.pane_b, self.canvas_b),
        ):
            pane.body.addWidget(canvas, 1)
        self.triptych = Triptych(self.pane_a, self.pane_between, self.pane_b)
        maps = QWidget()
        column = QVBoxLayout(maps)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._tools())
        column.addWidget(self.triptych, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(maps)
        splitter.addWidget(self.layers)
        splitter.setSizes([_ABOVE, _BELOW])
        splitter.setHandleWidth(8)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(0, 1)
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.verdict)
        inside.addWidget(splitter, 1)
        self.body, self.start = body, _start()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start)
        self.stack.addWidget(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(self._choice())
        layout.addWidget(self.stack, 1)

    def _choice(self) -> QHBoxLayout:
        across = QHBoxLayout()
        across.setSpacing(8)
        across.addWidget(self.a, 1)
        across.addWidget(self.swap)
        across.addWidget(self.b, 1)
        label = QLabel("pattern")
        label.setProperty("tone", "dim")
        across.addWidget(label)
        across.addWidget(self.pattern)
        return across

    def _tools(self) -> QHBoxLayout:
        across = QHBoxLayout()
        across.setSpacing(16)
        across.addWidget(self.planes)
        across.addWidget(self.changes)
        across.addStretch(1)
        across.addWidget(self.counter)
        across.addWidget(self.blink)
        return across


def _start() -> QWidget:
    """Build what is seen while A or B is missing."""
    heading, text = QLabel(_HEADING), QLabel(_TEXT)
    font = QFont(heading.font())
    font.setPointSizeF(points(20))
    font.setBold(True)
    heading.setFont(font)
    for label in (heading, text):
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
    text.setProperty("tone", "dim")
    inside = QWidget()
    inside.setMaximumWidth(_WIDE)
    column = QVBoxLayout(inside)
    column.setSpacing(12)
    column.addWidget(heading)
    column.addWidget(text)
    start = QWidget()
    across = QHBoxLayout(start)
    across.addStretch(1)
    across.addWidget(inside, 4, Qt.AlignmentFlag.AlignVCenter)
    across.addStretch(1)
    return start

"""The widgets of the page, and where they stand.

The verdict on top, the layers on the left, the heat map of the chosen one in the middle, its group
and figures on the right, what is broken at the bottom.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from inspector.models.layer_tree import LayerTreeModel
from inspector.models.problem_tree import ProblemTree
from inspector.theme import Theme
from inspector.views.cells import layer_delegates
from inspector.views.container_choice import ContainerChoice
from inspector.views.figures import Figures
from inspector.views.group_loupe import GroupLoupe
from inspector.views.histogram import Histogram
from inspector.views.layer_list import LayerList
from inspector.views.panel import Panel
from inspector.views.plane_buttons import PlaneButtons
from inspector.views.problem_list import ProblemList
from inspector.views.tile_canvas import TileCanvas
from inspector.views.verdict_bar import VerdictBar

PLANES = {
    "density": ("density", "Share of kept weights"),
    "violation": ("violation", "Worst violation of the pattern"),
    "mask": ("mask", "Which weights are kept"),
    "magnitude": ("|w|", "Largest magnitude"),
    "value": ("value", "Value of the largest magnitude"),
}
_LEFT, _MIDDLE, _RIGHT = 396, 610, 326
_ABOVE, _BELOW = 560, 172
_GROUP, _VALUES = 280, 310


class Parts(QWidget):
    """Everything that can be seen on the page, not yet connected.

    Parameters
    ----------
    layers : LayerTreeModel
    problems : ProblemTree
    theme : Theme
    """

    def __init__(
        self,
        layers: LayerTreeModel,
        problems: ProblemTree,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.verdict = VerdictBar(theme)
        self._cells = layer_delegates(theme, self)
        self.layers = LayerList(layers, self._cells)
        self.containers = ContainerChoice()
        self.canvas = TileCanvas(theme)
        self.planes = PlaneButtons(PLANES)
        self.loupe = GroupLoupe(theme)
        self.figures = Figures("Figures of the layer")
        self.notes = QLabel()
        self.histogram = Histogram(theme)
        self.problems = ProblemList(problems, theme)
        self.problems.hide()
        self.splitter = _splitter(
            Qt.Orientation.Horizontal,
            (self._build_left(), self._build_middle(), self._build_right()),
            (_LEFT, _MIDDLE, _RIGHT),
        )
        self.splitter.setStretchFactor(1, 1)
        body = _splitter(Qt.Orientation.Vertical, (self.splitter, self.problems), (_ABOVE, _BELOW))
        body.setStretchFactor(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self.fine_tune = QPushButton("Fine-tune this")
        self.fine_tune.setToolTip("Fill the training form from this checkpoint (Ctrl+T)")
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.verdict, 1)
        top.addWidget(self.fine_tune)
        layout.addLayout(top)
        layout.addWidget(body, 1)
        layout.addStretch(0)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        for part in (self.verdict, self.canvas, self.histogram, self.loupe, self.problems):
            part.set_theme(theme)
        for cell in self._cells.values():
            cell.set_theme(theme)
        self.layers.tree.viewport().update()

    def _build_left(self) -> QWidget:
        panel = Panel()
        panel.setAccessibleName("Layers")
        panel.body.addWidget(self.containers)
        panel.body.addWidget(self.layers)
        return panel

    def _build_middle(self) -> QWidget:
        self.map_panel = Panel("Heat map")
        self.fit = QPushButton("Fit  F")
        self.fit.setProperty("link", True)
        self.fit.setAccessibleName("Fit the map")
        self.tools = QHBoxLayout()
        self.tools.addWidget(self.planes)
        self.tools.addStretch(1)
        self.edges_button = QPushButton("Edges")
        self.edges_button.setProperty("link", True)
        self.edges_button.setAccessibleName("Next measure along the edges")
        self.map_panel.header.addWidget(self.edges_button)
        self.tools.addWidget(self.fit)
        self.map_panel.body.addLayout(self.tools)
        self.map_panel.body.addWidget(self.canvas, 1)
        return self.map_panel

    def _build_right(self) -> QWidget:
        self.group_panel = Panel("Group")
        self.group_panel.body.addWidget(self.loupe)
        self.values_panel = Panel("Values")
        self.values_panel.body.addWidget(self.histogram, 2)
        self.values_panel.body.addWidget(self._build_figures(), 3)
        return _splitter(
            Qt.Orientation.Vertical, (self.group_panel, self.values_panel), (_GROUP, _VALUES)
        )

    def _build_figures(self) -> QWidget:
        self.notes.setProperty("tone", "dim")
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        self.notes.setAlignment(Qt.AlignmentFlag.AlignTop)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(10)
        column.addWidget(self.figures)
        column.addWidget(self.notes)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Figures of the layer")
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        return scroll


def _splitter(
    along: Qt.Orientation, parts: tuple[QWidget, ...], sizes: tuple[int, ...]
) -> QSplitter:
    splitter = QSplitter(along)
    splitter.setChildrenCollapsible(False)
    splitter.setHandleWidth(8)
    for part in parts:
        splitter.addWidget(part)
    splitter.setSizes(list(sizes))
    return splitter

"""The widgets of the page, and where they stand.

The form on the left; right of it the run that is watched: its head, three plots, knobs, layers with
the mask of the chosen one. In its place the jobs with their logs, the table of runs, or costs.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from inspector.models.desk import Desk
from inspector.models.figure_table import FigureTable
from inspector.pages.training.sides import Sides
from inspector.theme import Theme, points
from inspector.views.action_list import ActionList
from inspector.views.figure_list import FigureList
from inspector.views.knobs import Knobs
from inspector.views.line_plot import LinePlot
from inspector.views.panel import Panel
from inspector.views.plane_buttons import PlaneButtons
from inspector.views.recipe_form import RecipeForm
from inspector.views.run_head import RunHeadBar
from inspector.views.tile_canvas import TileCanvas

SIDES = {
    "run": ("Run", "The run that is watched"),
    "table": ("Runs", "A folder of runs side by side"),
    "costs": ("Costs", "What sparsity costs, layer by layer"),
    "jobs": ("Jobs", "Every job and run known on this machine"),
}
PLANES = {
    "last change": ("last change", "The latest step at which each weight flipped"),
    "flips": ("flips", "Weights that flipped since the mask before"),
}
SMOOTH = (1, 5, 25, 100)
PLOTS = 3
_NAME, _NARROW = 150, 78
_LEGENDS = ((-8, 8), (-8, -36), (-8, 8))
"""Where curves of loss, metric and flips leave room."""
_FORM, _RIGHT = 330, 1000
_ABOVE, _BELOW = 300, 260
_HEADING = "How does it get sparse?"
_TEXT = (
    "Choose a recipe on the left and start it: loss, flips and the pull of λ are drawn as they "
    "come, and λ, learning rate and speed can be turned meanwhile. A run that was started in a "
    "terminal, by torchrun or on another machine can be followed the same way."
)


class Parts(Sides):
    """Everything that can be seen on the page, not yet connected."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.form = RecipeForm()
        self.sides = PlaneButtons(SIDES)
        self.head = RunHeadBar(theme)
        self.plots = [
            LinePlot(f"Plot {place + 1}", theme, legend=corner)
            for place, corner in enumerate(_LEGENDS)
        ]
        self.measures = [_combo(f"Measure of plot {place + 1}") for place in range(PLOTS)]
        self.logs = [_link("log") for _ in range(PLOTS)]
        self.smooth = _combo("Running mean")
        self.smooth.addItems(["raw", *(f"mean of {width}" for width in SMOOTH[1:])])
        self.knobs = Knobs()
        self.freeze = _link("Freeze the masks")
        self.freeze.setCheckable(True)
        self.knob_panel = Panel("Knobs")
        self.layer_table = FigureTable(self)
        self.layers = FigureList("Layers", self.layer_table)
        self.map_panel = Panel("Mask")
        self.canvas = TileCanvas(theme)
        self.planes = PlaneButtons(PLANES)
        self.next = ActionList("What next")
        self.next_panel = Panel("What next")
        self.below = QStackedWidget()
        self.follow_folder = _link("Follow a run folder …")
        self._build()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        super().set_theme(theme)
        for plot in self.plots:
            plot.set_theme(theme)
        self.head.set_theme(theme)
        self.canvas.set_theme(theme)

    # ------------------------------------------------------------ where they stand

    def _build(self) -> None:
        for place, log in enumerate(self.logs):
            log.setCheckable(True)
            self.plots[place].read_out(True)
        for plot in self.plots[1:]:
            plot.follow(self.plots[0])
        self.empty, self.run_side, self.job_side = _start(), self._run(), self.build_jobs()
        self.table_side, self.cost_side = self.build_table(), self.build_costs()
        self.stack = QStackedWidget()
        for side in (
            *(self.empty, self.run_side, self.job_side),
            *(self.table_side, self.cost_side),
        ):
            self.stack.addWidget(side)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        across = QHBoxLayout()
        across.addWidget(self.sides)
        across.addStretch(1)
        across.addWidget(self.follow_folder)
        column.addLayout(across)
        column.addWidget(self.stack, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.form)
        splitter.addWidget(right)
        splitter.setSizes([_FORM, _RIGHT])
        splitter.setStretchFactor(1, 1)
        splitter.setHandleWidth(8)
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _run(self) -> QWidget:
        plots = QWidget()
        across = QHBoxLayout(plots)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        for place in range(PLOTS):
            across.addWidget(self._plot(place), 1)
        self.knob_panel.header.addWidget(self.freeze)
        self.knob_panel.body.addWidget(self.knobs)
        self.knob_panel.beside.set_whole("written to the run, replayed when it is resumed")
        self.next_panel.body.addWidget(self.next)
        for panel in (self.knob_panel, self.next_panel):
            self.below.addWidget(panel)
        self.map_panel.header.addWidget(self.planes)
        self.map_panel.body.addWidget(self.canvas, 1)
        self.layers.filter.hide()
        # As the network has them, until a header is clicked.
        self.layers.sort_by(-1, Qt.SortOrder.AscendingOrder)
        self.layer_table.modelReset.connect(self._widen)
        self.layers.beside.set_whole("click a layer to see its mask change")
        lower = QSplitter(Qt.Orientation.Horizontal)
        lower.addWidget(self.layers)
        lower.addWidget(self.map_panel)
        lower.setSizes([560, 440])
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.below)
        column.addWidget(lower, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(plots)
        splitter.addWidget(below)
        splitter.setSizes([_ABOVE, _BELOW])
        for one in (lower, splitter):
            one.setHandleWidth(8)
            one.setChildrenCollapsible(False)
        side = QWidget()
        whole = QVBoxLayout(side)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.head)
        whole.addWidget(splitter, 1)
        return side

    def _widen(self) -> None:
        """Leave room for the sentence of the last column."""
        header = self.layers.tree.header()
        if header.count():
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
            for column in range(header.count() - 1):
                header.resizeSection(column, _NARROW if column else _NAME)
            header.setStretchLastSection(True)

    def _plot(self, place: int) -> Panel:
        panel = Panel()
        across = QHBoxLayout()
        across.addWidget(self.measures[place], 1)
        if not place:
            across.addWidget(self.smooth)
        across.addWidget(self.logs[place])
        panel.body.addLayout(across)
        panel.body.addWidget(self.plots[place], 1)
        return panel


def _combo(name: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(9)
    return combo


def _link(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("link", True)
    return button


def _start() -> QWidget:
    """Build what is seen while no run is watched."""
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
    inside.setMaximumWidth(560)
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

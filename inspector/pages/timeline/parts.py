"""The widgets of the page, and where they stand.

The sentence on top, what is read below it, a seismograph for each series in the middle; at the
bottom curves, the map of flips, and the figures of the step under the cursor.
"""

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from inspector.models.desk import Desk
from inspector.models.series_table import MEASURES
from inspector.theme import Theme
from inspector.views.figures import Figures
from inspector.views.line_plot import LinePlot
from inspector.views.links import Links
from inspector.views.page import Page
from inspector.views.panel import Panel
from inspector.views.plane_buttons import PlaneButtons
from inspector.views.seismograph import Seismograph
from inspector.views.series_start import SeriesStart
from inspector.views.tile_canvas import TileCanvas
from inspector.views.verdict_bar import VerdictBar

PLANES = {
    "last change": ("last change", "The latest step at which each weight flipped"),
    "flips": ("flips", "Weights that flipped between two checkpoints"),
}
RULES = ("auto", "zeros", "stored", "projected")
AXES = ("in", "out", "kernel")
SMOOTH = (1, 5, 25)
ALONE = "no second"
"""What stands for no second curve."""
_CURVES, _MAP, _FIGURES = 560, 440, 320
_LEAST_COMBO = 64


class Parts(Page):
    """Everything that can be seen on the page, not yet connected."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.start = SeriesStart()
        self.verdict = VerdictBar(theme)
        self.chips = Links("Series", QBoxLayout.Direction.LeftToRight, quiet=False)
        self.left_out = Links("Checkpoints left out", QBoxLayout.Direction.LeftToRight)
        self.add = _link("+ Add series")
        self.rule = _combo("Mask rule", RULES)
        self.pattern = QLineEdit()
        self.pattern.setPlaceholderText("N:M")
        self.pattern.setAccessibleName("Pattern")
        self.pattern.setFixedWidth(64)
        self.axis = _combo("Axis", AXES)
        self.epsilon = QLineEdit()
        self.epsilon.setPlaceholderText("0")
        self.epsilon.setAccessibleName("Frozen up to this flip rate")
        self.epsilon.setToolTip("A layer counts as frozen while its flip rate is not above this")
        self.epsilon.setFixedWidth(64)
        checked = QDoubleValidator(0, 1, 9, self.epsilon)
        checked.setLocale(QLocale.c())
        self.epsilon.setValidator(checked)
        self.strips: list[tuple[Panel, Seismograph]] = []
        self.plot = LinePlot("Curves", theme)
        self.measure = _combo("Measure", tuple(MEASURES))
        self.log = _link("log")
        self.log.setMinimumWidth(44)
        self.log.setCheckable(True)
        self.smooth = _combo("Running mean", ("raw", *(f"mean of {n}" for n in SMOOTH[1:])))
        self.planes = PlaneButtons(PLANES)
        self.canvas = TileCanvas(theme)
        self.figures = Figures("Figures of the step")
        self.pin = _link("Pin this step")
        self.worst = Links("Weights that flip most")
        self.beside = _combo("Second curve", (ALONE, *MEASURES))
        self.second = LinePlot("Second curve", theme)
        self.remedy = QPushButton("Make it stop moving")
        self.remedy.setProperty("primary", True)
        self._build()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        super().set_theme(theme)
        for part in (self.verdict, self.plot, self.second, self.canvas):
            part.set_theme(theme)
        for _, strip in self.strips:
            strip.set_theme(theme)

    def _build(self) -> None:
        inside = QWidget()
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)
        scroll = _scroll(inside, "Seismographs")
        below = QSplitter(Qt.Orientation.Horizontal)
        for part in (self._curves(), self._map(), self._step()):
            below.addWidget(part)
        below.setSizes([_CURVES, _MAP, _FIGURES])
        splitter = QSplitter(Qt.Orientation.Vertical)
        for widget in (scroll, below):
            splitter.addWidget(widget)
        self.splitter = splitter
        for one in (below, splitter):
            one.setHandleWidth(8)
            one.setChildrenCollapsible(False)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.verdict)
        column.addLayout(self._controls())
        column.addWidget(splitter, 1)
        self.body = body
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.start)
        self.stack.addWidget(body)

    def _controls(self) -> QHBoxLayout:
        across = QHBoxLayout()
        across.setSpacing(8)
        across.addWidget(self.chips)
        across.addWidget(self.left_out)
        across.addWidget(self.add)
        across.addStretch(1)
        for text, widget in (
            ("masks", self.rule),
            ("pattern", self.pattern),
            ("along", self.axis),
            ("frozen up to", self.epsilon),
        ):
            across.addWidget(_dim(text))
            across.addWidget(widget)
        return across

    def _curves(self) -> QWidget:
        panel = Panel("Curves")
        for widget in (self.measure, self.beside, self.smooth, self.log):
            panel.header.addWidget(widget)
        panel.body.addWidget(self.plot, 3)
        panel.body.addWidget(self.second, 2)
        self.second.follow(self.plot)
        self.curves_panel = panel
        return panel

    def _map(self) -> QWidget:
        panel = Panel("Flips")
        panel.body.addWidget(self.planes)
        panel.body.addWidget(self.canvas, 1)
        self.map_panel = panel
        return panel

    def _step(self) -> QWidget:
        panel = Panel("Step")
        panel.header.addWidget(self.pin)
        panel.body.addWidget(self.figures)
        self.worst_title = QLabel("Worst oscillators")
        font = self.worst_title.font()
        font.setBold(True)
        self.worst_title.setFont(font)
        panel.body.addWidget(self.worst_title)
        panel.body.addWidget(_scroll(self.worst, "Weights that flip most"), 1)
        panel.body.addWidget(self.remedy, 0, Qt.AlignmentFlag.AlignLeft)
        self.step_panel = panel
        return panel


def _scroll(inside: QWidget, name: str) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setAccessibleName(name)
    scroll.setWidget(inside)
    scroll.viewport().setAutoFillBackground(False)
    inside.setAutoFillBackground(False)
    return scroll


def _link(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("link", True)
    button.setAccessibleName(text.lstrip("+ "))
    return button


def _combo(name: str, items: tuple[str, ...]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.addItems(list(items))
    combo.setMinimumWidth(_LEAST_COMBO)
    return combo


def _dim(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("tone", "dim")
    return label

"""The widgets of the page, and where they stand.

What is timed on top, the sentence below; what was promised against what was measured and the
whole network on the left, the shapes on the right, why at the bottom.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from inspector.models.desk import Desk
from inspector.models.figure_table import FigureTable
from inspector.models.speed_view import PRESETS
from inspector.theme import Theme, points
from inspector.views.bars import Bars
from inspector.views.figure_list import FigureList
from inspector.views.page import Page
from inspector.views.panel import Panel
from inspector.views.plane_buttons import PlaneButtons
from inspector.views.promise_chart import PromiseChart
from inspector.views.speed_cards import SpeedCards
from inspector.views.verdict_bar import VerdictBar
from sparse_core.messages.speed import FORMATS

WAYS = {
    "cards": ("cards", "A card for each shape"),
    "table": ("table", "Every row, to be sorted"),
}
AS_STORED = "as stored"
OWN = "own batches"
DEVICES = ("cpu", "cuda")
_HEADING = "Is it really faster?"
_TEXT = (
    "Times the layers of the open checkpoint in every way that this machine can run them, against "
    "dense in the same rounds, with checked outputs and 95 % intervals. It takes a few seconds a "
    "shape, in a process of its own; scans rest meanwhile. Without a checkpoint, write shapes to "
    "make layers up: 4096x4096."
)
_LEFT, _RIGHT = 470, 760
_ABOVE, _BELOW = 400, 250
_WIDE = 640


class Parts(Page):
    """Everything that can be seen on the page, not yet connected."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.what = QLabel()
        self.what.setTextFormat(Qt.TextFormat.PlainText)
        bold = self.what.font()
        bold.setBold(True)
        self.what.setFont(bold)
        self.layers = _line("Layers", "*", 110, "Which layers of the checkpoint, as a glob")
        self.shapes = _line("Shapes", "4096x4096, …", 130, "Layers to make up: OUTxIN, OUTxINxHxW")
        self.patterns = _line("Patterns", "2:4", 70, "Patterns of layers that are made up")
        self.preset = _combo("Preset", (*PRESETS, OWN))
        self.batches = _line("Batch sizes", "1, 64", 90, "Batch sizes, separated by commas")
        self.dtype = _combo("Number format", (AS_STORED, *FORMATS))
        self.device = _combo("Device", DEVICES)
        self.threads = QSpinBox(minimum=1, maximum=256)
        self.threads.setAccessibleName("Threads")
        self.threads.setToolTip("For dense and sparse alike")
        self.threads.setFixedWidth(56)
        self.go = QPushButton("Run")
        self.go.setProperty("primary", True)
        self.go.setMinimumWidth(84)
        self.complaint = QLabel()
        self.complaint.setProperty("tone", "dim")
        self.verdict = VerdictBar(theme)
        self.chart = PromiseChart(theme)
        self.bars = Bars("Whole network", theme)
        self.whole = _dim("")
        self.why = QLabel()
        self.why.setTextFormat(Qt.TextFormat.PlainText)
        self.why.setWordWrap(True)
        self.why.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.why.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.ways = PlaneButtons(WAYS)
        self.batch = _combo("Batch size shown", ())
        self.earlier = _combo("Earlier tests", ())
        self.cards = SpeedCards(theme)
        self.table = FigureTable(self)
        self.rows = FigureList("Rows", self.table)
        self._build()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        super().set_theme(theme)
        for part in (self.verdict, self.chart, self.bars, self.cards):
            part.set_theme(theme)

    def _build(self) -> None:
        self.shapes_stack = QStackedWidget()
        self.shapes_stack.addWidget(_scroll(self.cards, "Shapes"))
        self.shapes_stack.addWidget(self.rows)
        right = QWidget()
        column = _column(right)
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self.ways)
        tools.addWidget(_dim("batch"))
        tools.addWidget(self.batch)
        tools.addStretch(1)
        tools.addWidget(_dim("earlier"))
        tools.addWidget(self.earlier)
        column.addLayout(tools)
        column.addWidget(self.shapes_stack, 1)
        across = QSplitter(Qt.Orientation.Horizontal)
        across.addWidget(self._left())
        across.addWidget(right)
        across.setSizes([_LEFT, _RIGHT])
        across.setHandleWidth(8)
        across.setChildrenCollapsible(False)
        body = QWidget()
        inside = _column(body)
        inside.addWidget(self.verdict)
        inside.addWidget(across, 1)
        self.body, self.start = body, _start()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start)
        self.stack.addWidget(body)
        outer = _column(self)
        outer.addLayout(self._choice())
        outer.addWidget(self.complaint)
        outer.addWidget(self.stack, 1)

    def _choice(self) -> QHBoxLayout:
        across = QHBoxLayout()
        across.setSpacing(6)
        across.addWidget(self.what)
        for text, widget in (
            ("layers", self.layers),
            ("made up", self.shapes),
            ("pattern", self.patterns),
            ("batch", self.preset),
            ("", self.batches),
            ("as", self.dtype),
            ("on", self.device),
            ("threads", self.threads),
        ):
            if text:
                across.addWidget(_dim(text))
            across.addWidget(widget)
        across.addStretch(1)
        across.addWidget(self.go)
        return across

    def _left(self) -> QWidget:
        promised = Panel("Promised against measured")
        promised.body.addWidget(self.chart, 1)
        self.promised = promised
        network = Panel("Whole network")
        network.body.addWidget(self.bars)
        self.whole.setWordWrap(True)
        network.body.addWidget(self.whole)
        network.body.addStretch(1)
        why = Panel("Why")
        why.body.addWidget(_scroll(self.why, "Why"), 1)
        left = QSplitter(Qt.Orientation.Vertical)
        for panel in (promised, network, why):
            left.addWidget(panel)
        left.setSizes([_ABOVE, 190, _BELOW])
        left.setHandleWidth(8)
        left.setChildrenCollapsible(False)
        return left


def _start() -> QWidget:
    """Build what is seen before anything was timed."""
    heading, text = QLabel(_HEADING), _dim(_TEXT)
    font = QFont(heading.font())
    font.setPointSizeF(points(20))
    font.setBold(True)
    heading.setFont(font)
    text.setWordWrap(True)
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


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    return column


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


def _line(name: str, hint: str, width: int, meaning: str) -> QLineEdit:
    line = QLineEdit()
    line.setAccessibleName(name)
    line.setPlaceholderText(hint)
    line.setToolTip(meaning)
    line.setMinimumWidth(48)
    line.setMaximumWidth(width)
    return line


def _combo(name: str, items: tuple[str, ...]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.addItems(list(items))
    combo.setMinimumWidth(64)
    return combo


def _dim(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("tone", "dim")
    return label

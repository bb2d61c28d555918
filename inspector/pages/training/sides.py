"""What can stand in the place of the run: jobs with their logs, the table of runs, costs."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from inspector.models.desk import Desk
from inspector.models.figure_table import FigureTable
from inspector.theme import Theme, monospaced
from inspector.views.figure_list import FigureList
from inspector.views.line_plot import LinePlot
from inspector.views.page import Page
from inspector.views.pain_gain import PainGain
from inspector.views.panel import Panel

_ABOVE, _BELOW = 380, 260


class Sides(Page):
    """The parts of the page that are seldom in front."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.job_table = FigureTable(self)
        self.jobs = FigureList("Jobs", self.job_table)
        self.log_panel = Panel("Log")
        self.log = QPlainTextEdit()
        self.watch, self.overlay, self.forget = (
            QPushButton(title) for title in ("Watch", "Lay over", "Take off the list")
        )
        self.run_table, self.group_table = FigureTable(self), FigureTable(self)
        self.runs = FigureList("Runs", self.run_table)
        self.groups = FigureList("Seeds together", self.group_table)
        self.table_field = QLineEdit()
        self.table_browse, self.table_again = QPushButton("…"), QPushButton("Read again")
        titles = {"lay": "Lay over", "csv": "Copy CSV", "latex": "Copy LaTeX"}
        self.table_buttons = {kind: QPushButton(title) for kind, title in titles.items()}
        self.cost_table = FigureTable(self)
        self.costs = FigureList("Measured", self.cost_table)
        self.cost_panel = Panel("What it costs")
        kinds = {"evaluate": "Evaluate", "sensitivity": "Layer by layer", "curve": "Curve"}
        self.cost_buttons = {kind: QPushButton(title) for kind, title in kinds.items()}
        self.cost_said = QLabel()
        self.except_button = QPushButton("Leave them dense")
        self.scatter = PainGain(theme)
        self.curve = LinePlot("Loss over sparsity", theme, legend=(8, 8), across="sparsity, %")
        self.cost_stack = QStackedWidget()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        super().set_theme(theme)
        self.scatter.set_theme(theme)
        self.curve.set_theme(theme)

    def build_jobs(self) -> QWidget:
        """Put the jobs above the log of the chosen one."""
        for button in (self.watch, self.overlay, self.forget):
            self.jobs.header.insertWidget(self.jobs.header.count() - 2, button)
        for listed in (self.jobs, self.runs, self.groups, self.costs):
            # As they came, the latest job first, until a header is clicked.
            listed.sort_by(-1, Qt.SortOrder.AscendingOrder)
        self.log.setReadOnly(True)
        self.log.setFont(monospaced())
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.log.setAccessibleName("Log of the job")
        self.log.setTabChangesFocus(True)
        self.log.setPlaceholderText("Choose a job to read what it wrote.")
        self.log_panel.body.addWidget(self.log)
        return _above(self.jobs, self.log_panel)

    def build_table(self) -> QWidget:
        """Put the runs of a folder above their groups."""
        self.table_field.setPlaceholderText("A folder of run folders, as a sweep makes it")
        self.table_field.setAccessibleName("Folder of runs")
        self.table_browse.setAccessibleName("Look for a folder of runs")
        self.groups.filter.hide()
        across = QHBoxLayout()
        across.setSpacing(8)
        for widget in (self.table_field, self.table_browse, self.table_again):
            across.addWidget(widget)
        for button in self.table_buttons.values():
            self.runs.header.insertWidget(self.runs.header.count() - 2, button)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(across)
        column.addWidget(_above(self.runs, self.groups), 1)
        return side

    def build_costs(self) -> QWidget:
        """Put the scatter, or the curve, above all that was measured."""
        for button in self.cost_buttons.values():
            self.cost_panel.header.addWidget(button)
        for one in (self.scatter, self.curve):
            self.cost_stack.addWidget(one)
        self.curve.read_out(True)
        self.cost_said.setProperty("tone", "dim")
        self.cost_said.setWordWrap(True)
        self.cost_said.setTextFormat(Qt.TextFormat.PlainText)
        across = QHBoxLayout()
        across.addWidget(self.cost_said, 1)
        across.addWidget(self.except_button)
        self.cost_panel.body.addWidget(self.cost_stack, 1)
        self.cost_panel.body.addLayout(across)
        return _above(self.cost_panel, self.costs)


def _above(upper: QWidget, lower: QWidget) -> QSplitter:
    splitter = QSplitter(Qt.Orientation.Vertical)
    splitter.addWidget(upper)
    splitter.addWidget(lower)
    splitter.setSizes([_ABOVE, _BELOW])
    splitter.setHandleWidth(8)
    splitter.setChildrenCollapsible(False)
    return splitter

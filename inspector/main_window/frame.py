"""What stands in the window: the rail, the top line, the pages, the log and the status line."""

from functools import partial
from typing import TYPE_CHECKING, cast

from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

import resources
from inspector.page_names import PAGES
from inspector.theme import Theme
from inspector.views.file_tabs import FileTabs
from inspector.views.log_pane import LogPane
from inspector.views.page_rail import PageRail
from inspector.views.problem_bar import ProblemBar
from inspector.views.search_field import SearchField
from inspector.views.status_line import StatusLine
from inspector.views.welcome import Welcome

if TYPE_CHECKING:
    from resources import IconName

_LOG_HEIGHT = 180
_TOP_HEIGHT = 30


class Frame(QWidget):
    """The widgets of the window in their places; knows no checkpoint and no core."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        icons = {name: partial(resources.icon, cast("IconName", name)) for name in PAGES}
        self.rail = PageRail({name: (PAGES[name], icons[name]) for name in PAGES}, theme)
        self.rail.set_page("weights")
        self.tabs = FileTabs(theme)
        self.search = SearchField(theme)
        self.core_label = QLabel("core: starting")
        self.core_label.setProperty("tone", "dim")
        self.problems = ProblemBar(theme)
        self.welcome = Welcome(theme)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.welcome)
        self.log = LogPane()
        self.log.setFixedHeight(_LOG_HEIGHT)
        self.log.hide()
        self.status = StatusLine(theme)
        column = QVBoxLayout()
        column.setContentsMargins(12, 6, 12, 4)
        column.setSpacing(8)
        column.addLayout(self._top())
        column.addWidget(self.problems)
        column.addWidget(self.stack, 1)
        column.addWidget(self.log)
        column.addWidget(self.status)
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self.rail)
        across.addLayout(column, 1)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        for part in (self.rail, self.tabs, self.search, self.problems, self.welcome, self.status):
            part.set_theme(theme)

    def _top(self) -> QHBoxLayout:
        """Return the top line: files on the left, search in the middle, the core on the right."""
        # The row keeps its height while there are no tabs: nothing jumps with the first file.
        self.core_label.setMinimumHeight(_TOP_HEIGHT)
        left, right = QHBoxLayout(), QHBoxLayout()
        left.addWidget(self.tabs)
        left.addStretch(1)
        right.addStretch(1)
        right.addWidget(self.core_label)
        top = QHBoxLayout()
        top.setSpacing(12)
        for layout in (left, right):
            side = QWidget()
            side.setLayout(layout)
            layout.setContentsMargins(0, 0, 0, 0)
            # Both sides as wide as one another: the search stands in the middle.
            side.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            top.addWidget(side, 1)
            if layout is left:
                top.addWidget(self.search)
        return top

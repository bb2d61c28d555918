"""A table of figures to sort, filter and choose from."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QLineEdit, QTreeView, QWidget

from inspector.models.figure_table import FigureTable
from inspector.theme import monospaced
from inspector.views.panel import Panel

_FILTER_WIDTH = 200
_OTHER, _FIRST = 96, 180
_ROOM = """QTreeView::item { padding: 2px 14px 2px 4px; }
QHeaderView::section { padding: 4px 14px 4px 4px; }"""
"""Between columns, and for the arrow of the one that is sorted by."""


class FigureList(Panel):
    """A panel with a table.

    Parameters
    ----------
    title : str
    model : FigureTable
    """

    chosen = Signal(int)
    """A row, as the rows were given."""
    opened = Signal(int)
    """A row that was double-clicked or entered."""

    def __init__(self, title: str, model: FigureTable, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._model = model
        self._row = -1
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by name")
        self.filter.setAccessibleName(f"Filter {title.lower()}")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(_FILTER_WIDTH)
        self.counter = QLabel()
        self.counter.setProperty("tone", "dim")
        self.header.addWidget(self.counter)
        self.header.addWidget(self.filter)
        self.tree = self._make_tree(title)
        self.body.addWidget(self.tree, 1)
        self.filter.textChanged.connect(model.set_filter)
        model.modelReset.connect(self._on_reset)

    def set_row(self, row: int) -> None:
        """Show a row as the chosen one, scrolled into view."""
        self._row = row
        place = self._model.place_of(row)
        if place < 0:
            self.tree.clearSelection()
            return
        index = self._model.index(place, 0)
        if self.tree.currentIndex().row() != place:
            self.tree.setCurrentIndex(index)
            self.tree.scrollTo(index)

    def sort_by(self, column: int, order: Qt.SortOrder) -> None:
        """Sort by a column."""
        self.tree.sortByColumn(column, order)

    # ------------------------------------------------------------ inside

    def _make_tree(self, title: str) -> QTreeView:
        tree = QTreeView()
        tree.setAccessibleName(title)
        tree.setModel(self._model)
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setSortingEnabled(True)
        tree.setFont(monospaced())
        tree.setStyleSheet(_ROOM)
        tree.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setDefaultSectionSize(_OTHER)
        tree.clicked.connect(self._on_current)
        tree.activated.connect(self._on_activated)
        tree.selectionModel().currentRowChanged.connect(self._on_current)
        return tree

    def _on_reset(self) -> None:
        shown, total = self._model.rowCount(), self._model.total
        self.counter.setText(f"{total:,}" if shown == total else f"{shown:,} of {total:,}")
        header = self.tree.header()
        if header.count():
            self._divide(header)
        self.set_row(self._row)

    def _divide(self, header: QHeaderView) -> None:
        """Give every column what it needs, and the first one the rest."""
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        others = 0
        for column in range(1, header.count()):
            wide = max(header.sectionSizeHint(column), self.tree.sizeHintForColumn(column))
            header.resizeSection(column, wide)
            others += wide
        if others + _FIRST <= self.tree.viewport().width():
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        else:
            header.resizeSection(0, _FIRST)

    def _on_current(self, index: QModelIndex, *_: object) -> None:
        if index.isValid() and self._model.row_at(index.row()) != self._row:
            self._row = self._model.row_at(index.row())
            self.chosen.emit(self._row)

    def _on_activated(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self._model.row_at(index.row()))

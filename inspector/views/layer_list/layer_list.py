"""The tree of layers below its filter."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from inspector.models.layer_tree import LayerTreeModel
from inspector.models.roles import Column, Role
from inspector.views.layer_list.filter_box import FilterBox

SCROLLING_MS = 120
ALL_OPEN = 60
"""Trees of at most so many rows stand open at first."""
_WIDTHS = {Column.PATTERN: 54, Column.DENSITY: 54, Column.BROKEN: 56, Column.LIGHTS: 68}


class LayerList(QWidget):
    """Chooses a layer.

    Parameters
    ----------
    model : LayerTreeModel
    delegates : mapping of Column to QStyledItemDelegate
        Who paints a column; the others are plain text.

    Notes
    -----
    Keeps what is expanded and what is current by name, so that neither is lost when rows arrive
    or the filter changes.
    """

    layer_chosen = Signal(str)
    rows_visible = Signal(list)
    """Table rows on the screen, after scrolling came to rest."""

    def __init__(
        self,
        model: LayerTreeModel,
        delegates: Mapping[Column, QStyledItemDelegate],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._delegates = delegates
        self._current = ""
        self._expanded: set[str] = set()
        self._touched = False
        self.box = FilterBox()
        self.filter, self.shown = self.box.line, self.box.shown
        self.tree = self._make_tree()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.box)
        layout.addWidget(self.tree, 1)
        self._scrolling = self._timer(SCROLLING_MS, self._tell_visible)
        self.box.query_changed.connect(model.set_filter)
        self.filter.left_downwards.connect(self.tree.setFocus)
        self.tree.verticalScrollBar().valueChanged.connect(lambda *_: self._scrolling.start())
        model.modelReset.connect(self._on_model_reset)
        model.shown_changed.connect(self.box.set_counts)

    def set_current(self, name: str) -> None:
        """Show a layer as the chosen one, wherever it stands."""
        self._current = name
        self._restore_current()

    def go(self, step: int) -> None:
        """Choose the next tensor (1) or the one before (-1), over closed groups."""
        rows = self._model.rows_shown.tolist()
        if not rows:
            return
        now = self._model.row_named(self._current)
        place = rows.index(now) + step if now in rows else 0
        if 0 <= place < len(rows):
            self.layer_chosen.emit(self._model.name_of(rows[place]))

    def showEvent(self, event: QShowEvent) -> None:
        """Tell which rows are on the screen."""
        super().showEvent(event)
        self._scrolling.start()

    # ------------------------------------------------------------ inside

    def _make_tree(self) -> QTreeView:
        tree = QTreeView()
        tree.setAccessibleName("Layers")
        tree.setUniformRowHeights(True)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        tree.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        tree.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setIndentation(12)
        tree.setMouseTracking(True)
        tree.setModel(self._model)
        tree.setSortingEnabled(True)
        tree.sortByColumn(Column.LAYER, Qt.SortOrder.AscendingOrder)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(Column.LAYER, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, width)
        for painted, delegate in self._delegates.items():
            tree.setItemDelegateForColumn(painted, delegate)
        tree.expanded.connect(lambda index: self._on_group_moved(index, opened=True))
        tree.collapsed.connect(lambda index: self._on_group_moved(index, opened=False))
        tree.selectionModel().currentRowChanged.connect(self._on_current_changed)
        return tree

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _on_group_moved(self, index: QModelIndex, *, opened: bool) -> None:
        self._touched = True
        name = index.data(Role.NAME)
        (self._expanded.add if opened else self._expanded.discard)(name)

    @Slot(QModelIndex)
    def _on_current_changed(self, index: QModelIndex) -> None:
        if not index.isValid() or index.data(Role.GROUP):
            return
        name = index.data(Role.NAME)
        if name != self._current:
            self._current = name
            self.layer_chosen.emit(name)

    @Slot()
    def _on_model_reset(self) -> None:
        """Open again what was open, and stand again where the user stood."""
        self.tree.setUpdatesEnabled(False)
        self.tree.setRootIsDecorated(self._model.has_groups)
        blocked = self.tree.blockSignals(True)
        if not self._touched and len(self._model.rows_shown) <= ALL_OPEN:
            self.tree.expandAll()
        else:
            for prefix in sorted(self._expanded):
                index = self._model.group_index(prefix)
                if index.isValid():
                    self.tree.setExpanded(index, True)
        self.tree.blockSignals(blocked)
        self.tree.setUpdatesEnabled(True)
        self._restore_current()
        self._scrolling.start()

    def _restore_current(self) -> None:
        selection = self.tree.selectionModel()
        index = self._model.index_of(self._current)
        if not index.isValid():
            selection.clear()
        elif index != selection.currentIndex().siblingAtColumn(0):
            flags = QItemSelectionModel.SelectionFlag
            selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            self.tree.scrollTo(index)

    @Slot()
    def _tell_visible(self) -> None:
        rows = []
        index = self.tree.indexAt(self.tree.viewport().rect().topLeft())
        bottom = self.tree.viewport().rect().bottom()
        while index.isValid() and self.tree.visualRect(index).top() <= bottom:
            row = self._model.row_at(index)
            if row >= 0:
                rows.append(row)
            index = self.tree.indexBelow(index)
        if rows:
            self.rows_visible.emit(rows)

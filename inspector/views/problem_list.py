"""The broken groups of a checkpoint, below one another as a compiler lists its errors."""

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from inspector.models.problem_tree import GroupRole, ProblemTree
from inspector.theme import Theme, hatched, monospaced
from inspector.views.panel import Panel

Index = QModelIndex | QPersistentModelIndex

OPEN_ROWS = 60
"""Lists of at most so many rows stand open; else only the layer in focus."""
_PLACE_WIDTH = 300
_ROW = 24
_MARK = 12


class ProblemList(Panel):
    """The panel at the bottom.

    Parameters
    ----------
    model : ProblemTree
    theme : Theme
    """

    group_chosen = Signal(str, object, object, object)
    """Layer, ordinal, row and column of the group that was clicked or entered."""
    step_wanted = Signal(int)
    """The next (1) or the previous (-1) broken group."""
    broken_wanted = Signal()
    """From the unsteady groups back to the broken ones."""

    def __init__(self, model: ProblemTree, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Problems", parent)
        self._model = model
        self.counter = QLabel()
        self.counter.setAccessibleName("Which broken group")
        self.header.addWidget(self.counter)
        self.back = self._link("Broken groups", "Back to the broken groups")
        self.back.clicked.connect(lambda *_: self.broken_wanted.emit())
        self.back.hide()
        following = self._link("F8 next", "Next broken group")
        following.clicked.connect(lambda *_: self.step_wanted.emit(1))
        before = self._link("Shift+F8 previous", "Previous broken group")
        before.clicked.connect(lambda *_: self.step_wanted.emit(-1))
        self._delegate = _GroupCell(theme, self)
        self.tree = self._make_tree()
        self.body.addWidget(self.tree)
        model.modelReset.connect(self._on_model_reset)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._delegate.theme = theme
        self.tree.viewport().update()

    def set_counter(self, text: str) -> None:
        """Say ``17 of 31``."""
        self.counter.setText(text)

    def show_group(self, name: str, ordinal: int) -> None:
        """Show a group as the one in focus, scrolled into view."""
        index = self._model.index_of(name, ordinal)
        if index.isValid():
            self.tree.setCurrentIndex(index)
            self.tree.scrollTo(index)

    def open_layer(self, name: str) -> None:
        """Open a layer, so that its groups are seen; nothing is scrolled."""
        index = self._model.index_of(name, -1)
        if index.isValid():
            self.tree.expand(index)

    # ------------------------------------------------------------ inside

    def _link(self, text: str, name: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("link", True)
        button.setAccessibleName(name)
        self.header.addWidget(button)
        return button

    def _make_tree(self) -> QTreeView:
        tree = QTreeView()
        tree.setAccessibleName("Groups to look at")
        tree.setModel(self._model)
        tree.setHeaderHidden(True)
        tree.setUniformRowHeights(True)
        tree.setIndentation(12)
        tree.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setItemDelegate(self._delegate)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        tree.header().resizeSection(0, _PLACE_WIDTH)
        tree.header().setStretchLastSection(True)
        tree.clicked.connect(self._on_chosen)
        tree.activated.connect(self._on_chosen)
        return tree

    @Slot(QModelIndex)
    def _on_chosen(self, index: QModelIndex) -> None:
        found = self._model.position_of(index)
        if found is not None:
            self.group_chosen.emit(*found)

    @Slot()
    def _on_model_reset(self) -> None:
        rows = sum(
            self._model.rowCount(self._model.index(at, 0)) for at in range(self._model.rowCount())
        )
        if rows <= OPEN_ROWS:
            self.tree.expandAll()


class _GroupCell(QStyledItemDelegate):
    """A layer in bold with its count; a group with its mark, its place and what it keeps."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Give every row the same height."""
        return QSize(super().sizeHint(option, index).width(), _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the ground, then mark and text."""
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        text, styled.text = styled.text, ""
        style = styled.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, styled, painter, styled.widget)
        painter.save()
        box = QRectF(option.rect).adjusted(6, 0, -6, 0)
        if index.data(GroupRole.GROUP):
            self._group(painter, box, index)
        else:
            font = styled.font
            font.setBold(index.column() == 0)
            painter.setFont(font)
        quiet = index.column() == 1
        painter.setPen(QColor(self.theme.dim if quiet else self.theme.text))
        elided = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideMiddle, int(box.width())
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, elided)
        painter.restore()

    def _group(self, painter: QPainter, box: QRectF, index: Index) -> None:
        painter.setFont(monospaced() if index.column() == 0 else painter.font())
        if index.column() == 0 and index.data(GroupRole.BAD):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            mark = QRectF(
                box.left() + 0.5, round(box.center().y() - _MARK / 2) + 0.5, _MARK - 3, _MARK
            )
            hatched(painter, mark, QColor(self.theme.bad))
            box.setLeft(box.left() + _MARK + 6)

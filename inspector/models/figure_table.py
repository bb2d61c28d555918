"""A table of figures: what a cell says, and by what its column is sorted."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex

ROOT = QModelIndex()
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FigureColumn(msgspec.Struct, frozen=True, eq=False):
    """One column.

    Attributes
    ----------
    title, meaning : str
        The header and its tooltip.
    texts : sequence of str
        What the cells say.
    keys : sequence of float or str
        By what they are sorted; NaN goes last in either order.
    """

    title: str
    meaning: str
    texts: Sequence[str]
    keys: Sequence[float] | Sequence[str]

    @property
    def of_words(self) -> bool:
        """Whether it holds words: aligned to the left, sorted by alphabet."""
        return bool(len(self.keys)) and isinstance(self.keys[0], str)


class FigureTable(QAbstractTableModel):
    """Rows by columns, sorted and filtered by the first column's words."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns: tuple[FigureColumn, ...] = ()
        self._order = np.zeros(0, np.intp)
        self._sorted = (0, Qt.SortOrder.AscendingOrder)
        self._filter = ""

    def show(self, columns: Sequence[FigureColumn]) -> None:
        """Show other figures, sorted as before."""
        self.beginResetModel()
        self._columns = tuple(columns)
        self._arrange()
        self.endResetModel()

    def set_filter(self, text: str) -> None:
        """Show the rows whose first cell has these words in it."""
        self.beginResetModel()
        self._filter = text.casefold()
        self._arrange()
        self.endResetModel()

    @property
    def sorted_by(self) -> tuple[int, Qt.SortOrder]:
        """Column and order."""
        return self._sorted

    @property
    def total(self) -> int:
        """Number of rows, shown or not."""
        return len(self._columns[0].texts) if self._columns else 0

    def row_at(self, place: int) -> int:
        """Return which of the rows that were given stands at a place."""
        return int(self._order[place])

    def place_of(self, row: int) -> int:
        """Return where a row stands, -1 where it is not shown."""
        found = np.flatnonzero(self._order == row)
        return int(found[0]) if found.size else -1

    # ------------------------------------------------------------ the model

    def rowCount(self, parent: Index = ROOT) -> int:
        """Count the rows that are shown."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = ROOT) -> int:
        """Count the columns."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell says, or how it is aligned."""
        column = self._columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.texts[self._order[index.row()]]
        if role == Qt.ItemDataRole.ToolTipRole and column.of_words:
            return column.texts[self._order[index.row()]]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if column.of_words else _RIGHT
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title, its meaning, or its alignment."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.meaning
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if column.of_words else _RIGHT
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; rows that are equal keep the order they were given in."""
        self.beginResetModel()
        self._sorted = (column, order)
        self._arrange()
        self.endResetModel()

    # ------------------------------------------------------------ inside

    def _arrange(self) -> None:
        if not self._columns:
            self._order = np.zeros(0, np.intp)
            return
        first = self._columns[0].texts
        shown = [at for at, text in enumerate(first) if self._filter in text.casefold()]
        rows = np.array(shown, np.intp)
        column, order = self._sorted
        if 0 <= column < len(self._columns) and len(rows):
            rows = rows[_ranked(self._columns[column], rows, order)]
        self._order = rows


def _ranked(
    column: FigureColumn, rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]], order: Qt.SortOrder
) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return the order of some rows by a column, equal ones as they came."""
    down = order == Qt.SortOrder.DescendingOrder
    if column.of_words:
        words = [str(column.keys[row]).casefold() for row in rows.tolist()]
        ranked = sorted(range(len(words)), key=words.__getitem__, reverse=down)
        return np.array(ranked, np.intp)
    keys = np.array([column.keys[row] for row in rows.tolist()], np.float64)
    # NaN sorts last by itself, in either order.
    return np.argsort(-keys if down else keys, kind="stable")

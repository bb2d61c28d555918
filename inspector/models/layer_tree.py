"""The layer tree as a Qt model: an adapter over the table and its outline.

Reset when the set or the order of rows changes, ``dataChanged`` for the rows that were scanned,
gathered for 50 ms and told in runs. A group shows its rows a page at a time, because a tree view
asks Python about each row it lays out. ``data`` returns what is in memory.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
    Slot,
)

from inspector.models import words
from inspector.models.layer_query import LayerQuery
from inspector.models.layer_table import LayerTable, Rows
from inspector.models.outline import GROUP, Outline
from inspector.models.roles import Column, Role
from inspector.models.term_cards import card_of
from sparse_core.messages.query import Query

Index = QModelIndex | QPersistentModelIndex

ROOT = QModelIndex()
PAGE = 1000
GATHER_MS = 50
_TITLES = {
    Column.LAYER: "Layer",
    Column.PATTERN: "Pattern",
    Column.DENSITY: "Density",
    Column.BROKEN: "Broken",
    Column.LIGHTS: "Lights",
}
_MEANINGS = {
    Column.LAYER: "Tensors in natural order, under their common prefixes",
    Column.PATTERN: "The N:M pattern a layer has, or is meant to have",
    Column.DENSITY: "Share of kept weights",
    Column.BROKEN: "Groups that break the pattern",
    Column.LIGHTS: "Zeros present, pattern valid, format packed, kernel eligible",
}


class LayerTreeModel(QAbstractItemModel):
    """Layers under their groups; flat while filtered or sorted by a figure.

    Parameters
    ----------
    table : LayerTable
        The truth; whoever changes it calls ``relist`` or ``refresh`` afterwards.
    """

    shown_changed = Signal(int, int)
    """Rows shown, rows listed."""

    def __init__(self, table: LayerTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = table
        self._query = LayerQuery(table)
        self._filter = Query()
        self._column = Column.LAYER
        self._descending = False
        self._pages: dict[int, int] = {}
        self._outline = self._outlined()
        self._sums: dict[tuple[int, Column], tuple[int, Any]] = {}
        self._filled: list[Rows] = []
        self._gather = QTimer(self, interval=GATHER_MS, singleShot=True)
        self._gather.timeout.connect(self._tell_filled)
        self._readers: dict[int, Callable[[int, int], Any]] = {
            int(Qt.ItemDataRole.DisplayRole): self._text,
            int(Qt.ItemDataRole.ToolTipRole): self._tip,
            int(Qt.ItemDataRole.AccessibleTextRole): self._spoken,
            int(Qt.ItemDataRole.TextAlignmentRole): self._alignment,
            Role.NAME: lambda item, _: self._outline.name(item),
            Role.SHAPE: self._shape,
            Role.GROUP: lambda item, _: item >= GROUP,
            Role.QUIET: self._quiet,
            Role.PATTERN: lambda item, _: self._pattern(item),
            Role.CLASS: lambda item, _: "" if item >= GROUP else self._table.classes[item],
            Role.DENSITY: lambda item, _: self._sum(item, Column.DENSITY),
            Role.BROKEN: lambda item, _: self._sum(item, Column.BROKEN),
            Role.LIGHTS: lambda item, _: self._lights(item),
            Role.ERROR: lambda item, _: "" if item >= GROUP else self._table.errors[item],
        }

    # ------------------------------------------------------------ what the page asks for

    @property
    def filter(self) -> Query:
        """The conditions that hold for every row shown."""
        return self._filter

    @property
    def rows_shown(self) -> Rows:
        """The rows shown, in their order on the screen."""
        return self._outline.rows

    @property
    def has_groups(self) -> bool:
        """Whether a group stands at the top: else the rows need no room for its sign."""
        return any(item >= GROUP for item in self._outline.children(GROUP))

    def set_filter(self, query: Query) -> None:
        """Show only rows for which every condition holds."""
        if query != self._filter:
            self._filter = query
            self.relist()

    def show(self, table: LayerTable) -> None:
        """Show another table: the file is read again."""
        self._table = table
        self._query = LayerQuery(table)
        self._filled.clear()
        self.relist()

    def relist(self) -> None:
        """Arrange anew: the set of rows or their order may have changed."""
        self.beginResetModel()
        self._outline = self._outlined()
        self._pages.clear()
        self._sums.clear()
        self.endResetModel()
        self.shown_changed.emit(len(self._outline.rows), len(self._table))

    def refresh(self, rows: Rows) -> None:
        """Show soon what became known of these rows."""
        self._filled.append(rows)
        if not self._gather.isActive():
            self._gather.start()

    def resort(self) -> None:
        """Arrange the rows again, where order or choice follow from figures."""
        if self._column != Column.LAYER or any(term.field != "text" for term in self._filter.terms):
            self.relist()

    def index_of(self, name: str) -> QModelIndex:
        """Return the index of a tensor, fetching as far as it stands; invalid if it is hidden."""
        row = self._table.row_of(name)
        if row < 0 or not self._outline.reveal(row):
            return QModelIndex()
        group, place = self._outline.parent(row), self._outline.place(row)
        parent = self._index_of_item(group)
        while place >= self._page(group):
            self.fetchMore(parent)
        return self.createIndex(place, 0, row)

    def group_index(self, prefix: str) -> QModelIndex:
        """Return the index of a group by its prefix; invalid if it is not shown."""
        if self._outline.flat:
            return QModelIndex()
        group = self._outline.group_named(prefix)
        return QModelIndex() if group is None else self._index_of_item(group)

    def row_named(self, name: str) -> int:
        """Return the row of a tensor, -1 where there is none."""
        return self._table.row_of(name)

    def name_of(self, row: int) -> str:
        """Return the tensor of a row."""
        return self._table.names[row]

    def row_at(self, index: Index) -> int:
        """Return the table's row of an index, -1 for a group."""
        item = index.internalId() if index.isValid() else GROUP
        return -1 if item >= GROUP else int(item)

    # ------------------------------------------------------------ Qt's side

    def index(self, row: int, column: int, parent: Index = ROOT) -> QModelIndex:
        """Return the index below a group."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, self._outline.children(self._item(parent))[row])

    def parent(self, index: Index = ROOT) -> QModelIndex:  # type: ignore[override]
        """Return the group above."""
        if not index.isValid():
            return QModelIndex()
        return self._index_of_item(self._outline.parent(index.internalId()))

    def rowCount(self, parent: Index = ROOT) -> int:
        """Return the rows shown below a group, at most the pages that were fetched."""
        if parent.isValid() and parent.column() > 0:
            return 0
        item = self._item(parent)
        return self._page(item) if item >= GROUP else 0

    def columnCount(self, parent: Index = ROOT) -> int:
        """Return the number of columns."""
        return len(Column)

    def hasChildren(self, parent: Index = ROOT) -> bool:
        """Return whether something stands below, without looking for it."""
        if not parent.isValid():
            return len(self._outline.rows) > 0
        return parent.column() == 0 and parent.internalId() >= GROUP

    def canFetchMore(self, parent: Index) -> bool:
        """Return whether a group has rows that no page shows yet."""
        item = self._item(parent)
        return item >= GROUP and self._page(item) < len(self._outline.children(item))

    def fetchMore(self, parent: Index) -> None:
        """Show a group's next page."""
        if not self.canFetchMore(parent):
            return
        item = self._item(parent)
        shown, total = self._page(item), len(self._outline.children(item))
        more = min(shown + PAGE, total)
        self.beginInsertRows(self._index_of_item(item), shown, more - 1)
        self._pages[item] = more
        self.endInsertRows()

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title or what it means."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[Column(section)]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{_MEANINGS[Column(section)]}\n\n{card_of(_TITLES[Column(section)])}".rstrip()
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what is known of a row."""
        reader = self._readers.get(role)
        if reader is None or not index.isValid():
            return None
        return reader(index.internalId(), index.column())

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; by any but the first the tree becomes a flat list."""
        wanted = Column(max(column, 0)), order == Qt.SortOrder.DescendingOrder
        if wanted != (self._column, self._descending):
            self._column, self._descending = wanted
            self.relist()

    # ------------------------------------------------------------ inside

    def _outlined(self) -> Outline:
        rows = self._table.ordered(self._query.rows(self._filter), self._column, self._descending)
        flat = bool(self._filter.terms) or self._column != Column.LAYER
        return Outline(self._table.names, rows, flat)

    def _item(self, index: Index) -> int:
        return int(index.internalId()) if index.isValid() else GROUP

    def _index_of_item(self, item: int) -> QModelIndex:
        return (
            QModelIndex() if item == GROUP else self.createIndex(self._outline.place(item), 0, item)
        )

    def _page(self, group: int) -> int:
        return min(self._pages.get(group, PAGE), len(self._outline.children(group)))

    @Slot()
    def _tell_filled(self) -> None:
        """Emit ``dataChanged`` once per run of neighbours, and for the groups above them."""
        if not self._filled:
            return  # Another table is shown since.
        filled, self._filled = np.unique(np.concatenate(self._filled)), []
        changed: dict[int, set[int]] = {}
        for row in filled.tolist():
            place = self._outline.place(row)
            if place >= 0:
                changed.setdefault(self._outline.parent(row), set()).add(place)
        for group in list(changed):
            while group != GROUP:
                above = self._outline.parent(group)
                changed.setdefault(above, set()).add(self._outline.place(group))
                group = above
        for group, places in changed.items():
            self._tell(group, places)

    def _tell(self, group: int, places: Iterable[int]) -> None:
        shown = self._page(group)
        children = self._outline.children(group)
        for first, last in runs(place for place in places if place < shown):
            self.dataChanged.emit(
                self.createIndex(first, 0, children[first]),
                self.createIndex(last, len(Column) - 1, children[last]),
            )

    def _sum(self, item: int, column: Column) -> Any:
        """Return a figure of a tensor or over a group, computed once a version of the table."""
        version, value = self._sums.get((item, column), (-1, None))
        if version == self._table.version:
            return value
        rows = self._outline.below(item) if item >= GROUP else np.array([item], np.int32)
        figure = self._table.broken if column == Column.BROKEN else self._table.density
        value = figure(rows)
        self._sums[item, column] = self._table.version, value
        return value

    def _pattern(self, item: int) -> str:
        return "" if item >= GROUP else self._table.patterns[item]

    def _lights(self, item: int) -> tuple[int, ...] | None:
        if item >= GROUP or not self._table.scanned[item]:
            return None
        return tuple(self._table.lights[item].tolist())

    def _quiet(self, item: int, _: int) -> bool:
        return item < GROUP and not self._table.prunable[item]

    def _shape(self, item: int, _: int) -> str:
        if item >= GROUP:
            return words.count(len(self._outline.below(item)), "tensor")
        return words.shape_text(self._table.shapes[item])

    def _alignment(self, _: int, column: int) -> Qt.AlignmentFlag:
        side = (
            Qt.AlignmentFlag.AlignRight if column == Column.BROKEN else Qt.AlignmentFlag.AlignLeft
        )
        return side | Qt.AlignmentFlag.AlignVCenter

    def _text(self, item: int, column: int) -> str:
        if column == Column.LAYER:
            return words.shown(self._outline.label(item))
        if column == Column.PATTERN:
            return self._pattern(item)
        if column == Column.DENSITY:
            density = self._sum(item, Column.DENSITY)
            return "" if density is None else words.percent(density)
        if column == Column.BROKEN:
            broken = self._sum(item, Column.BROKEN)
            return f"{broken:,}" if broken else ""
        return ""

    def _spoken(self, item: int, column: int) -> str:
        """Return the row's column as a screen reader should say it."""
        text = self._text(item, column)
        if column == Column.LAYER:
            return f"{words.shown(self._outline.name(item))}, {self._shape(item, column)}"
        if column == Column.DENSITY and text:
            return f"{text} kept"
        if column == Column.BROKEN and text:
            return f"{text} broken groups"
        if column == Column.LIGHTS:
            return words.lights_text(self._lights(item) or (0, 0, 0, 0))
        return text

    def _tip(self, item: int, column: int) -> str:
        if item >= GROUP:
            return f"{words.shown(self._outline.name(item))}\n{self._shape(item, column)}"
        table = self._table
        kind = table.kinds[item] + ("" if table.known[item] else " (assumed)")
        lines = [
            words.shown(table.names[item]),
            f"{self._shape(item, column)} · {words.short_format(table.dtypes[item])} · {kind}",
            f"{words.count(int(table.elements[item]), 'weight')} · "
            f"{words.size(int(table.sizes[item]))}",
        ]
        if table.errors[item]:
            lines.append(table.errors[item])
        elif table.scanned[item]:
            lines.append(self._found(item))
        return "\n".join(line for line in lines if line)

    def _found(self, row: int) -> str:
        table = self._table
        found = [table.classes[row]]
        if table.patterns[row]:
            found.append(f"{table.patterns[row]} along {table.axes[row]}")
        if table.bad_groups[row] > 0:
            found.append(f"{table.bad_groups[row]:,} of {table.groups[row]:,} groups broken")
        lights = words.lights_text(table.lights[row].tolist())
        return " · ".join(found) + (f"\n{lights}" if lights else "")


def runs(places: Iterable[int]) -> list[tuple[int, int]]:
    """Return the runs of neighbours among ``places`` as (first, last)."""
    ordered = sorted(places)
    starts = [p for i, p in enumerate(ordered) if i == 0 or ordered[i - 1] != p - 1]
    ends = [p for i, p in enumerate(ordered) if i + 1 == len(ordered) or ordered[i + 1] != p + 1]
    return list(zip(starts, ends, strict=True))

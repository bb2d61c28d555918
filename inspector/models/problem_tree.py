"""Groups to look at, below their layers; what a row says is asked for when it is seen.

How many groups a layer has is known from the scan, so the list has its length at once; the rows
themselves come in pages.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from inspector.models.group_feed import PAGE
from inspector.models.words import shown
from sparse_core.messages import Violations

Index = QModelIndex | QPersistentModelIndex

ROOT = QModelIndex()
MOST = 100_000
"""Rows below a layer: F8 reaches the groups beyond."""
_TOP = 0
_WAITING = "…"


class GroupRole(IntEnum):
    """What a delegate may ask. GROUP: the row is a group, not a layer. BAD: it breaks."""

    GROUP = Qt.ItemDataRole.UserRole + 1
    BAD = Qt.ItemDataRole.UserRole + 2


class Heading:
    """A layer and its groups."""

    __slots__ = ("asked", "count", "name", "pages", "text")

    def __init__(self, name: str, count: int, text: str) -> None:
        self.name = name
        self.count = count
        self.text = text
        self.pages: dict[int, Violations] = {}
        self.asked: set[int] = set()


class ProblemTree(QAbstractItemModel):
    """Two levels: layers, and below each its groups."""

    page_wanted = Signal(str, int)
    """Layer and number of the first group of a page that is seen and not there."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Heading] = []
        self._bad = True

    # ------------------------------------------------------------ what the panel asks for

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers shown."""
        return tuple(layer.name for layer in self._layers)

    def set_layers(self, layers: Sequence[tuple[str, int, str]]) -> None:
        """Show layers of broken groups: name, count and what the heading says."""
        if [(old.name, old.count) for old in self._layers] == [one[:2] for one in layers] and (
            self._bad
        ):
            return
        self.beginResetModel()
        self._bad = True
        self._layers = [Heading(name, count, text) for name, count, text in layers]
        self.endResetModel()

    def set_unsteady(self, found: Violations, text: str) -> None:
        """Show the groups of one layer that hold but would flip."""
        self.beginResetModel()
        self._bad = False
        layer = Heading(found.tensor, len(found.places), text)
        for first in range(0, layer.count, PAGE):
            layer.pages[first] = found
        self._layers = [layer]
        self.endResetModel()

    def add_page(self, page: Violations) -> None:
        """Take a page of a layer."""
        place = self._place_of(page.tensor)
        if place < 0 or not self._bad:
            return
        layer = self._layers[place]
        layer.asked.discard(page.ordinal)
        layer.pages[page.ordinal] = page
        last = min(page.ordinal + len(page.places), self._rows_below(place)) - 1
        if last >= page.ordinal:
            self.dataChanged.emit(
                self.createIndex(page.ordinal, 0, place + 1),
                self.createIndex(last, 1, place + 1),
            )

    def index_of(self, name: str, ordinal: int) -> QModelIndex:
        """Return the index of a group, the layer's where the list does not reach so far."""
        place = self._place_of(name)
        if place < 0:
            return QModelIndex()
        if 0 <= ordinal < self._rows_below(place):
            return self.createIndex(ordinal, 0, place + 1)
        return self.createIndex(place, 0, _TOP)

    def position_of(self, index: Index) -> tuple[str, int, int, int] | None:
        """Return layer, ordinal, row and column of a group; None while it is not known."""
        if not index.isValid() or index.internalId() == _TOP:
            return None
        layer = self._layers[index.internalId() - 1]
        found = _find(layer, index.row())
        if found is None:
            return None
        page, at = found
        rows, columns = np.frombuffer(page.rows, "<i8"), np.frombuffer(page.columns, "<i8")
        return layer.name, index.row(), int(rows[at]), int(columns[at])

    # ------------------------------------------------------------ Qt's side

    def index(self, row: int, column: int, parent: Index = ROOT) -> QModelIndex:
        """Return the index below a layer."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else _TOP)

    def parent(self, index: Index = ROOT) -> QModelIndex:  # type: ignore[override]
        """Return the layer above."""
        if not index.isValid() or index.internalId() == _TOP:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, _TOP)

    def rowCount(self, parent: Index = ROOT) -> int:
        """Return the layers, or the groups of one."""
        if not parent.isValid():
            return len(self._layers)
        if parent.internalId() != _TOP or parent.column() > 0:
            return 0
        return self._rows_below(parent.row())

    def columnCount(self, parent: Index = ROOT) -> int:
        """Return the columns: place, and what is said."""
        return 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a text, or what a delegate asks."""
        if not index.isValid():
            return None
        below = index.internalId() != _TOP
        if role == GroupRole.GROUP:
            return below
        if role == GroupRole.BAD:
            return self._bad
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        if not below:
            layer = self._layers[index.row()]
            return layer.text if index.column() else shown(layer.name)
        return self._said(self._layers[index.internalId() - 1], index.row(), index.column())

    # ------------------------------------------------------------ inside

    def _said(self, layer: Heading, ordinal: int, column: int) -> str:
        found = _find(layer, ordinal)
        if found is None:
            self._want(layer, ordinal // PAGE * PAGE)
            return "" if column else _WAITING
        page, at = found
        return page.texts[at] if column else page.places[at]

    def _want(self, layer: Heading, first: int) -> None:
        if self._bad and first not in layer.asked:
            # The feed keeps the latest wish only: an older one is asked for again when it is seen.
            layer.asked = {first}
            self.page_wanted.emit(layer.name, first)

    def _place_of(self, name: str) -> int:
        return next((at for at, layer in enumerate(self._layers) if layer.name == name), -1)

    def _rows_below(self, place: int) -> int:
        return min(self._layers[place].count, MOST)


def _find(layer: Heading, ordinal: int) -> tuple[Violations, int] | None:
    page = layer.pages.get(ordinal // PAGE * PAGE)
    if page is None or not page.ordinal <= ordinal < page.ordinal + len(page.places):
        return None
    return page, ordinal - page.ordinal

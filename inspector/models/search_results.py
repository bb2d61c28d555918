"""What a search found, as a list for a view; and how commands and tensors become such results."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import msgspec
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from inspector.commands import Command
from inspector.models import words
from inspector.models.fuzzy import Match, NameIndex, score
from inspector.models.layer_table import LayerTable

MOST = 100
BY_MENU = 40.0
"""What fits only with the help of the menu's name stands behind what fits by itself."""

COMMAND_MARK = ">"
"""A query that begins so searches commands."""

Index = QModelIndex | QPersistentModelIndex


class Result(msgspec.Struct, frozen=True):
    """One thing that was found.

    Attributes
    ----------
    id : str
        Id of a command, name of a tensor.
    title : str
    places : tuple of int
        Letters of the title that the query fits.
    beside : str
        Shortcut of a command, shape of a tensor.
    note : str
        Menu of a command; or why it is impossible now.
    possible : bool
    command : bool
    """

    id: str
    title: str
    places: tuple[int, ...] = ()
    beside: str = ""
    note: str = ""
    possible: bool = True
    command: bool = False


class ResultRole(IntEnum):
    """What a view may ask of a result."""

    RESULT = Qt.ItemDataRole.UserRole + 1


class ResultModel(QAbstractListModel):
    """Results from the best to the worst."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._results: Sequence[Result] = ()

    @property
    def results(self) -> Sequence[Result]:
        """All of them."""
        return self._results

    def show(self, results: Sequence[Result]) -> None:
        """Replace all of them."""
        self.beginResetModel()
        self._results = results
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Count them."""
        return 0 if parent.isValid() else len(self._results)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a result, its words for a screen reader, or its tooltip."""
        if not index.isValid() or not 0 <= index.row() < len(self._results):
            return None
        result = self._results[index.row()]
        if role == ResultRole.RESULT:
            return result
        if role == Qt.ItemDataRole.DisplayRole:
            return result.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (result.title, result.beside, result.note) if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return result.note or result.title
        return None


def find_commands(
    table: Sequence[Command], query: str, recent: Sequence[str], why_not: Callable[[str], str]
) -> list[Result]:
    """Search the command table; without a query the recent ones come first.

    Impossible commands are found too, behind those that are possible, and say why.
    """
    ranks = {command: rank for rank, command in enumerate(recent)}
    found = []
    for number, command in enumerate(table):
        match = score(query, command.title)
        by_menu = None if match else score(query, f"{command.menu} {command.title}")
        if by_menu is not None:
            match = Match(by_menu.score - BY_MENU, ())
        if match is None:
            continue
        reason = why_not(command.id)
        # Recent ones win among the equal; without a query all are equal.
        value = match.score if query.strip() else 0.0
        order = (bool(reason), -value, ranks.get(command.id, len(ranks)), number)
        result = Result(
            command.id,
            command.title,
            match.places,
            beside=command.shortcuts[0] if command.shortcuts else "",
            note=reason or command.menu,
            possible=not reason,
            command=True,
        )
        found.append((order, result))
    return [result for _, result in sorted(found, key=lambda one: one[0])]


def find_tensors(index: NameIndex, table: LayerTable, query: str) -> list[Result]:
    """Search the names of a checkpoint."""
    return [
        Result(
            table.names[row],
            words.shown(table.names[row]),
            match.places,
            beside=words.shape_text(table.shapes[row]),
            note=table.kinds[row],
        )
        for row, match in index.search(query, MOST)
    ]

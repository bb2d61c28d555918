"""Tables of figures: sorted by every column, NaN last, filtered by name."""

from math import nan

import pytest
from PySide6.QtCore import QModelIndex, Qt

from inspector.models.figure_table import FigureColumn, FigureTable

NAMES = ["block.0", "Block.2", "head", "block.1"]
VALUES = [3.0, nan, 1.0, 2.0]
UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


@pytest.fixture
def table() -> FigureTable:
    found = FigureTable()
    found.show(
        [
            FigureColumn("layer", "Names", NAMES, NAMES),
            FigureColumn("flips", "Counts", [str(one) for one in VALUES], VALUES),
        ]
    )
    return found


def names(table: FigureTable) -> list[str]:
    return [table.index(row, 0).data() for row in range(table.rowCount())]


@pytest.mark.parametrize(
    ("column", "order", "wanted"),
    [
        (0, UP, ["block.0", "block.1", "Block.2", "head"]),
        (0, DOWN, ["head", "Block.2", "block.1", "block.0"]),
        (1, UP, ["head", "block.1", "block.0", "Block.2"]),
        (1, DOWN, ["block.0", "block.1", "head", "Block.2"]),
    ],
)
def test_it_sorts_and_what_is_unknown_goes_last(
    table: FigureTable, column: int, order: Qt.SortOrder, wanted: list[str]
) -> None:
    table.sort(column, order)
    assert names(table) == wanted
    for place, name in enumerate(wanted):
        assert table.row_at(place) == NAMES.index(name)
        assert table.place_of(NAMES.index(name)) == place


def test_it_filters_by_name_and_stays_sorted(table: FigureTable) -> None:
    table.sort(1, DOWN)
    table.set_filter("BLOCK")
    assert names(table) == ["block.0", "block.1", "Block.2"]
    assert table.total == 4
    assert table.place_of(NAMES.index("head")) == -1
    table.set_filter("nothing")
    assert table.rowCount() == 0


def test_words_stand_left_and_numbers_right(table: FigureTable) -> None:
    role = Qt.ItemDataRole.TextAlignmentRole
    assert table.index(0, 0).data(role) & Qt.AlignmentFlag.AlignLeft
    assert table.index(0, 1).data(role) & Qt.AlignmentFlag.AlignRight
    horizontal = Qt.Orientation.Horizontal
    assert table.headerData(1, horizontal) == "flips"
    assert table.headerData(1, horizontal, Qt.ItemDataRole.ToolTipRole) == "Counts"


def test_without_columns_there_is_nothing() -> None:
    table = FigureTable()
    assert table.rowCount() == table.columnCount() == table.total == 0
    assert table.rowCount(QModelIndex()) == 0

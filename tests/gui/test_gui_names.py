"""Names that a file chose: they stay on their line, turn no direction, and never end the window."""

import pytest
from PySide6.QtCore import QModelIndex, Qt
from scripted_core import listing

from inspector.app.arguments import parse
from inspector.models.layer_table import LayerTable
from inspector.models.layer_tree import LayerTreeModel
from inspector.models.words import shown
from sparse_core.errors import SparseError

pytestmark = pytest.mark.gui

HOSTILE = "layer.0.\u202eevil\n\tname\x1b[31m.weight"
SAID = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.AccessibleTextRole,
    Qt.ItemDataRole.ToolTipRole,
)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("fc1.weight", "fc1.weight"),
        ("größe.гора.重み", "größe.гора.重み"),
        ("a\nb\tc", "a�b�c"),
        ("\u202eabc", "�abc"),
    ],
)
def test_what_does_not_print_shows_as_such(name: str, there: str) -> None:
    assert shown(name) == there
    assert len(shown(name)) == len(name)


def test_the_tree_shows_a_hostile_name_on_one_line_and_keeps_the_real_one() -> None:
    table = LayerTable()
    table.append(listing([HOSTILE]))
    tree = LayerTreeModel(table)
    index = tree.index_of(HOSTILE)
    assert index.isValid()
    assert tree.name_of(0) == HOSTILE
    for role in SAID:
        text = str(index.data(role))
        assert "evil" in text
        assert not {"\u202e", "\x1b", "\t"} & set(text)
    assert "\n" not in tree.index(0, 0, QModelIndex()).data()


@pytest.mark.parametrize("more", [[], ["--pictures", "out"]])
def test_a_path_of_bytes_that_are_no_text_is_refused_in_a_sentence(more: list[str]) -> None:
    with pytest.raises(SparseError, match="bytes that are no text"):
        parse(["m\udcff.safetensors", *more])

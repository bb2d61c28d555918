"""The table, its outline and the tree model over them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot
from scripted_core import listing, scanned

from inspector.models.layer_query import LayerQuery
from inspector.models.layer_table import LayerTable
from inspector.models.layer_tree import PAGE, LayerTreeModel, runs
from inspector.models.outline import GROUP, LEAST, Outline
from inspector.models.roles import Column, Role
from sparse_core.messages.query import parse

pytestmark = pytest.mark.gui

TRANSFORMER = [
    "model.embed.weight",
    *(
        f"model.layers.{layer}.{part}.weight"
        for layer in range(12)
        for part in (*(f"attn.{n}_proj" for n in "qkvoabcd"), "mlp.up_proj", "norm")
    ),
    "lm_head.weight",
]
FLAT = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


def table_of(names: list[str]) -> LayerTable:
    table = LayerTable()
    table.append(listing(names))
    return table


def model_of(names: list[str]) -> LayerTreeModel:
    return LayerTreeModel(table_of(names))


def labels(model: LayerTreeModel, parent: QModelIndex = QModelIndex()) -> list[str]:  # noqa: B008
    return [model.index(row, 0, parent).data() for row in range(model.rowCount(parent))]


# ---------------------------------------------------------------- the outline


def test_a_weight_and_its_bias_make_no_group() -> None:
    outline = Outline(FLAT, np.arange(4, dtype=np.int32), flat=False)
    assert list(outline.children(GROUP)) == [0, 1, 2, 3]
    assert [outline.label(item) for item in outline.children(GROUP)] == FLAT


def test_chains_of_single_groups_are_one_group() -> None:
    names = [*(f"a.b.c.{block}.fc.weight" for block in range(8)), "head.weight"]
    outline = Outline(names, np.arange(9, dtype=np.int32), flat=False)
    first, head = outline.children(GROUP)
    assert outline.label(first) == "a.b.c"
    assert outline.label(head) == "head.weight"
    labels = [outline.label(child) for child in outline.children(first)]
    assert labels == [f"{block}.fc" for block in range(8)]


def test_a_few_tensors_need_no_group() -> None:
    names = [*(f"x.y.{block}.weight" for block in range(7)), "b.weight"]
    outline = Outline(names, np.arange(8, dtype=np.int32), flat=False)
    assert [outline.label(item) for item in outline.children(GROUP)] == names


names = st.lists(
    st.lists(st.sampled_from("ab0"), min_size=1, max_size=6).map(".".join),
    unique=True,
    max_size=80,
)


@given(names)
def test_every_tensor_stands_once_below_groups_that_lead_to_it(names: list[str]) -> None:
    outline = Outline(names, np.arange(len(names), dtype=np.int32), flat=False)
    found: list[int] = []

    def walk(item: int, path: str) -> None:
        for place, child in enumerate(outline.children(item)):
            assert outline.parent(child) == item
            assert outline.place(child) == place
            full = f"{path}.{outline.label(child)}" if path else outline.label(child)
            if outline.is_group(child):
                assert outline.name(child) == full
                assert len(outline.below(child)) >= LEAST
                assert outline.group_named(full) == child
                walk(child, full)
            else:
                assert outline.name(child) == full == names[child]
                found.append(child)

    walk(GROUP, "")
    assert sorted(found) == list(range(len(names)))


@given(names)
def test_reveal_finds_every_tensor_without_a_walk(names: list[str]) -> None:
    for row in range(len(names)):
        outline = Outline(names, np.arange(len(names), dtype=np.int32), flat=False)
        assert outline.reveal(row)
        assert outline.children(outline.parent(row))[outline.place(row)] == row


# ---------------------------------------------------------------- the table


def test_filter_needs_every_word_in_any_case() -> None:
    table = table_of(TRANSFORMER)
    rows = LayerQuery(table).rows(parse("LAYERS.1 up"))
    assert [table.names[row] for row in rows] == [
        "model.layers.1.mlp.up_proj.weight",
        "model.layers.10.mlp.up_proj.weight",
        "model.layers.11.mlp.up_proj.weight",
    ]


def test_sorting_puts_unknown_rows_last_in_both_directions() -> None:
    table = table_of(FLAT)
    table.fill(scanned([0, 2], [4, 12], [7, 3]))
    rows = np.arange(4, dtype=np.int32)
    assert table.ordered(rows, Column.BROKEN, descending=True).tolist() == [0, 2, 1, 3]
    assert table.ordered(rows, Column.BROKEN, descending=False).tolist() == [2, 0, 1, 3]
    assert table.ordered(rows, Column.DENSITY, descending=False).tolist() == [2, 0, 1, 3]


def test_a_scan_frame_fills_only_rows_that_were_listed() -> None:
    table = table_of(FLAT)
    assert table.fill(scanned([1, 99], [5, 6], [0, 0])).tolist() == [1]
    assert table.zeros.tolist() == [-1, 5, -1, -1]


def test_group_figures_are_over_scanned_rows_only() -> None:
    table = table_of(FLAT)
    rows = np.arange(4, dtype=np.int32)
    assert table.density(rows) is None
    table.fill(scanned([0, 1], [16, 0], [2, -1]))
    assert table.density(rows) == pytest.approx(0.5)
    assert table.broken(rows) == 2


# ---------------------------------------------------------------- the model


def test_model_holds_through_every_mutation(qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    table = LayerTable()
    model = LayerTreeModel(table)
    qtmodeltester.check(model)
    table.append(listing(TRANSFORMER))
    model.relist()
    qtmodeltester.check(model)
    table.append(listing([f"extra.{i}.block.fc.weight" for i in range(30)], len(TRANSFORMER)))
    model.relist()
    qtmodeltester.check(model)
    with qtbot.waitSignal(model.dataChanged):
        model.refresh(table.fill(scanned(range(40), [8] * 40, [0, 1] * 20)))
    qtmodeltester.check(model)
    for column in Column:
        model.sort(column, Qt.SortOrder.DescendingOrder)
        qtmodeltester.check(model)
    model.set_filter(parse("layers up"))
    qtmodeltester.check(model)
    model.set_filter(parse(""))
    model.sort(Column.LAYER)
    model.show(LayerTable())
    qtmodeltester.check(model)


def test_long_groups_come_in_pages_and_a_named_row_is_fetched(
    qtbot: QtBot, qtmodeltester: ModelTester
) -> None:
    model = model_of([f"t{i}" for i in range(2 * PAGE + 5)])
    qtmodeltester.check(model)
    fresh = model_of([f"t{i}" for i in range(2 * PAGE + 5)])
    assert fresh.rowCount() == PAGE
    assert fresh.canFetchMore(QModelIndex())
    index = fresh.index_of(f"t{2 * PAGE + 4}")
    assert index.row() == 2 * PAGE + 4
    assert fresh.rowCount() == 2 * PAGE + 5
    assert not fresh.canFetchMore(QModelIndex())


def test_tree_shows_groups_and_a_filter_makes_it_flat() -> None:
    model = model_of(TRANSFORMER)
    assert labels(model) == ["model", "lm_head.weight"]
    layers = model.index(1, 0, model.index(0, 0))
    assert labels(model, model.index(0, 0)) == ["embed", "layers"]
    assert labels(model, layers)[:3] == ["0", "1", "2"]
    model.set_filter(parse("layers.3 q_proj"))
    assert labels(model) == ["model.layers.3.attn.q_proj"]
    assert model.index(0, 0).data(Role.NAME) == "model.layers.3.attn.q_proj.weight"


def test_what_a_row_says_before_and_after_its_scan(qtbot: QtBot) -> None:
    table = table_of(FLAT)
    model = LayerTreeModel(table)
    index = model.index(0, 0)
    assert index.data(Role.DENSITY) is None
    assert index.data(Role.LIGHTS) is None
    with qtbot.waitSignal(model.dataChanged):
        model.refresh(table.fill(scanned([0], [8], [3])))
    assert index.data(Role.DENSITY) == pytest.approx(0.5)
    assert index.data(Role.BROKEN) == 3
    assert index.data(Role.LIGHTS) == (1, 3, 2, 1)
    spoken = index.siblingAtColumn(Column.LIGHTS).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "zeros yes, pattern violated, packed no, eligible yes"


def test_scanned_rows_are_told_once_a_run_and_to_the_groups_above(qtbot: QtBot) -> None:
    table = table_of(TRANSFORMER)
    model = LayerTreeModel(table)
    model.index_of("model.layers.2.attn.q_proj.weight")
    told: list[tuple[str, int, int]] = []
    model.dataChanged.connect(
        lambda first, last, _: told.append(
            (first.parent().data(Role.NAME) or "", first.row(), last.row())
        )
    )
    row = table.row_of("model.layers.2.attn.q_proj.weight")
    with qtbot.waitSignal(model.dataChanged):
        model.refresh(table.fill(scanned([row], [8], [0])))
        model.refresh(table.fill(scanned([row + 1], [8], [0])))
    assert sorted(told) == [
        ("", 0, 0),
        ("model", 1, 1),
        ("model.layers", 2, 2),
        ("model.layers.2", 0, 0),
        ("model.layers.2.attn", 0, 1),
    ]


def test_runs_of_neighbours() -> None:
    assert runs([5, 1, 2, 9, 3]) == [(1, 3), (5, 5), (9, 9)]
    assert runs([]) == []

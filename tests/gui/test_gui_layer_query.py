"""The filter of the window and ``scan --where`` choose the same tensors."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from inspector.models.layer_query import LayerQuery, completions
from inspector.models.layer_table import LayerTable
from inspector.views.layer_list.filter_box import FilterBox
from sparse_core.analysis.where import matches
from sparse_core.messages import LayerReport, TensorColumns
from sparse_core.messages.query import NUMBERS, WORDS, Query, Term, parse
from sparse_core.service.scanning import layer_columns

pytestmark = pytest.mark.gui

NAMES = ["layers.3.attn.weight", "layers.12.MLP.up_proj", "Head.weight", "emb", "x.7"]
WORDS_ASKED = [
    "linear",
    "conv",
    "sparse",
    "2:4",
    "none",
    "in",
    "*a*",
    "l?yers*",
    "l*.w*t",
    "*.weight",
    "*up*",
    "[lh]*",
    "*",
    "zeros",
    "attn",
    "w",
]
words = st.sampled_from(WORDS_ASKED)
names = st.sampled_from(NAMES)


@st.composite
def reports(draw: st.DrawFn) -> LayerReport:
    shape = draw(st.sampled_from([(), (0, 4), (8,), (8, 16), (4, 3, 3, 3)]))
    elements = int(np.prod(shape))
    pattern = draw(st.sampled_from([None, "2:4", "1:8"]))
    counted = st.none() | st.integers(0, 64)
    return LayerReport(
        name=draw(names), kind=draw(st.sampled_from(["linear", "conv", "norm"])), shape=shape,
        dtype=draw(st.sampled_from(["float32", "bfloat16"])), elements=elements,
        rule=draw(st.sampled_from(["zeros", "stored"])), zeros=draw(st.integers(0, elements)),
        raw_zeros=0, mask_zeros=None, near_zeros=0, nan=0, inf=0, min=None, max=None, mean=None,
        std=None, pattern=pattern, axis="in" if pattern else None, ambiguous=False,
        groups=draw(counted), bad_groups=draw(counted), zero_rows=None, zero_columns=None,
        class_=draw(st.sampled_from(["sparse", "broken", "dense", "other"])),
        meant=draw(st.sampled_from([None, "2:4"])), meant_axis="out", surplus=draw(counted),
    )  # fmt: skip


@st.composite
def terms(draw: st.DrawFn) -> Term:
    negated = draw(st.booleans())
    if draw(st.booleans()):
        field = draw(st.sampled_from(["text", *WORDS]))
        sign = ":" if field == "text" else draw(st.sampled_from([":", "=", "!="]))
        return Term(field, sign, draw(words), negated=negated)
    low = draw(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0, 12.0, 16.0]))
    sign = draw(st.sampled_from([":", "=", "!=", "<", "<=", ">", ">="]))
    high = low + draw(st.sampled_from([0.0, 9.0])) if sign == ":" else low
    modulo = draw(st.sampled_from([0, 0, 3, 8]))
    return Term(draw(st.sampled_from(list(NUMBERS))), sign, "", low, high, modulo, negated)


def table_of(rows: list[LayerReport]) -> LayerTable:
    table = LayerTable()
    count = len(rows)
    table.append(
        TensorColumns(
            0,
            tuple(row.name for row in rows),
            tuple(row.kind for row in rows),
            tuple(row.dtype for row in rows),
            tuple(row.shape for row in rows),
            np.array([row.elements for row in rows], "<i8").tobytes(),
            bytes(8 * count),
            bytes(count),
            bytes(count),
        )
    )
    # Equal names would share a row: the columns name rows by their place here.
    for place, row in enumerate(rows):
        table.fill(layer_columns([row], {row.name: place}))
    return table


@given(rows=st.lists(reports(), max_size=12), query=st.lists(terms(), max_size=3))
def test_the_same_rows_as_where(rows: list[LayerReport], query: list[Term]) -> None:
    asked = Query(tuple(query))
    found = LayerQuery(table_of(rows)).rows(asked).tolist()
    assert found == [place for place, row in enumerate(rows) if matches(row, asked)]


def test_of_rows_not_scanned_only_the_headers_are_known() -> None:
    report = LayerReport(
        name="layers.3.w", kind="linear", shape=(4, 8), dtype="float32", elements=32, rule="zeros",
        zeros=16, raw_zeros=16, mask_zeros=None, near_zeros=0, nan=0, inf=0, min=None, max=None,
        mean=None, std=None, pattern="2:4", axis="in", ambiguous=False, groups=8, bad_groups=0,
        zero_rows=0, zero_columns=0, class_="sparse",
    )  # fmt: skip
    table = table_of([report])
    known = LayerQuery(table)
    assert known.rows(parse("class:sparse bad=0 pattern:2:4")).tolist() == [0]
    table = table_of([])
    table.append(
        TensorColumns(
            0, ("layers.3.w",), ("linear",), ("float32",), ((4, 8),),
            np.array([32], "<i8").tobytes(), bytes(8), b"\1", b"\1",
        )
    )  # fmt: skip
    unknown = LayerQuery(table)
    for text in ("class!=dense", "bad<5", "sparsity<1", "pattern:none"):
        assert unknown.rows(parse(text)).tolist() == [], text
    assert unknown.rows(parse("kind:linear rows=4 columns%8=0 layer:1-3")).tolist() == [0]


def test_large_tables_are_answered_between_two_keystrokes() -> None:
    count = 92_400
    table = LayerTable()
    table.append(
        TensorColumns(
            0,
            tuple(f"layers.{row // 200}.experts.{row % 200}.up_proj" for row in range(count)),
            ("linear",) * count, ("bfloat16",) * count, ((64, 64),) * count,
            np.full(count, 4096, "<i8").tobytes(), bytes(8 * count), b"\1" * count, b"\1" * count,
        )
    )  # fmt: skip
    rows = LayerQuery(table).rows(parse("kind:linear layer:10-19 name:*.7.up_proj"))
    assert len(rows) == 10


@pytest.mark.parametrize(
    ("text", "offered"),
    [("kind:linear spa", ["sparsity>"]), ("-ki", ["kind:"]), ("bad>0", []), ("", []),
     ("r", ["rule:", "rows>"])],
)  # fmt: skip
def test_fields_are_offered(text: str, offered: list[str]) -> None:
    assert completions(text) == offered


# ---------------------------------------------------------------- the box


def test_conditions_are_chips_and_mistakes_are_said(qtbot: QtBot) -> None:
    box = FilterBox()
    qtbot.addWidget(box)
    box.show()
    queries: list[Query] = []
    box.query_changed.connect(queries.append)
    QTest.keyClicks(box.line, "attn bad>0 kind:linear")
    qtbot.waitUntil(lambda: box.chips == ("bad>0", "kind:linear"))
    assert queries[-1] == parse("attn bad>0 kind:linear")
    box.line.setText("bad>many")
    qtbot.waitUntil(box.error.isVisible)
    assert "many is no number" in box.error.text()
    assert queries[-1] == parse("attn bad>0 kind:linear")
    box.line.setText("bad>0 kind:linear")
    qtbot.waitUntil(lambda: not box.error.isVisible())
    chip = next(c for c in box.findChildren(QPushButton) if c.property("word") == "bad>0")
    chip.click()
    qtbot.waitUntil(lambda: box.chips == ("kind:linear",))


def test_views_are_saved_chosen_and_forgotten(qtbot: QtBot) -> None:
    box = FilterBox()
    qtbot.addWidget(box)
    saved: list[tuple[str, ...]] = []
    box.views_changed.connect(saved.append)
    box.set_views(("class:broken", "nothing>1"))

    def menu() -> dict[str, object]:
        box.menu.aboutToShow.emit()
        return {action.text(): action for action in box.menu.actions() if action.text()}

    assert not menu()["Save this filter"].isEnabled()
    menu()["class:broken"].trigger()
    qtbot.waitUntil(lambda: box.chips == ("class:broken",))
    menu()["Forget this filter"].trigger()
    assert saved == [("nothing>1",)]
    menu()["nothing>1"].trigger()
    qtbot.waitUntil(lambda: not box.error.isHidden())
    assert "nothing is called nothing" in box.error.text()
    box.line.setText("  bad>0   attn ")
    menu()["Save this filter"].trigger()
    assert saved[-1] == ("nothing>1", "bad>0 attn")
    assert msgspec.json.encode(saved[-1])

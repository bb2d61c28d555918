"""The search over commands and tensors, the sheet of shortcuts, and the scorer behind them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_core import ScriptedCore

from inspector.commands import TABLE
from inspector.main_window import MainWindow
from inspector.models.fuzzy import NameIndex, letters, score
from inspector.models.search_results import Result, ResultModel, find_commands

pytestmark = pytest.mark.gui
Open = Callable[..., MainWindow]
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def titles(window: MainWindow) -> list[str]:
    return [result.title for result in window.searching.palette.model.results]


def type_into(window: MainWindow, text: str) -> None:
    field = window.searching.palette.field
    field.clear()
    QTest.keyClicks(field, text)


# ---------------------------------------------------------------- the scorer


def in_order(query: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in query)


@given(st.text("ab.1", max_size=5), st.text("ab.1", max_size=12))
def test_a_text_matches_if_it_holds_the_letters_in_order(query: str, text: str) -> None:
    match = score(query, text)
    assert (match is not None) == in_order(query, text)
    if match is not None:
        assert "".join(text[place] for place in match.places) == query
        assert list(match.places) == sorted(set(match.places))


@given(st.lists(st.text("ab.1", max_size=8), max_size=12), st.text("ab.1", min_size=1, max_size=4))
def test_the_index_finds_what_the_scorer_finds(names: list[str], query: str) -> None:
    found = {number for number, _ in NameIndex(names).search(query, 100)}
    assert found == {number for number, name in enumerate(names) if score(query, name)}


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("fc1", "block.fc1.weight", "block.f.c.x1"),
        ("up", "layers.0.up_proj", "layers.0.soup"),
        ("l1", "layers.1.weight", "layers.0.fc1.weight"),
        ("weight", "head.weight", "head.weight_mask_of_some_other_tool"),
    ],
)
def test_whole_words_and_their_beginnings_win(query: str, better: str, worse: str) -> None:
    one, other = score(query, better), score(query, worse)
    assert one is not None
    assert other is not None
    assert one.score > other.score


def test_a_query_that_grows_and_shrinks_finds_the_same_as_a_fresh_one() -> None:
    names = [f"layers.{layer}.experts.{e}.up.weight" for layer in range(9) for e in range(40)]
    index = NameIndex(names)
    for query in ("l", "l7", "l7e", "l7e3", "l7", "l2", "L2 E39 up", "layers.3.experts.21.up"):
        assert index.search(query, 20) == NameIndex(names).search(query, 20)
    assert names[index.search("l7 e39", 1)[0][0]] == "layers.7.experts.39.up.weight"


def test_of_many_names_few_are_judged_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a keystroke over 92,400 names below 50 ms, counted and not timed."""
    names = [f"model.layers.{n // 1540}.experts.{n % 1540}.up.weight" for n in range(92_400)]
    index, judged = NameIndex(names), []

    def counting(query: str, text: str) -> object:
        judged.append(text)
        return score(query, text)

    monkeypatch.setattr("inspector.models.fuzzy.score", counting)
    found = index.search("l59 e1539 up", 100)
    assert names[found[0][0]] == "model.layers.59.experts.1539.up.weight"
    assert 0 < len(judged) <= 200


def test_letters_leave_out_blanks_and_case() -> None:
    assert letters("  Layers 10\tUP ") == "layers10up"


# ---------------------------------------------------------------- commands


def test_every_command_is_reachable_from_the_palette(window: MainWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_P, CONTROL | SHIFT)
    palette = window.searching.palette
    assert {result.id for result in palette.model.results} == {command.id for command in TABLE}
    for command in TABLE:
        palette.field.setText(f">{command.title}")
        assert command.title in titles(window)


def test_a_command_is_found_run_and_remembered(window: MainWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_P, CONTROL | SHIFT)
    type_into(window, ">light th")
    assert titles(window)[0] == "Light theme"
    QTest.keyClick(window.searching.palette.field, Qt.Key.Key_Return)
    assert window.preferences.settings.theme == "light"
    assert window.searching.palette.isHidden()
    window.commands["go.command"].trigger()
    assert titles(window)[0] == "Light theme"


def test_what_is_impossible_says_why_and_is_not_run(window: MainWindow) -> None:
    window.commands["go.command"].trigger()
    type_into(window, ">fit the map")
    palette = window.searching.palette
    result = palette.model.results[0]
    assert (result.possible, result.note) == (False, "Choose a layer first.")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_recent_commands_come_first_and_impossible_ones_last() -> None:
    reasons = {"file.reload": "Open a checkpoint first."}
    found = find_commands(TABLE, "", ("help.about", "file.reload"), lambda c: reasons.get(c, ""))
    assert found[0].id == "help.about"
    assert found[-1].id == "file.reload"


def test_every_shortcut_of_the_table_stands_on_the_sheet(window: MainWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_Question)
    sheet = window.searching._sheet
    assert sheet is not None
    assert sheet.isVisible()
    assert sorted(sheet.shown) == sorted(one.id for one in TABLE if one.shortcuts)
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert sheet.isHidden()


# ---------------------------------------------------------------- tensors


def test_a_tensor_is_found_by_some_of_its_letters(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    QTest.keyClick(window, Qt.Key.Key_P, CONTROL)
    palette = window.searching.palette
    assert len(palette.model.results) == 5
    type_into(window, "hd w")
    assert titles(window) == ["head.weight"]
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.session.state.file is not None
    assert window.session.state.file.tensor == "head.weight"
    qtbot.waitUntil(lambda: window.page is not None and window.page.settled)


def test_the_list_is_walked_from_the_field(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    page.go_to_layers()
    QTest.mouseClick(window.search, Qt.MouseButton.LeftButton)
    palette = window.searching.palette
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == 1
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert palette.isHidden()
    qtbot.waitUntil(page.layers.tree.hasFocus)


def test_without_a_file_the_field_searches_commands(window: MainWindow) -> None:
    QTest.mouseClick(window.search, Qt.MouseButton.LeftButton)
    palette = window.searching.palette
    assert palette.field.text() == ">"
    type_into(window, "weight")
    assert palette.model.results == []
    assert "Open a checkpoint" in palette.hint.text()


def test_names_that_arrive_later_are_found(opened: Open, core: ScriptedCore, qtbot: QtBot) -> None:
    window = opened()
    window.commands["go.tensor"].trigger()
    core.files["/models/averaged.safetensors"]["late.weight"] = np.ones((4, 4), np.float32)
    assert window.feed is not None
    window.feed.reload()
    qtbot.waitUntil(lambda: window.feed is not None and window.feed.stage == "complete")
    type_into(window, "late")
    assert titles(window) == ["late.weight"]


def test_the_model_is_a_model(qapp: QApplication) -> None:
    model = ResultModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show([Result("a", "A", beside="Ctrl+A"), Result("b", "B", note="no", possible=False)])
    spoken = [model.data(model.index(row), Qt.ItemDataRole.AccessibleTextRole) for row in range(2)]
    assert spoken == ["A, Ctrl+A", "B, no"]

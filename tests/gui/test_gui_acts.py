"""What can be done on the page beside looking: going, copying, correcting, being led."""

import csv
import io
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NETWORK
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot
from scripted_core import ScriptedCore

import resources
from inspector.commands import PAGE_COMMANDS, TABLE
from inspector.main_window import MainWindow
from inspector.models.copying import command_text
from inspector.models.places import Place, place_in
from inspector.models.term_cards import TERMS, card_of
from inspector.pages.weights.repairing import preview_text, suggested
from inspector.pages.weights.story import END, STEPS, Story
from inspector.settings import Settings
from inspector.views.place_line import PlaceLine
from inspector.views.term_sheet import TermSheet
from sparse_core.messages import (
    FileId,
    OpenCheckpoint,
    ProfileWanted,
    RepairPreview,
    RepairTo,
    ScanOptions,
)

pytestmark = pytest.mark.gui
Open = Callable[..., MainWindow]
NAMES = ["layers.0.up.weight", "layers.0.down.weight", "layers.1.up.weight", "head.weight"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("117,332", Place("head.weight", 117, 332)),
        (" 117 332 ", Place("head.weight", 117, 332)),
        ("layers.1.up@3,4", Place("layers.1.up.weight", 3, 4)),
        ("down@0, 9", Place("layers.0.down.weight", 0, 9)),
        ("head", Place("head.weight")),
    ],
)
def test_places_as_users_write_them(text: str, place: Place) -> None:
    assert place_in(text, NAMES, "head.weight") == place


@pytest.mark.parametrize(
    ("text", "said"),
    [("up@1,2", "No layer"), ("head@here", "no place"), ("nothing", "No layer"), ("", "Write")],
)
def test_what_is_no_place_is_said(text: str, said: str) -> None:
    answer = place_in(text, NAMES, "")
    assert isinstance(answer, str)
    assert said in answer


def test_going_to_a_weight_of_another_layer(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    window.commands["layers.weight"].trigger()
    line = page.findChild(PlaceLine)
    assert line is not None
    field = line.findChild(QLineEdit)
    QTest.keyClicks(field, "fc9@1,2\r")
    assert "No layer" in line.complaint.text()
    field.setText("fc2@6,13")
    QTest.keyClicks(field, "\r")
    qtbot.waitUntil(lambda: page.settled and page.tensor == "fc2.weight")
    assert page.loupe.loupe is not None
    assert page.loupe.loupe.place == "fc2[6, 12:16]"
    assert page.shown()["cursor"]["column"] == 13


def test_row_and_value_and_path_are_copied(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    board = QGuiApplication.clipboard()
    window.commands["copy.row"].trigger()
    (row,) = csv.DictReader(io.StringIO(board.text()))
    assert (row["name"], row["shape"], row["bad"]) == ("fc1.weight", "16x32", "1")
    page.look_at(5, 9)
    qtbot.waitUntil(lambda: page.cell is not None)
    window.commands["copy.value"].trigger()
    assert board.text() == "-0.25"
    window.commands["copy.path"].trigger()
    assert board.text() == NETWORK


def test_the_command_line_says_how_the_file_is_judged() -> None:
    options = ScanOptions(rule="zeros", pattern="1:4", axis="out", threshold=0.5)
    words = shlex.split(command_text(FileId("/a b.pt", "ema"), options, " bad>0  -head "))
    assert words == [
        "sparsescope", "scan", "/a b.pt", "--container", "ema", "--rule", "zeros",
        "--pattern", "1:4", "--axis", "out", "--threshold", "0.5", "--where=bad>0 -head",
    ]  # fmt: skip


def test_a_correction_is_kept_and_the_file_judged_by_it(
    opened: Open, core: ScriptedCore, qtbot: QtBot
) -> None:
    window = opened()
    page = window.page
    assert page is not None
    menu = page.acts.correcting.menu(page.feed.table, "fc1.weight", page.feed.options)
    actions = {action.text(): action for action in menu.actions()}
    assert actions["It is linear"].isChecked()
    assert not actions["Take corrections back"].isEnabled()
    actions["It is embedding"].trigger()
    actions["Inputs are dimension 0, as in GPT-2 and JAX"].trigger()
    menu.deleteLater()
    assert window.preferences.settings.kinds == (("fc1.weight", "embedding"),)
    assert window.preferences.settings.axes == (("fc1.weight", "0"),)
    qtbot.waitUntil(lambda: page.settled)
    last = [body for body in core.asked if isinstance(body, OpenCheckpoint)][-1]
    assert last.options.kinds == (("fc1.weight", "embedding"),)
    page.acts.correcting.taken_back.emit("fc1.weight")
    assert window.preferences.settings.kinds == window.preferences.settings.axes == ()
    qtbot.waitUntil(lambda: page.settled)


def test_the_latest_correction_of_a_layer_counts() -> None:
    settings = Settings().corrected("a", "linear", "").corrected("b", "conv", "out")
    settings = settings.corrected("a", "norm", "")
    assert settings.kinds == (("a", "norm"), ("b", "conv"))
    assert settings.uncorrected("b").axes == ()


def test_a_repair_is_previewed_and_written_by_the_core(
    opened: Open, core: ScriptedCore, qtbot: QtBot
) -> None:
    window = opened()
    page = window.page
    assert page is not None
    assert "A repair would change 1 weight, 1.8 % of the layers' norm" in (
        page.verdict.conditions.text()
    )
    page.acts.repairing.write("/out.safetensors")
    qtbot.waitUntil(lambda: bool(window.problems.problems))
    assert window.problems.sentence.text() == "1 weight changed; the copy is /out.safetensors."
    (asked,) = [body for body in core.asked if isinstance(body, RepairTo)]
    assert (asked.pattern, asked.tensors) == ("2:4", ("fc1.weight",))


def test_norms_of_layers_are_joined_by_their_squares() -> None:
    previews = [RepairPreview("a", 1, 2, 0.3, 3.0), RepairPreview("b", 1, 3, 0.4, 4.0)]
    share = ((0.9**2 + 1.6**2) / 25) ** 0.5
    assert preview_text(previews) == (
        f"A repair would change 5 weights, {100 * share:.1f} % of the layers' norm"
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a/b.safetensors", "b-repaired.safetensors"), ("/hub/model/", "model-repaired")],
)
def test_names_for_copies(path: str, name: str) -> None:
    assert suggested(path) == name


def test_filters_are_saved_with_the_settings(opened: Open, settings_path: Path) -> None:
    window = opened()
    page = window.page
    assert page is not None
    page.layers.box.views_changed.emit(("bad>0",))
    assert window.preferences.settings.views == ("bad>0",)
    assert "bad>0" in settings_path.read_text()


def test_measures_of_the_edges_go_round(opened: Open, core: ScriptedCore, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    qtbot.waitUntil(lambda: page.canvas.edges is not None)
    seen = []
    for _ in range(4):
        window.commands["view.edges"].trigger()
        qtbot.waitUntil(lambda: page.settled)
        QTest.qWait(20)
        asked = [body.measure for body in core.asked if isinstance(body, ProfileWanted)]
        seen.append((page.edges.measure, asked[-1]))
    assert seen == [
        ("norm", "norm"), ("channel", "channel"), (None, "channel"), ("kept", "kept"),
    ]  # fmt: skip


# ---------------------------------------------------------------- words and hints


def test_every_card_has_a_line_and_a_formula(opened: Open) -> None:
    assert all(term.line and term.formula for term in TERMS)
    assert "zeros / weights" in card_of("sparsity")
    assert card_of("no such word") == ""
    window = opened()
    window.commands["help.words"].trigger()
    assert window.page is not None
    sheet = window.page.findChild(TermSheet)
    assert sheet is not None
    shown = sheet.text.toPlainText()
    assert all(term.word in shown and term.formula in shown for term in TERMS)
    sheet.close()


def test_the_story_is_told_in_order_and_only_of_the_demo(qtbot: QtBot) -> None:
    window = QObject()
    story = Story(str(resources.demo()), window)
    story.did("violation")
    assert story.hint == STEPS[0][1]
    for what, hint in STEPS:
        assert story.hint == hint
        story.did(what)
    assert story.hint == END
    story.want(False)
    assert story.hint == ""
    assert Story("/other.safetensors", window).hint == ""


def test_every_command_of_the_page_is_in_the_table_and_known(opened: Open) -> None:
    page = opened().page
    assert page is not None
    assert set(PAGE_COMMANDS) <= {command.id for command in TABLE}
    assert set(PAGE_COMMANDS) == set(page.acts.known)

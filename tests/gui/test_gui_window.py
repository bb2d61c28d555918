"""The window and its page, driven as a user would, with a scripted core."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import NETWORK, OTHER
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from scripted_core import ScriptedCore, small_network

from inspector.main_window import MainWindow
from inspector.models.roles import Role
from inspector.settings import SettingsFile
from sparse_core.messages import (
    CellWanted,
    CloseCheckpoint,
    FileChanged,
    FileId,
    LoupeWanted,
    OpenCheckpoint,
    PictureWanted,
    ScanCheckpoint,
    TilesWanted,
    WatchFiles,
)
from sparse_core.messages import Welcome as CoreWelcome

pytestmark = pytest.mark.gui
Open = Callable[..., MainWindow]


def drop(window: MainWindow, *paths: str) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    move, left, no = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0)
    enter = QDragEnterEvent(QPoint(700, 400), move, data, left, no)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    window.dropEvent(QDropEvent(QPointF(700, 400), move, data, left, no))


def test_the_first_screen_says_what_to_do(window: MainWindow) -> None:
    assert window.stack.currentWidget() is window.welcome
    assert window.welcome.open.hasFocus()
    assert not window.commands["file.reload"].isEnabled()


def test_a_dropped_file_is_listed_scanned_judged_and_shown(
    window: MainWindow, qtbot: QtBot
) -> None:
    drop(window, NETWORK)
    qtbot.waitUntil(lambda: window.page is not None and window.page.settled)
    page = window.page
    assert page is not None
    shown = page.shown()
    assert shown["verdict"] == "Meant to be 2:4, and is not everywhere."
    assert shown["tensor"] == "fc1.weight"
    assert shown["plane"] == "violation"
    assert shown["counters"]["broken"] == 1
    assert page.figures.rows[0] == ("pattern", "2:4 (recognised)")
    assert page.histogram.counts.sum() == (small_network()["fc1.weight"] != 0).sum()
    assert window.status.text.whole == "Scan complete · 5 tensors · 4.1 kB in 4 ms"
    assert window.status.bar.isHidden()


def test_several_files_are_tabs_and_each_keeps_its_layer(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    opened(OTHER)
    window.commands["layers.next"].trigger()
    assert window.tabs.bar.count() == 2
    window.commands["file.previous"].trigger()
    assert window.session.state.file is not None
    assert window.session.state.file.tensor == "fc1.weight"
    window.commands["file.next"].trigger()
    assert window.session.state.file.tensor == "fc1.bias"
    opened(NETWORK)
    assert window.tabs.bar.count() == 2
    window.commands["file.close"].trigger()
    assert window.windowTitle() == "other.pt – Sparsescope"


def test_closing_a_file_lets_the_core_forget_it(opened: Open, core: ScriptedCore) -> None:
    window = opened()
    window.commands["file.close"].trigger()
    assert core.count_of(CloseCheckpoint) == 1
    assert core.asked[-1] == WatchFiles(())
    assert window.stack.currentWidget() is window.welcome
    assert window.feeds == window.pages == {}


def test_a_layer_is_chosen_by_mouse_and_by_keyboard(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    tree = page.layers.tree
    index = tree.model().index_of("fc2.weight")
    QTest.mouseClick(
        tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualRect(index).center()
    )
    assert page.map_panel.title.text() == "fc2.weight"
    QTest.keyClick(tree, Qt.Key.Key_Down)
    QTest.keyClick(tree, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: page.settled)
    assert page.shown()["tensor"] == "head.weight"
    assert page.shown()["plane"] == "density"


def test_the_filter_flattens_and_keeps_the_layer(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    window.commands["layers.filter"].trigger()
    assert page.layers.filter.hasFocus()
    QTest.keyClicks(page.layers.filter, "WEIGHT fc")
    qtbot.waitUntil(lambda: page.layers.shown.text() == "2 of 5")
    assert page.layers.tree.currentIndex().data(Role.NAME) == "fc1.weight"
    QTest.keyClick(page.layers.filter, Qt.Key.Key_Down)
    assert page.layers.tree.hasFocus()
    window.commands["layers.filter"].trigger()
    QTest.keyClick(page.layers.filter, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: page.layers.shown.text() == "5")


def test_a_plane_stays_chosen_for_the_file(opened: Open, qtbot: QtBot, core: ScriptedCore) -> None:
    window = opened()
    page = window.page
    assert page is not None
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_3)
    assert page.canvas.plane == "mask"
    window.commands["layers.next"].trigger()
    assert page.canvas.plane == "mask"
    qtbot.waitUntil(lambda: page.settled)
    tiles = [body for body in core.asked if isinstance(body, TilesWanted)]
    assert tiles[-1].plane == "mask"


def test_the_value_under_the_cursor_is_the_one_asked_for(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    for column in range(8, 12):
        at = page.canvas.position_of(5, column)
        assert at is not None
        QTest.mouseMove(page.canvas, at.toPoint())
    qtbot.waitUntil(lambda: (page.shown()["cursor"] or {}).get("column") == 11)
    assert page.shown()["cursor"]["value"] == 0
    page.look_at(5, 9)
    qtbot.waitUntil(lambda: page.shown()["cursor"]["column"] == 9)
    assert page.shown()["cursor"]["value"] == -0.25


def test_only_the_latest_wish_for_a_value_is_sent(opened: Open, core: ScriptedCore) -> None:
    page = opened().page
    assert page is not None
    asked = {kind: core.count_of(kind) for kind in (CellWanted, LoupeWanted)}
    for column in range(30):
        page.look_at(0, column)
    assert {kind: core.count_of(kind) - before for kind, before in asked.items()} == {
        CellWanted: 1,
        LoupeWanted: 1,
    }


def test_what_cannot_be_read_is_told_in_the_bar_and_opens_again(
    window: MainWindow, qtbot: QtBot, core: ScriptedCore
) -> None:
    window.open_path("/models/gone.pt")
    qtbot.waitUntil(lambda: bool(window.problems.problems))
    assert window.problems.isVisible()
    assert window.problems.sentence.text() == "/models/gone.pt does not exist."
    assert window.page is not None
    assert window.page.verdict.headline.text() == "This could not be read."
    window.problems.copy.click()
    assert "/models/gone.pt does not exist." in QGuiApplication.clipboard().text()
    core.files["/models/gone.pt"] = small_network()
    window.commands["file.reload"].trigger()
    assert window.problems.isHidden()
    qtbot.waitUntil(lambda: window.page is not None and window.page.settled)
    assert window.page.shown()["counters"]["tensors"] == 5


def test_a_scan_is_cancelled_and_started_again(
    window: MainWindow, qtbot: QtBot, core: ScriptedCore
) -> None:
    core.hold_scan = True
    window.open_path(NETWORK)
    qtbot.waitUntil(lambda: window.status.bar.isVisible())
    assert window.status.left.text() == "1 of 5 tensors · 2.0 s left"
    assert window.commands["layers.cancel"].isEnabled()
    window.status.cancel.click()
    assert core.cancelled == [core.number_of(ScanCheckpoint)]
    assert window.status.bar.isHidden()
    assert window.status.text.whole == "Cancelled · 0 of 5 tensors seen · F5 reads it again"
    core.hold_scan = False
    window.commands["file.reload"].trigger()
    qtbot.waitUntil(lambda: window.page is not None and window.page.settled)
    assert core.count_of(OpenCheckpoint) == 2


def test_a_file_that_changed_on_disk_is_told_and_reloaded(
    opened: Open, qtbot: QtBot, core: ScriptedCore
) -> None:
    window = opened()
    opened(OTHER)
    stamped = [file for file in core.asked[-1:] if isinstance(file, WatchFiles)]
    core.news.emit(FileChanged(FileId(NETWORK, stamp="1"), gone=False))
    assert stamped == [] or NETWORK in [file.path for file in stamped[0].files]
    assert "averaged.safetensors changed on disk" in window.problems.sentence.text()
    core.files[NETWORK] = {"only.weight": np.ones((4, 4), np.float32)}
    window.problems.action.click()
    assert window.session.state.file is not None
    assert window.session.state.file.path == NETWORK
    qtbot.waitUntil(lambda: window.feed is not None and len(window.feed.table) == 1)
    qtbot.waitUntil(lambda: window.page is not None and not window.feed.running)
    assert window.problems.isHidden()


def test_answers_of_a_layer_left_behind_are_dropped(
    opened: Open, qtbot: QtBot, core: ScriptedCore
) -> None:
    window = opened()
    page = window.page
    assert page is not None
    window.commands["layers.next"].trigger()
    late = core.number_of(PictureWanted)
    window.commands["layers.next"].trigger()
    assert core.number_of(PictureWanted) > late
    qtbot.waitUntil(lambda: page.settled)
    assert page.canvas.picture is not None
    assert page.canvas.picture.tensor == "fc2.weight"


def test_the_log_is_shown_on_demand_and_when_the_core_fails(
    window: MainWindow, core: ScriptedCore
) -> None:
    core.logged.emit("a line of the core")
    assert window.log.isHidden()
    core.state_changed.emit("failed")
    assert window.log.isVisible()
    assert window.log.text.toPlainText() == "a line of the core"
    assert window.problems.isVisible()
    window.commands["view.log"].trigger()
    assert window.log.isHidden()


def test_the_core_says_what_it_runs_on_and_its_death_is_told(
    opened: Open, core: ScriptedCore
) -> None:
    window = opened()
    core.welcomed.emit(CoreWelcome(1, "0.1", "AVX2", 2, 7, "here", "3.11", "/home/me"))
    assert window.core_label.text() == "core: local · native AVX2 · 2 threads"
    core.restarted.emit()
    assert "died and was started again" in window.problems.sentence.text()
    core.file_marked.emit(NETWORK, "It ended the core twice.")
    assert window.problems.sentence.text() == "It ended the core twice."
    assert window.problems.waiting.text() == "2 problems"


def test_recent_files_are_offered_next_time(
    opened: Open, settings_path: Path, qtbot: QtBot
) -> None:
    window = opened()
    opened(OTHER)
    assert SettingsFile(settings_path).settings.recent == (OTHER, NETWORK)
    window.commands["file.close"].trigger()
    window.commands["file.close"].trigger()
    button = window.welcome._recent.itemAt(0).widget()
    assert button.accessibleName() == f"Open {OTHER}"
    button.click()
    assert window.session.state.file is not None
    assert window.session.state.file.path == OTHER


def test_the_dialog_never_blocks_and_opens_what_was_chosen(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.commands["file.open"].trigger()
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    dialog.filesSelected.emit([NETWORK])
    assert window.session.state.file is not None
    dialog.close()


def test_the_theme_changes_while_the_window_stands(opened: Open) -> None:
    window = opened()
    before = window.grab().toImage().pixelColor(4, 400)
    window.commands["view.light"].trigger()
    assert window.grab().toImage().pixelColor(4, 400) != before
    assert window.commands["view.light"].isChecked()
    assert not window.commands["view.dark"].isChecked()


def test_closing_the_window_ends_the_core(window: MainWindow, core: ScriptedCore) -> None:
    window.close()
    assert core.stopped


def test_a_bug_of_the_window_is_told_and_its_trace_is_in_the_log(window: MainWindow) -> None:
    window.tell_bug("Traceback ...\nValueError: oops")
    assert "went wrong in the window" in window.problems.sentence.text()
    assert window.problems.problems[-1].details.endswith("ValueError: oops")
    assert "ValueError: oops" in window.log.text.toPlainText()


def test_another_model_of_the_file_opens_beside(opened: Open, core: ScriptedCore) -> None:
    window = opened()
    page = window.page
    assert page is not None
    assert page.containers.isHidden()
    page.containers.set_containers(["", "ema"], "")
    assert not page.containers.isHidden()
    page.containers.activated.emit(page.containers.findData("ema"))
    assert [file.title for file in window.session.state.files] == [
        "averaged.safetensors",
        "averaged.safetensors · ema",
    ]

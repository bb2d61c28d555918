"""Everything can be reached by keyboard and has a name."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from inspector.main_window import MainWindow
from inspector.models.problem import Problem

pytestmark = pytest.mark.gui


def spoken_name(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface else widget.accessibleName()


def reachable(window: QWidget) -> list[QWidget]:
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisibleTo(window)
        and (widget.focusPolicy() & Qt.FocusPolicy.TabFocus or isinstance(widget, QAbstractButton))
        and not widget.objectName().startswith("qt_")
    ]


def test_every_widget_that_can_be_reached_has_a_name(
    opened: Callable[..., MainWindow], core: object
) -> None:
    window = opened()
    window.problems.add(Problem("Something is wrong.", where="/x", action="file.reload"))
    window.commands["view.log"].trigger()
    nameless = [widget for widget in reachable(window) if not spoken_name(widget)]
    assert nameless == []
    window.commands["file.close"].trigger()
    assert [widget for widget in reachable(window) if not spoken_name(widget)] == []


def test_tab_reaches_every_widget(opened: Callable[..., MainWindow], qtbot: QtBot) -> None:
    window = opened()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    wanted = {
        widget
        for widget in reachable(window)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isEnabled()
        and widget.focusProxy() is None
        and not isinstance(widget, QScrollArea)
    }
    # Of a group of exclusive buttons Tab reaches one, arrows the others.
    groups = {
        button.group()
        for button in wanted
        if isinstance(button, QAbstractButton) and button.group()
    }
    wanted -= {button for group in groups for button in group.buttons()}
    seen: set[QWidget | None] = set()
    for _ in range(4 * len(wanted) + 20):
        focused = QApplication.focusWidget()
        seen.add(focused)
        if focused is not None:
            QTest.keyClick(focused, Qt.Key.Key_Tab)
    missed = [f"{type(widget).__name__} {spoken_name(widget)}" for widget in wanted - seen]
    assert missed == []
    assert all(seen & set(group.buttons()) for group in groups)


def test_a_verdict_link_is_followed_by_keyboard(
    opened: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    window = opened()
    page = window.page
    assert page is not None
    window.commands["layers.next"].trigger()
    assert window.session.state.files[0].tensor == "fc1.bias"
    page.verdict.detail.setFocus()
    QTest.keyClick(page.verdict.detail, Qt.Key.Key_Tab)
    with qtbot.waitSignal(page.verdict.link_followed) as followed:
        page.verdict.detail.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(page.verdict.detail, Qt.Key.Key_Return)
    assert followed.args == ["fc1.weight"]
    assert window.session.state.files[0].tensor == "fc1.weight"

"""The menu at the foot of the rail, made from the command table."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QToolButton

from inspector.commands import MENUS

if TYPE_CHECKING:
    from inspector.main_window.window import MainWindow


class MainMenu(QObject):
    """Every command in its menu, and what was open lately."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self.whole = QMenu("Menu", window)
        self.recent = QMenu("Open recent", window)
        self.recent.aboutToShow.connect(self._fill_recent)
        for title in MENUS:
            below = self.whole.addMenu(title)
            below.setToolTipsVisible(True)
            below.addActions(window.commands.of_menu(title))
            if title == MENUS[0]:
                below.insertMenu(window.commands["file.reload"], self.recent)
        window.rail.add_below(self._button())

    def _button(self) -> QToolButton:
        button = QToolButton()
        button.setText("Menu")
        button.setProperty("link", True)
        button.setAccessibleName("Menu")
        button.setShortcut(QKeySequence("F10"))
        button.setToolTip("Menu (F10)")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(self.whole)
        return button

    @Slot()
    def _fill_recent(self) -> None:
        self.recent.clear()
        recent = self._window.preferences.settings.recent
        for place in recent:
            action = self.recent.addAction(place.replace("&", "&&"))
            action.triggered.connect(partial(self._open, place))
        self.recent.setDisabled(not recent)

    def _open(self, place: str, *_: object) -> None:
        self._window.open_place(place)

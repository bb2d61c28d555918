"""The one table of what the user can do, as actions.

Menus, shortcuts and tooltips are made from it; nothing that the user can do stands outside it.
A command is either possible or says why not.
"""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from inspector.commands import compare, speed, timeline, training, weights, window
from inspector.commands.command import Command, Situation

TABLE: tuple[Command, ...] = (
    *window.TABLE,
    *weights.TABLE,
    *timeline.TABLE,
    *training.TABLE,
    *speed.TABLE,
    *compare.TABLE,
)

_ORDER = (
    *("File", "Go", "View", "Layers", "Groups", "Copy"),
    *("Timeline", "Train", "Speed", "Compare", "Help"),
)
MENUS = tuple(menu for menu in _ORDER if any(command.menu == menu for command in TABLE))
"""Titles of the menus in their order."""


class Commands(QObject):
    """The table as actions.

    Parameters
    ----------
    handlers : mapping of str to callable
        What each command does, by its id; every command of the table has one.

    Raises
    ------
    KeyError
        If a command of the table has no handler.
    """

    def __init__(self, handlers: Mapping[str, Callable[[], None]], parent: QObject) -> None:
        super().__init__(parent)
        self._actions = {
            command.id: self._action(command, handlers[command.id]) for command in TABLE
        }
        self._situation: Situation | None = None
        self.update_enabled(Situation())

    def __getitem__(self, command: str) -> QAction:
        """Return the action of a command."""
        return self._actions[command]

    def of_menu(self, menu: str) -> list[QAction]:
        """Return the actions of a menu in the order of the table."""
        return [self._actions[command.id] for command in TABLE if command.menu == menu]

    def all(self) -> list[QAction]:
        """Return every action in the order of the table."""
        return list(self._actions.values())

    def why_not(self, command: str) -> str:
        """Return why a command is impossible now, "" where it is possible."""
        return self._actions[command].statusTip()

    def update_enabled(self, now: Situation) -> None:
        """Enable what is possible; the others say why not in their tooltip."""
        if now == self._situation:
            return
        self._situation = now
        for command in TABLE:
            action = self._actions[command.id]
            reason = command.why_not(now)
            action.setEnabled(not reason)
            action.setToolTip(reason or command.title)
            action.setStatusTip(reason)

    def _action(self, command: Command, handler: Callable[[], None]) -> QAction:
        action = QAction(command.title, self)
        action.setObjectName(command.id)
        action.setShortcuts([QKeySequence(text) for text in command.shortcuts])
        action.setCheckable(command.checkable)
        # The boolean of triggered differs between Qt versions: the handler never sees it.
        action.triggered.connect(lambda *_: handler())
        return action

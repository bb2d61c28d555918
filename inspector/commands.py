"""The one table of what the user can do.

Menus, shortcuts and tooltips are made from it; nothing that the user can do stands outside it.
A command is either possible or says why not.
"""

from collections.abc import Callable, Mapping

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

_NO_STEP = {
    "back": "This is where you began.",
    "forward": "You have not gone back.",
    "undo": "The view was not changed.",
    "redo": "Nothing was undone.",
}
MENUS = ("File", "Go", "View", "Layers", "Groups", "Copy", "Help")


class Situation(msgspec.Struct, frozen=True):
    """What decides whether a command is possible.

    Attributes
    ----------
    files : int
        Open checkpoints.
    tensor : bool
        A layer is chosen.
    rows : int
        Layers listed.
    working : bool
        Something long is running.
    problems : int
        Problems shown.
    broken : bool
        Some group breaks its pattern.
    back, forward, undo, redo : bool
        There is a step of that kind.
    """

    files: int = 0
    tensor: bool = False
    rows: int = 0
    working: bool = False
    problems: int = 0
    broken: bool = False
    back: bool = False
    forward: bool = False
    undo: bool = False
    redo: bool = False


WhyNot = Callable[[Situation], str]
"""Why a command is impossible now; "" where it is possible."""


def _always(_: Situation) -> str:
    return ""


def _needs_file(now: Situation) -> str:
    return "" if now.files else "Open a checkpoint first."


def _needs_two_files(now: Situation) -> str:
    return "" if now.files > 1 else "Only one checkpoint is open."


def _needs_rows(now: Situation) -> str:
    return "" if now.rows else "No layers are listed yet."


def _needs_tensor(now: Situation) -> str:
    return "" if now.tensor else "Choose a layer first."


def _needs_work(now: Situation) -> str:
    return "" if now.working else "Nothing is running."


def _needs_problem(now: Situation) -> str:
    return "" if now.problems else "There is no problem to copy."


def _needs_step(step: str) -> WhyNot:
    def why_not(now: Situation) -> str:
        return "" if getattr(now, step) else _NO_STEP[step]

    return why_not


def _needs_broken(now: Situation) -> str:
    return "" if now.broken else "No group breaks its pattern here."


class Command(msgspec.Struct, frozen=True):
    """One thing the user can do.

    Attributes
    ----------
    id : str
        Stable name, ``menu.verb``; macros and tests use it.
    title : str
        What menus say.
    menu : str
        One of ``MENUS``.
    shortcuts : tuple of str
        Key sequences in Qt's portable form, the first is shown.
    why_not : callable
        Says why it is impossible now.
    checkable : bool
        Whether it switches something on and off.
    """

    id: str
    title: str
    menu: str
    shortcuts: tuple[str, ...] = ()
    why_not: WhyNot = _always
    checkable: bool = False


TABLE: tuple[Command, ...] = (
    Command("file.open", "Open checkpoint…", "File", ("Ctrl+O",)),
    Command("file.open_folder", "Open folder…", "File", ("Ctrl+Shift+O",)),
    Command("file.open_remote", "Open on another machine…", "File", ("Ctrl+Alt+O",)),
    Command("file.demo", "Open the demo", "File"),
    Command("file.reload", "Reload", "File", ("F5",), _needs_file),
    Command("file.close", "Close", "File", ("Ctrl+W",), _needs_file),
    Command("file.next", "Next checkpoint", "File", ("Ctrl+Tab",), _needs_two_files),
    Command("file.previous", "Previous checkpoint", "File", ("Ctrl+Shift+Tab",), _needs_two_files),
    Command("file.settings", "Settings…", "File", ("Ctrl+,",)),
    Command("file.quit", "Quit", "File", ("Ctrl+Q",)),
    Command("go.back", "Back", "Go", ("Alt+Left",), _needs_step("back")),
    Command("go.forward", "Forward", "Go", ("Alt+Right",), _needs_step("forward")),
    Command("go.tensor", "Go to a tensor…", "Go", ("Ctrl+P",), _needs_rows),
    Command("go.command", "Find a command…", "Go", ("Ctrl+Shift+P",)),
    Command("go.undo", "Undo the change of view", "Go", ("Ctrl+Z",), _needs_step("undo")),
    Command("go.redo", "Redo the change of view", "Go", ("Ctrl+Shift+Z",), _needs_step("redo")),
    Command("view.density", "Density", "View", ("1",), _needs_tensor),
    Command("view.violation", "Worst violation", "View", ("2",), _needs_tensor),
    Command("view.mask", "Mask", "View", ("3",), _needs_tensor),
    Command("view.magnitude", "|w|", "View", ("4",), _needs_tensor),
    Command("view.value", "Value", "View", ("5",), _needs_tensor),
    Command("view.fit", "Fit the map", "View", ("F",), _needs_tensor),
    Command("view.edges", "Next measure along the edges", "View", ("E",), _needs_tensor),
    Command("view.log", "Log of the core", "View", ("Ctrl+L",), checkable=True),
    Command("view.system", "Theme of the system", "View", checkable=True),
    Command("view.dark", "Dark theme", "View", checkable=True),
    Command("view.light", "Light theme", "View", checkable=True),
    Command("view.larger", "Larger text", "View", ("Ctrl++", "Ctrl+=")),
    Command("view.smaller", "Smaller text", "View", ("Ctrl+-",)),
    Command("view.usual_size", "Usual size of text", "View", ("Ctrl+0",)),
    Command("layers.filter", "Filter layers", "Layers", ("Ctrl+F", "/"), _needs_rows),
    Command("layers.next", "Next layer", "Layers", ("Alt+Down",), _needs_rows),
    Command("layers.previous", "Previous layer", "Layers", ("Alt+Up",), _needs_rows),
    Command("layers.map", "Go to the map", "Layers", ("Ctrl+M",), _needs_tensor),
    Command("layers.weight", "Go to a weight…", "Layers", ("Ctrl+G",), _needs_rows),
    Command("layers.kind", "Correct kind and axis…", "Layers", ("Ctrl+K",), _needs_tensor),
    Command("layers.cancel", "Cancel what runs", "Layers", ("Ctrl+.",), _needs_work),
    Command("groups.next", "Next broken group", "Groups", ("F8",), _needs_broken),
    Command("groups.previous", "Previous broken group", "Groups", ("Shift+F8",), _needs_broken),
    Command("groups.next_here", "Next in this layer", "Groups", (".",), _needs_broken),
    Command("groups.previous_here", "Previous in this layer", "Groups", (",",), _needs_broken),
    Command("groups.broken", "List broken groups", "Groups", (), _needs_broken),
    Command("groups.unsteady", "List groups that 1 % noise flips", "Groups", (), _needs_tensor),
    Command("groups.repair", "Save repaired copy as…", "Groups", ("Ctrl+Shift+S",), _needs_broken),
    Command("copy.value", "Copy value", "Copy", (), _needs_tensor),
    Command("copy.row", "Copy row of the table", "Copy", (), _needs_tensor),
    Command("copy.path", "Copy path", "Copy", (), _needs_file),
    Command("copy.command", "Copy command line", "Copy", (), _needs_file),
    Command("copy.python", "Copy Python", "Copy", (), _needs_tensor),
    Command("copy.table", "Save table as CSV…", "Copy", (), _needs_rows),
    Command("copy.map", "Save map as PNG…", "Copy", (), _needs_tensor),
    Command("help.words", "Words on screen", "Help", ("F1",)),
    Command("help.shortcuts", "Keyboard shortcuts", "Help", ("?",)),
    Command("help.copy_problem", "Copy the problem", "Help", ("Ctrl+Shift+C",), _needs_problem),
    Command("help.about", "About Sparsescope", "Help"),
)


PAGE_COMMANDS: tuple[str, ...] = (
    "view.edges",
    "layers.weight",
    "layers.kind",
    "groups.next",
    "groups.previous",
    "groups.next_here",
    "groups.previous_here",
    "groups.broken",
    "groups.unsteady",
    "groups.repair",
    "copy.value",
    "copy.row",
    "copy.path",
    "copy.command",
    "copy.python",
    "copy.table",
    "copy.map",
    "help.words",
)
"""What the page in front does, by ``act``."""


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

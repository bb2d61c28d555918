"""Every shortcut on one sheet, by menu."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from inspector.commands import MENUS, Command
from inspector.theme import monospaced

_COLUMNS = 3


class ShortcutSheet(QDialog):
    """Shows the command table; stands beside the work and goes with Escape.

    Parameters
    ----------
    table : sequence of Command
    """

    def __init__(self, table: Sequence[Command], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.shown: list[str] = []
        columns = [QVBoxLayout() for _ in range(_COLUMNS)]
        across = QHBoxLayout(self)
        across.setContentsMargins(20, 16, 20, 16)
        across.setSpacing(32)
        for column in columns:
            column.setSpacing(12)
            across.addLayout(column)
        heights = [0] * _COLUMNS
        for menu in MENUS:
            commands = [one for one in table if one.menu == menu and one.shortcuts]
            if commands:
                place = heights.index(min(heights))
                heights[place] += len(commands) + 2
                columns[place].addLayout(self._menu(menu, commands))
        for column in columns:
            column.addStretch(1)

    def _menu(self, menu: str, commands: Sequence[Command]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        title = QLabel(menu)
        font = QFont(title.font())
        font.setBold(True)
        title.setFont(font)
        grid.addWidget(title, 0, 0, 1, 2)
        for row, command in enumerate(commands, start=1):
            keys = "  ".join(_native(text) for text in command.shortcuts)
            said = QLabel(keys)
            said.setFont(monospaced())
            said.setProperty("tone", "dim")
            grid.addWidget(QLabel(command.title.replace("&", "&&")), row, 0)
            grid.addWidget(said, row, 1, Qt.AlignmentFlag.AlignRight)
            self.shown.append(command.id)
        grid.setColumnStretch(0, 1)
        return grid


def _native(text: str) -> str:
    """Write keys as this system's menus do."""
    return QKeySequence(text).toString(QKeySequence.SequenceFormat.NativeText)

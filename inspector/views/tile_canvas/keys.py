"""What the keys do on the canvas.

Arrows pan an eighth of the view, Page and Home/End keys a whole one or to the ends. With Shift the
arrows move the keyboard cursor by a cell, and the exact value follows it.
"""

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

_PART = 1 / 8
_FAR = 1e9


class Move(msgspec.Struct, frozen=True):
    """A key's meaning: a named action, or a move in parts of the view (of the cursor, in cells)."""

    action: str = ""
    down: float = 0.0
    right: float = 0.0
    cursor: bool = False


_ARROWS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}
_MOVES = {
    Qt.Key.Key_PageUp: Move(down=-1),
    Qt.Key.Key_PageDown: Move(down=1),
    Qt.Key.Key_Home: Move(down=-_FAR, right=-_FAR),
    Qt.Key.Key_End: Move(down=_FAR, right=_FAR),
    Qt.Key.Key_F: Move("fit"),
    Qt.Key.Key_0: Move("fit"),
    Qt.Key.Key_Plus: Move("in"),
    Qt.Key.Key_Equal: Move("in"),
    Qt.Key.Key_Minus: Move("out"),
    Qt.Key.Key_Return: Move("choose"),
    Qt.Key.Key_Enter: Move("choose"),
    Qt.Key.Key_Space: Move("choose"),
    Qt.Key.Key_Escape: Move("clear"),
}
_OTHERS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


def move_for(event: QKeyEvent) -> Move | None:
    """Return what a key press means, None where it is not for the canvas."""
    if event.modifiers() & _OTHERS:
        return None
    key = Qt.Key(event.key())
    if key not in _ARROWS:
        return _MOVES.get(key)
    down, right = _ARROWS[key]
    if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
        return Move(down=down, right=right, cursor=True)
    return Move(down=down * _PART, right=right * _PART)

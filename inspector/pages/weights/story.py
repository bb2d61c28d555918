"""The demo leads by one hint at a time, in the status line, never in the way."""

from PySide6.QtCore import QObject, Signal

import resources

STEPS = (
    ("arrived", "F8: first broken group."),
    ("density", "Density hides it: press 1."),
    ("violation", "Worst violation shows it at every zoom: press 2."),
    ("repaired", "Ctrl+Shift+S saves a repaired copy."),
)
"""What the user does, and the hint that leads to it."""
END = "Repaired. F1 explains the words on screen."


class Story(QObject):
    """The hint of now; empty for any file but the demo.

    Parameters
    ----------
    path : str
        What is looked at.
    """

    changed = Signal(str)

    def __init__(self, path: str, parent: QObject) -> None:
        super().__init__(parent)
        self._told = path == str(resources.demo())
        self._wanted = True
        self._place = 0

    @property
    def hint(self) -> str:
        """What to try next, "" where nothing is told."""
        if not (self._told and self._wanted):
            return ""
        return STEPS[self._place][1] if self._place < len(STEPS) else END

    def want(self, wanted: bool) -> None:
        """Tell, or be silent from now on."""
        before = self.hint
        self._wanted = wanted
        if self.hint != before:
            self.changed.emit(self.hint)

    def did(self, what: str) -> None:
        """Note what the user did; steps are told in their order."""
        if self._place < len(STEPS) and STEPS[self._place][0] == what:
            self._place += 1
            self.changed.emit(self.hint)

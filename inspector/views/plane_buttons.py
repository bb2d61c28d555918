"""The row of buttons that chooses what the heat map shows."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

_LEAST = 72
_PADDING = 32


class PlaneButtons(QWidget):
    """One button a plane; exactly one is down.

    Parameters
    ----------
    planes : mapping of str to (str, str)
        Plane -> its word and the sentence that says what it shows.
    """

    plane_wanted = Signal(str)

    def __init__(
        self, planes: Mapping[str, tuple[str, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Plane")
        self._buttons: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for number, (plane, (title, meaning)) in enumerate(planes.items(), start=1):
            button = QPushButton(title)
            button.setCheckable(True)
            button.setMinimumWidth(self._width_of(button))
            button.setAccessibleName(f"Show {meaning.lower()}")
            button.setToolTip(f"{meaning} ({number})")
            button.clicked.connect(lambda *_, plane=plane: self.plane_wanted.emit(plane))
            group.addButton(button)
            layout.addWidget(button)
            self._buttons[plane] = button

    def _width_of(self, button: QPushButton) -> int:
        """Return room for the word in bold: the pressed button must not jump or cut it."""
        font = QFont(button.font())
        font.setBold(True)
        return max(_LEAST, QFontMetrics(font).horizontalAdvance(button.text()) + _PADDING)

    def button(self, plane: str) -> QPushButton:
        """Return the button of a plane."""
        return self._buttons[plane]

    def set_plane(self, plane: str) -> None:
        """Press a plane's button."""
        self._buttons[plane].setChecked(True)

"""What can be done next: a title to click, and below it the reason."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget


class ActionList(QWidget):
    """Rows are made once and reused, so that nothing jumps."""

    chosen = Signal(int)
    """Number of a row."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._rows: list[tuple[QPushButton, QLabel]] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addStretch(1)

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """The titles that are shown."""
        return tuple(button for button, _ in self._rows if not button.isHidden())

    def show_actions(self, actions: Sequence[tuple[str, str]]) -> None:
        """Show titles and reasons."""
        while len(self._rows) < len(actions):
            self._add(len(self._rows))
        for place, (button, reason) in enumerate(self._rows):
            shown = place < len(actions)
            button.setVisible(shown)
            reason.setVisible(shown and bool(actions[place][1]))
            if shown:
                title, why = actions[place]
                button.setText(f"{title}  →".replace("&", "&&"))
                button.setAccessibleName(title)
                button.setAccessibleDescription(why)
                reason.setText(why)

    def _add(self, place: int) -> None:
        button, reason = QPushButton(), QLabel()
        button.setProperty("link", True)
        button.clicked.connect(lambda *_: self.chosen.emit(place))
        reason.setProperty("tone", "dim")
        reason.setWordWrap(True)
        reason.setContentsMargins(7, 0, 0, 4)
        self._rows.append((button, reason))
        self._column.insertWidget(2 * place, button)
        self._column.insertWidget(2 * place + 1, reason)

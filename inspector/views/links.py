"""A row or a column of links, made once and reused, so that nothing jumps or flashes."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QPushButton, QWidget


class Links(QWidget):
    """Texts to click.

    Parameters
    ----------
    name : str
        What a screen reader says of all of them.
    direction : QBoxLayout.Direction
    quiet : bool
        Whether they look like links, or like buttons.
    """

    chosen = Signal(int)
    """Number of a link."""

    def __init__(
        self,
        name: str,
        direction: QBoxLayout.Direction = QBoxLayout.Direction.TopToBottom,
        *,
        quiet: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._quiet = quiet
        self._buttons: list[QPushButton] = []
        self._layout = QBoxLayout(direction, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0 if quiet else 8)
        self._layout.addStretch(1)

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """The links that are shown."""
        return tuple(button for button in self._buttons if not button.isHidden())

    def set_links(self, links: Sequence[tuple[str, str]]) -> None:
        """Show links by their text and what they do (tooltip and spoken name)."""
        while len(self._buttons) < len(links):
            self._add(len(self._buttons))
        for place, button in enumerate(self._buttons):
            button.setVisible(place < len(links))
            if place < len(links):
                text, meaning = links[place]
                button.setText(text.replace("&", "&&"))
                button.setToolTip(meaning)
                button.setAccessibleName(meaning)

    def _add(self, place: int) -> None:
        button = QPushButton()
        if self._quiet:
            button.setProperty("link", True)
        button.clicked.connect(lambda *_: self.chosen.emit(place))
        self._buttons.append(button)
        self._layout.insertWidget(place, button, 0, Qt.AlignmentFlag.AlignLeft)

"""Names on the left, figures in the monospaced face on the right."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from inspector.theme import monospaced


class Figures(QWidget):
    """A short table; rows are made once and reused, so that nothing jumps."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._rows: list[tuple[QLabel, QLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """What is shown."""
        return tuple(
            (name.text(), figure.text()) for name, figure in self._rows if not name.isHidden()
        )

    def set_rows(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Show rows of name, figure and meaning (the tooltip)."""
        while len(self._rows) < len(rows):
            self._rows.append(self._new_row(len(self._rows)))
        for place, (name, figure) in enumerate(self._rows):
            shown = place < len(rows)
            name.setVisible(shown)
            figure.setVisible(shown)
            if shown:
                name.setText(rows[place][0])
                figure.setText(rows[place][1])
                name.setToolTip(rows[place][2])
                figure.setToolTip(rows[place][2])

    def _new_row(self, place: int) -> tuple[QLabel, QLabel]:
        name, figure = QLabel(), QLabel()
        name.setProperty("tone", "dim")
        figure.setFont(monospaced())
        figure.setTextFormat(Qt.TextFormat.PlainText)
        figure.setWordWrap(False)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        figure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.addWidget(name, place, 0)
        self._grid.addWidget(figure, place, 1)
        return name, figure

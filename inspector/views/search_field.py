"""The field in the middle of the top line that opens the search."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from inspector.theme import Theme

WIDTH = 430
_NARROW = 90
_TEXT = "Search tensors, commands…   Ctrl+P   Ctrl+Shift+P"


class SearchField(QToolButton):
    """Looks like a field and acts like a button: the search has a field of its own."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(_TEXT)
        self.setAccessibleName("Search tensors and commands")
        self.setToolTip("Search tensors (Ctrl+P) or commands (Ctrl+Shift+P)")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self.setStyleSheet(
            f"""
            QToolButton {{ background: {theme.chip}; color: {theme.dim};
                border: 1px solid {theme.line}; border-radius: 11px; padding: 3px 14px;
                text-align: left; }}
            QToolButton:hover, QToolButton:focus {{ color: {theme.text};
                border-color: {theme.accent}; }}
            """
        )

    def sizeHint(self) -> QSize:
        """Ask for the width of the sketch."""
        return QSize(WIDTH, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Give way on a narrow window."""
        return QSize(_NARROW, super().minimumSizeHint().height())

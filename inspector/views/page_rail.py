"""The rail on the left: one entry a page, only pages that exist."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QVBoxLayout, QWidget

from inspector.theme import Theme

WIDTH = 72
_ICON = 24.0
_CORNER = 6.0
Icon = Callable[[str], bytes]
"""Gives an icon as SVG in a colour."""


class RailButton(QAbstractButton):
    """An icon over its word."""

    def __init__(self, title: str, icon: Icon, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon = icon
        self.setText(title)
        self.setAccessibleName(f"{title} page")
        self.setToolTip(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a square with room for the word."""
        return QSize(WIDTH - 16, 62)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ground, icon and word."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor(theme.accent) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.chip if self.isChecked() else theme.panel))
        painter.drawRoundedRect(ground, _CORNER, _CORNER)
        on = theme.accent if self.isChecked() else theme.dim
        icon = QRectF(ground.center().x() - _ICON / 2, 9, _ICON, _ICON)
        QSvgRenderer(self._icon(on)).render(painter, icon)
        font = QFont(self.font())
        font.setPointSizeF(8.0)
        font.setBold(self.isChecked())
        painter.setFont(font)
        painter.setPen(QColor(theme.text if self.isChecked() else theme.dim))
        painter.drawText(ground.adjusted(0, 36, 0, 0), Qt.AlignmentFlag.AlignHCenter, self.text())
        painter.end()


class PageRail(QWidget):
    """The pages, in their order.

    Parameters
    ----------
    pages : mapping of str to (str, Icon)
        Name of a page -> its word on the rail and its icon.
    """

    page_wanted = Signal(str)

    def __init__(
        self, pages: Mapping[str, tuple[str, Icon]], theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName("Pages")
        self.setFixedWidth(WIDTH)
        self._buttons: dict[str, RailButton] = {}
        group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 12, 8, 12)
        layout.setSpacing(8)
        for name, (title, icon) in pages.items():
            button = RailButton(title, icon, theme)
            button.clicked.connect(lambda *_, name=name: self.page_wanted.emit(name))
            group.addButton(button)
            layout.addWidget(button)
            self._buttons[name] = button
        layout.addStretch(1)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        for button in self._buttons.values():
            button.set_theme(theme)
        self.update()

    def set_page(self, name: str) -> None:
        """Mark the page in front."""
        self._buttons[name].setChecked(True)

    def add_below(self, widget: QWidget) -> None:
        """Put a widget at the foot of the rail."""
        layout = self.layout()
        assert layout is not None
        layout.addWidget(widget)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground and the hairline on the right."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.panel))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), QColor(self._theme.line))
        painter.end()

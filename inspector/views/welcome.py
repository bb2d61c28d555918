"""The first screen: what this is for and what to do now."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from inspector.theme import Theme

_SHOWN = 8
_WIDE = 620


class Welcome(QWidget):
    """Says what to do; has the buttons to do it, and the files of last time."""

    open_wanted = Signal()
    folder_wanted = Signal()
    demo_wanted = Signal()
    recent_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._hover = False
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self._text("Is it truly sparse?", 20, bold=True))
        column.addWidget(
            self._text(
                "Open a checkpoint to see which layers are sparse, in which pattern, "
                "and where the pattern breaks.",
                10.5,
            )
        )
        column.addSpacing(20)
        column.addWidget(self._text("Drop a file or folder here, or", 9, dim=True))
        column.addLayout(self._buttons())
        column.addSpacing(6)
        column.addWidget(
            self._text(
                "safetensors (one file or sharded), PyTorch .pt .pth .bin, DCP folders, npz.\n"
                "Nothing in a file is ever executed, and nothing is written to it.",
                9,
                dim=True,
            )
        )
        column.addSpacing(24)
        self._recent_title = self._text("Recent", 10, bold=True)
        column.addWidget(self._recent_title)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        column.addLayout(self._recent)
        holder = QWidget()
        holder.setLayout(column)
        holder.setMaximumWidth(_WIDE)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(holder, 4)
        across.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addLayout(across)
        layout.addStretch(3)
        self.set_recent(())

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def set_hover(self, hover: bool) -> None:
        """Show that what is dragged can be dropped."""
        self._hover = hover
        self.update()

    def set_recent(self, paths: Sequence[str]) -> None:
        """List the files of last time, the latest first."""
        while self._recent.count():
            item = self._recent.takeAt(0)
            widget = item.widget() if item else None
            if widget is not None:
                widget.deleteLater()
        for path in paths[:_SHOWN]:
            self._recent.addWidget(self._recent_button(path))
        self._recent_title.setVisible(bool(paths))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the place to drop on."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(self._theme.accent if self._hover else self._theme.line))
        pen.setWidthF(2 if self._hover else 1)
        pen.setDashPattern([6, 5])
        painter.setPen(pen)
        painter.setBrush(QColor(self._theme.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 10, 10)
        painter.end()

    def _text(self, text: str, points: float, *, bold: bool = False, dim: bool = False) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        font = QFont(label.font())
        font.setPointSizeF(points)
        font.setBold(bold)
        label.setFont(font)
        if dim:
            label.setProperty("tone", "dim")
        return label

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.open = self._button("Open checkpoint…", self.open_wanted.emit)
        self.open.setProperty("primary", True)
        row.addWidget(self.open)
        row.addWidget(self._button("Open folder…", self.folder_wanted.emit))
        row.addWidget(self._button("Open the demo", self.demo_wanted.emit))
        row.addStretch(1)
        return row

    def _button(self, text: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text.rstrip("…"))
        button.clicked.connect(lambda *_: act())
        return button

    def _recent_button(self, path: str) -> QPushButton:
        folder, _, name = path.rstrip("/").rpartition("/")
        metrics = self.fontMetrics()
        folder = metrics.elidedText(folder, Qt.TextElideMode.ElideMiddle, _WIDE // 2)
        button = QPushButton(f"{name}   {folder}".replace("&", "&&"))
        button.setProperty("link", True)
        button.setAccessibleName(f"Open {path}")
        button.setToolTip(path)
        button.clicked.connect(lambda *_: self.recent_wanted.emit(path))
        return button

"""Open checkpoints as tabs."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QTabBar, QToolButton, QWidget

from inspector.theme import Theme

_NARROW = 120


class _Bar(QTabBar):
    """A tab bar that knows the middle button."""

    middle_clicked = Signal(int)

    def minimumSizeHint(self) -> QSize:
        """Ask for no room beyond the tabs: the button that opens stands right beside."""
        return QSize(min(_NARROW, self.sizeHint().width()), super().minimumSizeHint().height())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell of the tab under the middle button."""
        if event.button() == Qt.MouseButton.MiddleButton:
            place = self.tabAt(event.position().toPoint())
            if place >= 0:
                self.middle_clicked.emit(place)
                return
        super().mouseReleaseEvent(event)


class FileTabs(QWidget):
    """One tab a file, and a button that opens another."""

    file_chosen = Signal(int)
    file_closed = Signal(int)
    open_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers: list[int] = []
        self.bar = _Bar()
        self.bar.setAccessibleName("Open checkpoints")
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.bar.setUsesScrollButtons(True)
        self.bar.currentChanged.connect(self._on_current_changed)
        self.bar.middle_clicked.connect(self._close_at)
        self.bar.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.add = QToolButton()
        self.add.setText("+")
        self.add.setProperty("link", True)
        self.add.setAccessibleName("Open a checkpoint")
        self.add.setToolTip("Open a checkpoint (Ctrl+O)")
        self.add.clicked.connect(lambda *_: self.open_wanted.emit())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.bar)
        layout.addWidget(self.add)
        layout.addStretch(1)
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self.bar.setStyleSheet(
            f"""
            QTabBar::tab {{ background: transparent; color: {theme.dim}; border: 0;
                border-radius: 6px; padding: 5px 8px 5px 10px; margin-right: 2px; }}
            QTabBar::tab:selected {{ color: {theme.text}; background: {theme.chip};
                font-weight: bold; }}
            QTabBar::tab:hover {{ color: {theme.text}; }}
            """
        )

    def set_files(self, files: Sequence[tuple[int, str, str]], current: int) -> None:
        """Show files as (number, title, path), one of them in front."""
        with QSignalBlocker(self.bar):
            while self.bar.count():
                self.bar.removeTab(0)
            self._numbers = [number for number, _, _ in files]
            for number, title, path in files:
                place = self.bar.addTab(title.replace("&", "&&"))
                self.bar.setTabToolTip(place, path)
                close = self._close_button(number, title)
                self.bar.setTabButton(place, QTabBar.ButtonPosition.RightSide, close)
                if number == current:
                    self.bar.setCurrentIndex(place)
        self.setVisible(bool(files))

    @Slot(int)
    def _on_current_changed(self, place: int) -> None:
        if place >= 0:
            self.file_chosen.emit(self._numbers[place])

    def _close_at(self, place: int) -> None:
        self.file_closed.emit(self._numbers[place])

    def _close_button(self, number: int, title: str) -> QToolButton:
        """Return a small cross; the keyboard has Ctrl+W."""
        button = QToolButton()
        button.setText("×")
        button.setProperty("link", True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setAccessibleName(f"Close {title}")
        button.setToolTip("Close (Ctrl+W)")
        button.clicked.connect(lambda *_: self.file_closed.emit(number))
        return button

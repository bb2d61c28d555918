"""The quiet line at the bottom: what is going on, how far it is, and how to stop it."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from inspector.models import words
from inspector.theme import Theme
from inspector.views.panel import Elided
from sparse_core.messages import Progress


class ThinBar(QWidget):
    """A bar four pixels high."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share = 0.0
        self.setAccessibleName("Progress")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def share(self) -> float:
        """How much is filled, in [0, 1]."""
        return self._share

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def set_share(self, share: float) -> None:
        """Fill a share in [0, 1]."""
        self._share = min(max(share, 0.0), 1.0)
        self.setAccessibleDescription(f"{100 * self._share:.0f} %")
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a short, thin strip."""
        return QSize(180, 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the strip."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        painter.setBrush(QColor(self._theme.line))
        painter.drawRoundedRect(whole, 2, 2)
        painter.setBrush(QColor(self._theme.accent))
        whole.setWidth(whole.width() * self._share)
        painter.drawRoundedRect(whole, 2, 2)
        painter.end()


class StatusLine(QWidget):
    """Text on the left; while something runs, its bar, its time left and Cancel on the right."""

    cancel_wanted = Signal()
    hints_refused = Signal()
    """No hint is ever wanted again."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = Elided()
        self.text.setProperty("tone", "dim")
        self.bar = ThinBar(theme)
        self.left = QLabel()
        self.left.setProperty("tone", "dim")
        self.cancel = QPushButton("Cancel")
        self.cancel.setProperty("link", True)
        self.cancel.setAccessibleName("Cancel what runs")
        self.cancel.clicked.connect(lambda *_: self.cancel_wanted.emit())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(12)
        layout.addWidget(self.text, 1)
        for widget in (self.bar, self.left, self.cancel):
            layout.addWidget(widget)
        self.hint = QLabel()
        self.hint.setProperty("tone", "accent")
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.hint.setAccessibleName("What to try next")
        self.skip = QPushButton("Skip the tour")
        self.skip.setProperty("link", True)
        self.skip.setAccessibleName("Skip the tour for ever")
        self.skip.clicked.connect(lambda *_: self.hints_refused.emit())
        layout.addWidget(self.hint)
        layout.addWidget(self.skip)
        self.set_hint("")
        self.setFixedHeight(28)
        self.set_progress(None)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self.bar.set_theme(theme)

    def set_text(self, text: str) -> None:
        """Say what is going on."""
        self.text.set_whole(text)

    def set_hint(self, text: str) -> None:
        """Say what to try next; "" hides it."""
        self.hint.setText(text)
        self.hint.setVisible(bool(text))
        self.skip.setVisible(bool(text))

    def set_progress(self, progress: Progress | None) -> None:
        """Show how far a long call is; None hides bar, time and Cancel."""
        for widget in (self.bar, self.left, self.cancel):
            widget.setVisible(progress is not None)
        if progress is None:
            return
        self.bar.set_share(progress.done / progress.total if progress.total else 0.0)
        self.left.setText(progress_text(progress))


def progress_text(progress: Progress) -> str:
    """Write ``143 of 224 tensors · 12 s left``."""
    if progress.unit == "bytes":
        far = f"{words.size(progress.done)} of {words.size(progress.total)}"
    else:
        far = f"{progress.done:,} of {progress.total:,} {progress.unit}"
    if progress.seconds_left is None:
        return far
    return f"{far} · {words.seconds(progress.seconds_left)} left"

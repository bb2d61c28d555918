"""A group under the loupe: its weights as bars, ranked, and what a correct mask would drop."""

from math import isfinite

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from inspector.models import group_words, words
from inspector.theme import Theme, hatched, monospaced
from sparse_core.messages import Loupe

HINT = "Point at a weight, or press F8, to see its group."
_POINTS = 8.0
_SMALL_POINTS = 7.0
_WIDEST = 44.0
_LEAST = 2.0


class GroupLoupe(QWidget):
    """The bars, the sentence, and a dim line.

    Parameters
    ----------
    theme : Theme
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars = GroupBars(theme)
        self.sentence = QLabel()
        self.remark = QLabel()
        self.remark.setProperty("tone", "dim")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.bars, 1)
        for line in (self.sentence, self.remark):
            line.setWordWrap(True)
            line.setTextFormat(Qt.TextFormat.PlainText)
            line.setAlignment(Qt.AlignmentFlag.AlignTop)
            layout.addWidget(line)
        self.set_loupe(None)

    @property
    def loupe(self) -> Loupe | None:
        """The group shown."""
        return self.bars.loupe

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self.bars.set_theme(theme)

    def set_loupe(self, loupe: Loupe | None, why: str = HINT) -> None:
        """Show a group; None says why there is none."""
        self.bars.set_loupe(loupe)
        self.bars.setVisible(loupe is not None)
        self.sentence.setText(loupe.sentence if loupe else "")
        self.sentence.setVisible(loupe is not None)
        self.remark.setText(group_words.remark_of(loupe) if loupe else why)
        self.setAccessibleDescription(group_words.spoken(loupe) if loupe else why)


class GroupBars(QWidget):
    """One bar a weight, as high as it is large; what should go is hatched."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._loupe: Loupe | None = None
        self.setAccessibleName("Weights of the group")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(84)

    @property
    def loupe(self) -> Loupe | None:
        """The group shown."""
        return self._loupe

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self.update()

    def set_loupe(self, loupe: Loupe | None) -> None:
        """Show a group."""
        self._loupe = loupe
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a shape like the panel's."""
        return QSize(270, 130)

    def event(self, event: QEvent) -> bool:
        """Tell all of a weight where the mouse rests."""
        if isinstance(event, QHelpEvent) and self._loupe is not None:
            at = int(event.pos().x() * len(self._loupe.values) / max(self.width(), 1))
            at = min(max(at, 0), len(self._loupe.values) - 1)
            QToolTip.showText(event.globalPos(), group_words.weight_tip(self._loupe, at), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars, values and ranks."""
        if self._loupe is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        value_font, rank_font = monospaced(_POINTS), monospaced(_SMALL_POINTS)
        values = [words.number(value) for value in self._loupe.values]
        ranks = self._rank_texts(self._loupe)
        step = self.width() / len(values)
        value_line = QFontMetrics(value_font).height() + 2.0
        rank_line = QFontMetrics(rank_font).height() + 2.0
        widest = max(QFontMetrics(value_font).horizontalAdvance(text) for text in values)
        written = widest + 4 <= step
        foot = self.height() - rank_line - (value_line if written else 0.0)
        self._draw_bars(painter, self._loupe, step, foot - 3)
        centre = Qt.AlignmentFlag.AlignCenter
        for at, (value, rank) in enumerate(zip(values, ranks, strict=True)):
            if written:
                painter.setFont(value_font)
                painter.setPen(QColor(self._theme.text))
                painter.drawText(QRectF(at * step, foot, step, value_line), centre, value)
            painter.setFont(rank_font)
            painter.setPen(QColor(self._theme.dim))
            line = QRectF(at * step, self.height() - rank_line, step, rank_line)
            painter.drawText(line, centre, rank)
        painter.end()

    def _rank_texts(self, loupe: Loupe) -> list[str]:
        """Write ranks, with the word where there is room; = stands for a tie."""
        small = QFontMetrics(monospaced(_SMALL_POINTS))
        word = (
            "rank " if small.horizontalAdvance("rank 10=") * len(loupe.ranks) < self.width() else ""
        )
        return [
            f"{word}{rank}{'=' if tied else ''}"
            for rank, tied in zip(loupe.ranks, loupe.tied, strict=True)
        ]

    def _draw_bars(self, painter: QPainter, loupe: Loupe, step: float, foot: float) -> None:
        sizes = [abs(value) if isfinite(value) else None for value in loupe.values]
        largest = max((size for size in sizes if size is not None), default=0.0) or 1.0
        wide = min(max(step - 6, 3.0), _WIDEST)
        for at, size in enumerate(sizes):
            share = 1.0 if size is None else size / largest
            tall = max(share * (foot - 4), _LEAST)
            box = QRectF((at + 0.5) * step - wide / 2, foot - tall, wide, tall)
            if not loupe.kept[at]:
                box.setTop(foot - _LEAST)
                painter.fillRect(box, QColor(self._theme.line))
            elif loupe.correct[at]:
                painter.fillRect(box, QColor(self._theme.accent))
            else:
                box.setTop(min(box.top(), foot - 6))
                hatched(painter, box, QColor(self._theme.bad))

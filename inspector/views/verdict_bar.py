"""The answer on top of a page: one sentence, the evidence with links, the conditions."""

import html
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from inspector.theme import Theme
from inspector.theme import points as scaled
from sparse_core.messages import Phrase, Verdict

HEADLINE_POINTS = 12.5
_STRIPE = 5.0
_CORNER = 6.0


class VerdictBar(QFrame):
    """Shows a verdict; the stripe on the left has its mood, and says nothing that words do not.

    Parameters
    ----------
    theme : Theme
    """

    link_followed = Signal(str)
    """The tensor that a phrase of the evidence links to."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._verdict: Verdict | None = None
        self._waiting = ""
        self._notes: tuple[str, ...] = ()
        self._remark = ""
        self.setProperty("panel", True)
        self.setAccessibleName("Verdict")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.headline = self._line(HEADLINE_POINTS, bold=True)
        self.detail = self._line(0)
        self.detail.setTextFormat(Qt.TextFormat.RichText)
        self.detail.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.detail.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.detail.setAccessibleName("Evidence")
        self.detail.linkActivated.connect(self._on_link_activated)
        self.conditions = self._line(0)
        self.conditions.setProperty("tone", "dim")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 9, 18, 9)
        layout.setSpacing(4)
        for line in (self.headline, self.detail, self.conditions):
            layout.addWidget(line)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self._show()

    def set_notes(self, notes: tuple[str, ...]) -> None:
        """Say what is special about the file, below the verdict."""
        self._notes = notes
        self._show()

    def set_remark(self, text: str) -> None:
        """Say in the dim line what could be done about it."""
        self._remark = text
        self._show()

    def set_waiting(self, text: str) -> None:
        """Say what is going on while there is no verdict."""
        self._verdict, self._waiting = None, text
        self._show()

    def set_verdict(self, verdict: Verdict) -> None:
        """Show a verdict."""
        self._verdict = verdict
        self._show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the panel and its stripe."""
        super().paintEvent(event)
        mood = self._verdict.mood if self._verdict else "none"
        colours = {"ok": self._theme.ok, "look": self._theme.look, "bad": self._theme.bad}
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.get(mood, self._theme.line)))
        painter.setClipRect(QRectF(0, 0, _STRIPE, self.height()))
        painter.drawRoundedRect(
            QRectF(0, 0, 2 * _CORNER + _STRIPE, self.height()), _CORNER, _CORNER
        )
        painter.end()

    def _line(self, points: float, *, bold: bool = False) -> QLabel:
        line = QLabel()
        line.setWordWrap(True)
        line.setTextFormat(Qt.TextFormat.PlainText)
        font = QFont(line.font())
        if points:
            font.setPointSizeF(scaled(points))
        font.setBold(bold)
        line.setFont(font)
        return line

    def _show(self) -> None:
        verdict = self._verdict
        self.headline.setText(verdict.headline if verdict else self._waiting)
        self.detail.setText(self._rich(verdict.detail) if verdict else "")
        self.conditions.setText(self._dim(verdict) if verdict else "")
        self.detail.setVisible(bool(verdict and verdict.detail))
        self.conditions.setVisible(bool(self.conditions.text()))
        self.setAccessibleDescription(verdict.text if verdict else self._waiting)
        self.update()

    def _dim(self, verdict: Verdict) -> str:
        partial = "So far; layers are still being read." if verdict.partial else ""
        parts = (self._remark, verdict.conditions, partial, *self._notes)
        return " · ".join(part.rstrip(".") for part in parts if part)

    def _rich(self, phrases: Sequence[Phrase]) -> str:
        link = f'style="color:{self._theme.accent}; text-decoration:none"'
        return "".join(
            f'<a {link} href="{place}">{html.escape(phrase.text)}</a>'
            if phrase.tensor
            else html.escape(phrase.text)
            for place, phrase in enumerate(phrases)
        )

    @Slot(str)
    def _on_link_activated(self, place: str) -> None:
        if self._verdict:
            self.link_followed.emit(self._verdict.detail[int(place)].tensor)

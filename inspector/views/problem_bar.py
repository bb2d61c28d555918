"""Problems, told where the user is working and never in a dialog."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from inspector.models.problem import Problem
from inspector.theme import Theme

_STRIPE = 5.0
_CORNER = 6.0


class ProblemBar(QFrame):
    """Shows the latest problem and how many wait behind it; hidden while there are none."""

    action_wanted = Signal(str, str)
    """Id of the command that helps, and what the problem is about."""
    count_changed = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._problems: list[Problem] = []
        self.setProperty("panel", True)
        self.setAccessibleName("Problems")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.glyph = QLabel()
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.waiting = QLabel()
        self.waiting.setProperty("tone", "dim")
        self.action = self._button("", "Do what helps")
        self.copy = self._button("Copy details", "Copy details of the problem")
        self.dismiss = self._button("Dismiss", "Dismiss the problem")
        self.action.clicked.connect(lambda *_: self._act())
        self.copy.clicked.connect(lambda *_: self.copy_details())
        self.dismiss.clicked.connect(lambda *_: self.dismiss_latest())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(18, 7, 10, 7)
        layout.setSpacing(10)
        layout.addWidget(self.glyph)
        layout.addWidget(self.sentence, 1)
        for widget in (self.waiting, self.action, self.copy, self.dismiss):
            layout.addWidget(widget)
        self.hide()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that wait, the latest last."""
        return tuple(self._problems)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        self._show()

    def add(self, problem: Problem) -> None:
        """Tell a problem; an earlier one of the same kind about the same thing gives way."""
        same = (problem.where, problem.severity)
        if problem.where:
            self._problems = [old for old in self._problems if (old.where, old.severity) != same]
        self._problems.append(problem)
        self._show()

    def clear_about(self, where: str) -> None:
        """Forget what was told about a thing or its layers: it was closed or is read anew."""
        self._problems = [
            old
            for old in self._problems
            if old.where != where and not old.where.startswith(f"{where}: ")
        ]
        self._show()

    def dismiss_latest(self) -> None:
        """Forget the problem shown."""
        if self._problems:
            self._problems.pop()
        self._show()

    def copy_details(self) -> None:
        """Put the problem shown on the clipboard, details and all."""
        if self._problems:
            QGuiApplication.clipboard().setText(self._problems[-1].report)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the panel and its stripe."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colour()))
        painter.setClipRect(QRectF(0, 0, _STRIPE, self.height()))
        painter.drawRoundedRect(
            QRectF(0, 0, 2 * _CORNER + _STRIPE, self.height()), _CORNER, _CORNER
        )
        painter.end()

    def _colour(self) -> str:
        error = bool(self._problems) and self._problems[-1].severity == "error"
        return self._theme.bad if error else self._theme.look

    def _button(self, text: str, name: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("link", True)
        button.setAccessibleName(name)
        return button

    def _show(self) -> None:
        self.setVisible(bool(self._problems))
        self.count_changed.emit(len(self._problems))
        if not self._problems:
            return
        problem = self._problems[-1]
        error = problem.severity == "error"
        self.glyph.setText("✕" if error else "!")
        self.glyph.setAccessibleName("Error" if error else "Notice")
        self.glyph.setStyleSheet(f"color: {self._colour()}; font-weight: bold;")
        self.sentence.setText(problem.sentence)
        self.setAccessibleDescription(problem.sentence)
        self.waiting.setText(f"{len(self._problems)} problems" if len(self._problems) > 1 else "")
        self.waiting.setVisible(len(self._problems) > 1)
        self.action.setVisible(bool(problem.action))
        self.action.setText("Reload" if problem.action == "file.reload" else "Help")
        self.update()

    def _act(self) -> None:
        if self._problems and self._problems[-1].action:
            problem = self._problems[-1]
            self.action_wanted.emit(problem.action, problem.where)

"""The fields of a form: title, help, what is typed, and below it what does not fit."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from inspector.models.recipe import Asked
from inspector.theme import points
from inspector.views.panel import Elided

_SMALL = 8.0
_FILES = ("init",)
"""Fields that name a file."""
_WHOLE = ("sweep", "seeds")
"""Fields that mean nothing while they are half typed."""


class Choice(QComboBox):
    """A list that the wheel turns only while it has the keyboard: the form scrolls with it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the form, unless the list has the keyboard."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def offer(self, items: Sequence[str], current: str) -> None:
        """Show a choice among items; what is not among them is written where that is possible."""
        self.blockSignals(True)
        if [self.itemText(place) for place in range(self.count())] != list(items):
            self.clear()
            self.addItems(list(items))
        self.setCurrentIndex(self.findText(current, Qt.MatchFlag.MatchExactly))
        if self.isEditable():
            self.setEditText(current)
        self.blockSignals(False)


class FieldRow(QWidget):
    """One option."""

    changed = Signal(str)
    """What was typed or chosen."""

    def __init__(self, asked: Asked, devices: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = asked.field.key
        self.title = QLabel(asked.title)
        self.help = small(Elided())
        self.help.setProperty("tone", "dim")
        self.help.set_whole(asked.field.help)
        self.complaint = small(QLabel())
        self.complaint.setProperty("tone", "bad")
        self.complaint.setWordWrap(True)
        self.complaint.setTextFormat(Qt.TextFormat.PlainText)
        self.complaint.hide()
        self.editor = self._make(asked, devices)
        self.editor.setAccessibleName(asked.title)
        self.title.setBuddy(self.editor)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.title)
        head.addWidget(self.help, 1)
        across = QHBoxLayout()
        across.setSpacing(4)
        across.addWidget(self.editor, 1)
        if self.key in _FILES:
            across.addWidget(self._browse(asked.title))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addLayout(across)
        column.addWidget(self.complaint)
        self.show_asked(asked)

    def show_asked(self, asked: Asked) -> None:
        """Show what stands in the field; what is being typed is left alone."""
        editor, field = self.editor, asked.field
        tip = f"{field.help}\n{asked.about}\n{field.flag}"
        editor.setToolTip(tip)
        self.title.setToolTip(tip)
        if isinstance(editor, QCheckBox):
            editor.blockSignals(True)
            editor.setChecked((asked.text or asked.default) == "true")
            editor.blockSignals(False)
        elif isinstance(editor, Choice):
            items = [editor.itemText(place) for place in range(editor.count())]
            editor.offer(items, asked.text or asked.default)
        elif isinstance(editor, QLineEdit):
            editor.setPlaceholderText(asked.about)
            if editor.text().strip() != asked.text:
                editor.setText(asked.text)

    def set_complaint(self, sentence: str) -> None:
        """Say what does not fit, "" for nothing."""
        self.complaint.setText(sentence)
        self.complaint.setVisible(bool(sentence))
        self.editor.setAccessibleDescription(sentence)

    def set_suggestion(self, text: str) -> None:
        """Say what holds if nothing is typed."""
        if isinstance(self.editor, QLineEdit):
            self.editor.setPlaceholderText(text)

    def _make(self, asked: Asked, devices: Sequence[str]) -> QWidget:
        field = asked.field
        if field.kind == "bool":
            box = QCheckBox()
            box.toggled.connect(lambda on: self.changed.emit("true" if on else "false"))
            return box
        if field.kind == "choice" or field.key == "device":
            choice = Choice(asked.title)
            offered = devices if field.key == "device" else field.choices
            # A default that the method decides on has no word among the choices.
            choice.offer(tuple(offered) if asked.default else ("", *offered), asked.default)
            choice.textActivated.connect(self.changed)
            return choice
        line = QLineEdit()
        if field.key in _WHOLE:
            line.editingFinished.connect(lambda: self.changed.emit(line.text()))
        else:
            line.textEdited.connect(self.changed)
        return line

    def _browse(self, title: str) -> QPushButton:
        button = QPushButton("…")
        button.setAccessibleName(f"Look for what to {title}")
        button.clicked.connect(lambda *_: self._look())
        return button

    def _look(self) -> None:
        dialog = QFileDialog(self, "Choose a checkpoint")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.changed)
        dialog.open()


Label = TypeVar("Label", bound=QLabel)


def small(label: Label) -> Label:
    """Write a label in small."""
    font = QFont(label.font())
    font.setPointSizeF(points(_SMALL))
    label.setFont(font)
    return label


def complaints_by_key(
    pairs: Sequence[tuple[str, str]], keys: Mapping[str, object]
) -> dict[str, str]:
    """Put sentences to their fields; those without one stand under ""."""
    found: dict[str, list[str]] = {}
    for key, sentence in pairs:
        found.setdefault(key if key in keys else "", []).append(sentence)
    return {key: " ".join(sentences) for key, sentences in found.items()}

"""The form: a recipe, task and method, their options, layers, and what it comes to."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from inspector.models.recipe import Asked
from inspector.theme import monospaced
from inspector.views.panel import Panel
from inspector.views.recipe_form.fields import Choice, FieldRow, complaints_by_key, small
from inspector.views.recipe_form.layers import LayerBoxes

RECIPE = "Choose a recipe …"
_COMMAND_POINTS = 7.5
_COMMAND_HEIGHT = 58
_HEADS = ("task", "method")


class RecipeForm(Panel):
    """What is trained how; it holds nothing, and shows what it is given."""

    changed = Signal(str, str)
    """Key of a field, and what was filled in."""
    layer_toggled = Signal(str, bool)
    recipe_chosen = Signal(int)
    """Number of a recipe among those offered."""
    more_wanted = Signal(bool)
    trust_wanted = Signal()
    start_wanted = Signal()
    copy_wanted = Signal(str)
    """``command`` or ``python``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Train", parent)
        self.recipe = Choice("Recipe")
        self.heads = {kind: Choice(kind.capitalize()) for kind in _HEADS}
        self.summaries = {kind: _dim() for kind in _HEADS}
        self.rows: dict[str, FieldRow] = {}
        self.layers = LayerBoxes()
        self.more = _link("More options")
        self.more.setCheckable(True)
        self.trust = _link("")
        self.complaint = _dim("bad")
        self.said = _dim()
        self.command = QPlainTextEdit()
        self.copy_command, self.copy_python = _link("Copy command"), _link("Copy Python")
        self.start = QPushButton("Start")
        self._order: tuple[str, ...] = ()
        self._build()
        self._connect()

    # ------------------------------------------------------------ what is shown

    def offer_recipes(self, titles: Sequence[tuple[str, str]]) -> None:
        """Offer recipes by title and help."""
        self.recipe.offer([RECIPE, *(title for title, _ in titles)], RECIPE)
        for place, (_, meaning) in enumerate(titles, start=1):
            self.recipe.setItemData(place, meaning, Qt.ItemDataRole.ToolTipRole)

    def show_head(self, kind: str, names: Sequence[str], current: str, summary: str) -> None:
        """Show task or method; another one may be written as ``FILE.py:NAME``."""
        known = names if current in names else (*names, current)
        self.heads[kind].offer(known, current)
        self.summaries[kind].setText(summary)
        self.summaries[kind].setVisible(bool(summary))

    def show_fields(self, asked: Sequence[Asked], devices: Sequence[str], more: bool) -> None:
        """Show the fields in their order; those that stay are not made anew."""
        order = tuple(one.field.key for one in asked)
        known = {one.field.key: one for one in asked}
        for key in [key for key in self.rows if key not in known or self._other(known[key])]:
            row = self.rows.pop(key)
            row.hide()
            row.deleteLater()
            self._order = ()
        for one in asked:
            if one.field.key not in self.rows:
                row = FieldRow(one, devices)
                row.setProperty("asked", one.field)
                row.changed.connect(lambda text, key=row.key: self.changed.emit(key, text))
                self.rows[one.field.key] = row
            self.rows[one.field.key].show_asked(one)
        if order != self._order:
            self._order = order
            self._arrange(asked)
        for one in asked:
            row = self.rows[one.field.key]
            row.setVisible(one.first or more or bool(one.text))
        self.more.blockSignals(True)
        self.more.setChecked(more)
        self.more.blockSignals(False)
        self.more.setText("Fewer options" if more else "More options")

    def show_complaints(self, complaints: Sequence[tuple[str, str]], alert: bool = True) -> None:
        """Say beside each field what does not fit; the rest stands above the button."""
        found = complaints_by_key(complaints, self.rows)
        for key, row in self.rows.items():
            row.set_complaint(found.get(key, ""))
            if key in found:
                row.setVisible(True)
        self.complaint.setText(found.get("", ""))
        self.complaint.setVisible(bool(found.get("")) and alert)

    def show_said(self, said: str, command: str, can_start: bool, title: str = "Start") -> None:
        """Say what the recipe comes to, and how it is written elsewhere."""
        self.said.setText(said)
        self.said.setVisible(bool(said))
        if self.command.toPlainText() != command:
            self.command.setPlainText(command)
        for button in (self.copy_command, self.copy_python):
            button.setEnabled(bool(command))
        self.start.setEnabled(can_start)
        self.start.setText(title)

    def show_trust(self, names: Sequence[str]) -> None:
        """Ask before files of the user's are executed."""
        self.trust.setVisible(bool(names))
        if names:
            self.trust.setText(f"Run {', '.join(names)}")
            self.trust.setToolTip("Executes this file on the machine that trains.")

    # ------------------------------------------------------------ inside

    def _other(self, asked: Asked) -> bool:
        """Whether a field of that key is not the one that is shown: methods may share a name."""
        row = self.rows.get(asked.field.key)
        return row is not None and row.property("asked") != asked.field

    def _arrange(self, asked: Sequence[Asked]) -> None:
        last = self._order.index("run") if "run" in self._order else len(self._order)
        for place, one in enumerate(asked):
            layout = self._firsts if one.first and place != last else self._others
            layout.addWidget(self.rows[one.field.key])

    def _build(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(8)
        column.addWidget(self.recipe)
        for kind in _HEADS:
            self.heads[kind].setEditable(True)
            column.addWidget(_titled(kind, self.heads[kind], self.summaries[kind]))
        column.addWidget(self.trust)
        self._firsts, self._others = QVBoxLayout(), QVBoxLayout()
        for layout in (self._firsts, self._others):
            layout.setSpacing(8)
        column.addLayout(self._firsts)
        column.addWidget(self.layers)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self._others)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("What to train")
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        self.scroller = scroll
        self.command.setReadOnly(True)
        self.command.setFont(monospaced(_COMMAND_POINTS))
        self.command.setFixedHeight(_COMMAND_HEIGHT)
        self.command.setAccessibleName("The same in a terminal")
        self.command.setTabChangesFocus(True)
        self.start.setProperty("primary", True)
        self.start.setMinimumHeight(30)
        self.body.addWidget(scroll, 1)
        for widget in (self.complaint, self.said, self.command):
            self.body.addWidget(widget)
        foot = QHBoxLayout()
        foot.addWidget(self.start)
        foot.addStretch(1)
        for button in (self.copy_command, self.copy_python):
            foot.addWidget(button)
        self.body.addLayout(foot)
        self.trust.hide()

    def _connect(self) -> None:
        self.recipe.activated.connect(self._on_recipe)
        for kind, choice in self.heads.items():
            choice.textActivated.connect(lambda text, kind=kind: self.changed.emit(kind, text))
            line = choice.lineEdit()
            if line is not None:
                line.returnPressed.connect(
                    lambda line=line, kind=kind: self.changed.emit(kind, line.text())
                )
        self.layers.toggled.connect(self.layer_toggled)
        self.more.toggled.connect(self.more_wanted)
        self.trust.clicked.connect(lambda *_: self.trust_wanted.emit())
        self.start.clicked.connect(lambda *_: self.start_wanted.emit())
        self.copy_command.clicked.connect(lambda *_: self.copy_wanted.emit("command"))
        self.copy_python.clicked.connect(lambda *_: self.copy_wanted.emit("python"))

    def _on_recipe(self, place: int) -> None:
        if place > 0:
            self.recipe_chosen.emit(place - 1)


def _titled(title: str, editor: QWidget, below: QWidget) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    label = QLabel(title)
    label.setBuddy(editor)
    for widget in (label, editor, below):
        column.addWidget(widget)
    return holder


def _dim(tone: str = "dim") -> QLabel:
    label = small(QLabel())
    label.setProperty("tone", tone)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.hide()
    return label


def _link(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("link", True)
    return button

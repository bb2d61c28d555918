"""The first screen of the timeline: where a series comes from, and what counts as one."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from inspector.theme import points
from inspector.views.links import Links

_WIDE = 640
_TEXT = (
    "A run folder, a folder or glob of checkpoints by any tool (model.pth-*, epoch_03.pt, "
    "checkpoint-500/), or a list of files, in the order of their steps. A folder that grows is "
    "followed."
)


class SeriesStart(QWidget):
    """Asks for a series."""

    series_wanted = Signal(str)
    """What was written or suggested."""
    browse_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setPlaceholderText("PATH, GLOB or HOST:PATH")
        self.field.setAccessibleName("Series")
        self.open = QPushButton("Open")
        self.open.setProperty("primary", True)
        self.browse = QPushButton("Choose folder…")
        self._places: tuple[str, ...] = ()
        self._suggested = Links("Series beside what is open")
        self._title = _label("Beside what is open", 10, bold=True)
        self._build()
        self.field.returnPressed.connect(self._want)
        self.open.clicked.connect(lambda *_: self._want())
        self.browse.clicked.connect(lambda *_: self.browse_wanted.emit())
        self._suggested.chosen.connect(lambda at: self.series_wanted.emit(self._places[at]))
        self.suggest(())

    def _build(self) -> None:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(_label("When did the masks stop moving?", 20, bold=True))
        column.addWidget(_label("Open a series of checkpoints to see it layer by layer.", 10.5))
        column.addSpacing(12)
        across = QHBoxLayout()
        across.setSpacing(8)
        across.addWidget(self.field, 1)
        across.addWidget(self.open)
        across.addWidget(self.browse)
        column.addLayout(across)
        text = _label(_TEXT, 9)
        text.setProperty("tone", "dim")
        column.addWidget(text)
        column.addSpacing(16)
        column.addWidget(self._title)
        column.addWidget(self._suggested)
        holder = QWidget()
        holder.setLayout(column)
        holder.setMaximumWidth(_WIDE)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(holder, 4)
        middle.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addLayout(middle)
        layout.addStretch(3)

    def suggest(self, places: Sequence[str]) -> None:
        """Offer series, best first."""
        self._places = tuple(places)
        self._suggested.set_links([(place, f"Open the series {place}") for place in places])
        self._title.setVisible(bool(places))

    def _want(self) -> None:
        text = self.field.text().strip()
        if text:
            self.series_wanted.emit(text)


def _label(text: str, size: float, *, bold: bool = False) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    font = QFont(label.font())
    font.setPointSizeF(points(size))
    font.setBold(bold)
    label.setFont(font)
    return label

"""A line that takes a place: ``row,col`` of the layer in view, or ``layer@row,col``."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QVBoxLayout, QWidget

from inspector.models.places import Place, place_in


class PlaceLine(QDialog):
    """Asks for a place; what is no place is said below the line."""

    place_chosen = Signal(object)
    """A ``Place``."""

    def __init__(self, names: list[str], current: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = names
        self._current = current
        self.setWindowTitle("Go to a weight")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(420, 0)
        self.line = QLineEdit()
        self.line.setPlaceholderText("117,332  or  fc1@117,332")
        self.line.setAccessibleName("Layer and place")
        self.line.returnPressed.connect(self._go)
        self.complaint = QLabel("Row and column on the map, counted from 0.")
        self.complaint.setProperty("tone", "dim")
        self.complaint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addWidget(self.line)
        layout.addWidget(self.complaint)

    @Slot()
    def _go(self) -> None:
        found = place_in(self.line.text(), self._names, self._current)
        if isinstance(found, Place):
            self.place_chosen.emit(found)
            self.close()
        else:
            self.complaint.setText(found)

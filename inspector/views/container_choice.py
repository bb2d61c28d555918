"""Which model of a file that holds several."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

ALL = "all"


class ContainerChoice(QComboBox):
    """The models of a file by their keys, the largest first; hidden where there is only one."""

    container_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Model in the file")
        self.setToolTip("This file holds several models")
        self.activated.connect(self._on_activated)
        self.hide()

    def set_containers(self, keys: Sequence[str], current: str) -> None:
        """Offer the models under these keys and all of them together."""
        with QSignalBlocker(self):
            self.clear()
            self.addItem(f"{keys[0]} (largest)" if keys and keys[0] else "largest model", "")
            for key in keys[1:]:
                self.addItem(key, key)
            self.addItem("all models", ALL)
            self.setCurrentIndex(max(self.findData(current), 0))
        self.setVisible(len(keys) > 1)

    @Slot(int)
    def _on_activated(self, place: int) -> None:
        self.container_chosen.emit(self.itemData(place))

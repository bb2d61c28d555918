"""What a layer is, corrected by the user: its kind, and where its inputs or groups run."""

from functools import partial

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from inspector.models.layer_table import LayerTable
from sparse_core.messages import ScanOptions

KINDS = ("linear", "conv", "experts", "embedding", "norm", "bias", "buffer", "recurrent", "other")
AXES = {
    "in": "Groups along the inputs",
    "out": "Groups along the outputs",
    "kernel": "Groups along the kernel, in memory order",
    "0": "Inputs are dimension 0, as in GPT-2 and JAX",
    "1": "Inputs are dimension 1, as in torch",
}


class Correcting(QObject):
    """A menu on a layer."""

    corrected = Signal(str, str, str)
    """Layer, kind ("" leaves it) and axis ("" leaves it)."""
    taken_back = Signal(str)
    """Layer whose corrections go."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent

    def menu(self, table: LayerTable, tensor: str, options: ScanOptions) -> QMenu:
        """Return the menu of a layer; it deletes itself when it closes."""
        row = table.row_of(tensor)
        menu = QMenu(self._window)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.setAccessibleName(f"Kind and axis of {tensor}")
        known = "known" if table.known[row] else "assumed"
        menu.addAction(f"{tensor}: {table.kinds[row]} ({known})").setEnabled(False)
        menu.addSeparator()
        for kind in KINDS:
            action = menu.addAction(f"It is {kind}")
            action.setCheckable(True)
            action.setChecked(table.kinds[row] == kind)
            action.triggered.connect(partial(self._tell, tensor, kind, ""))
        menu.addSeparator()
        for axis, meaning in AXES.items():
            action = menu.addAction(meaning)
            action.triggered.connect(partial(self._tell, tensor, "", axis))
        menu.addSeparator()
        back = menu.addAction("Take corrections back")
        named = {glob for glob, _ in (*options.kinds, *options.axes)}
        back.setEnabled(tensor in named)
        back.triggered.connect(lambda *_: self.taken_back.emit(tensor))
        return menu

    def show(self, table: LayerTable, tensor: str, options: ScanOptions, at: QPoint) -> None:
        """Show the menu at a place of the screen; nothing waits for it."""
        self.menu(table, tensor, options).popup(at)

    def _tell(self, tensor: str, kind: str, axis: str, *_: object) -> None:
        self.corrected.emit(tensor, kind, axis)

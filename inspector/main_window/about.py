"""Which program this is, and which core."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from sparse_core.messages import Welcome
from sparse_core.version import VERSION


def show_about(window: QWidget, core: Welcome | None) -> None:
    """Say it in a box beside the work."""
    box = QMessageBox(window)
    box.setWindowTitle("About Sparsescope")
    box.setText(f"Sparsescope {VERSION}")
    box.setInformativeText(
        f"Core: {core.program}, native path {core.native}, Python {core.python}"
        if core
        else "The core is not running."
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()

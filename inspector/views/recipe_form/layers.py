"""Which layers become sparse: a box each, with the reason of those that do not."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from inspector.models.words import shown
from inspector.views.panel import Elided
from inspector.views.recipe_form.fields import small

MOST = 200
"""Of larger networks the policy is written, not clicked."""


class LayerBoxes(QWidget):
    """A box a layer; made once and reused, so that nothing jumps."""

    toggled = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Sparse layers")
        self.heading = QLabel("layers")
        self._rows: list[tuple[QWidget, QCheckBox, Elided]] = []
        self._names: tuple[str, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addWidget(self.heading)

    def box(self, name: str) -> QCheckBox:
        """Return the box of a layer."""
        return self._rows[self._names.index(name)][1]

    def show_layers(
        self, names: Sequence[str], sparse: Sequence[bool], reasons: Sequence[str]
    ) -> None:
        """Show layers, and why some stay dense."""
        self._names = tuple(names[:MOST])
        self.setVisible(bool(names))
        more = f", the first {MOST} are shown" if len(names) > MOST else ""
        self.heading.setText(f"layers  {sum(sparse)} of {len(names)} become sparse{more}")
        while len(self._rows) < len(self._names):
            self._add()
        for place, (row, box, reason) in enumerate(self._rows):
            row.setVisible(place < len(self._names))
            if place < len(self._names):
                box.blockSignals(True)
                box.setChecked(sparse[place])
                box.blockSignals(False)
                box.setText(shown(self._names[place]))
                box.setAccessibleName(f"{self._names[place]} becomes sparse")
                reason.set_whole(reasons[place])

    def _add(self) -> None:
        place = len(self._rows)
        box, reason = QCheckBox(), small(Elided())
        reason.setProperty("tone", "dim")
        box.toggled.connect(lambda on: self.toggled.emit(self._names[place], on))
        row = QWidget()
        across = QHBoxLayout(row)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        across.addWidget(box)
        across.addWidget(reason, 1)
        self._rows.append((row, box, reason))
        self._column.addWidget(row)

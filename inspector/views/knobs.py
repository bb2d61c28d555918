"""Knobs of a live run: a slider and a number each, both by decades where values span them."""

import math
from collections.abc import Sequence

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QSlider, QWidget

from inspector.theme import monospaced

_NOTCHES = 400
_FIELD = 96


class Knob(msgspec.Struct, frozen=True):
    """One knob.

    Attributes
    ----------
    name, title, meaning : str
    least, most : float
        Ends of the slider; it goes by decades, and what is below ``least`` counts as 0.
    value : float or None
        What holds now, None where nobody knows.
    unit : str
    off : str
        What stands at the far end that switches it off, "" where there is none.
    """

    name: str
    title: str
    meaning: str
    least: float
    most: float
    value: float | None
    unit: str = ""
    off: str = ""


def to_notch(knob: Knob, value: float) -> int:
    """Return the notch of a value; 0 for what is not above the least."""
    if value <= knob.least:
        return 0
    share = math.log(value / knob.least) / math.log(knob.most / knob.least)
    return min(max(round(share * _NOTCHES), 1), _NOTCHES)


def from_notch(knob: Knob, notch: int) -> float:
    """Return the value of a notch, to two digits; the lowest is 0."""
    if notch <= 0:
        return 0.0
    value = knob.least * (knob.most / knob.least) ** (notch / _NOTCHES)
    return float(f"{value:.2g}")


class Knobs(QWidget):
    """Rows of knobs; a knob is turned when the slider is let go, or a number entered."""

    turned = Signal(str, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Knobs")
        self._knobs: dict[str, Knob] = {}
        self._rows: dict[str, tuple[QLabel, QSlider, QLineEdit, QLabel]] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def slider(self, name: str) -> QSlider:
        """Return the slider of a knob."""
        return self._rows[name][1]

    def field(self, name: str) -> QLineEdit:
        """Return the number of a knob."""
        return self._rows[name][2]

    def show_knobs(self, knobs: Sequence[Knob]) -> None:
        """Show knobs; one that is held is left alone."""
        if list(self._rows) != [knob.name for knob in knobs]:
            for row in self._rows.values():
                for part in row:
                    part.hide()
                    part.deleteLater()
            self._rows = {}
        for knob in knobs:
            self._knobs[knob.name] = knob
            if knob.name not in self._rows:
                self._add(knob)
            self._show(knob)

    def _show(self, knob: Knob) -> None:
        _, slider, field, unit = self._rows[knob.name]
        if slider.isSliderDown() or (field.hasFocus() and field.isModified()):
            return
        slider.blockSignals(True)
        if knob.value is None:
            slider.setValue(_NOTCHES if knob.off else 0)
        else:
            slider.setValue(to_notch(knob, knob.value))
        slider.blockSignals(False)
        field.setText(f"{knob.value:g}" if knob.value is not None else "")
        field.setPlaceholderText(knob.off or "–")
        unit.setText(knob.unit)

    def _add(self, knob: Knob) -> None:
        place = len(self._rows)
        title, unit = QLabel(knob.title), QLabel(knob.unit)
        unit.setProperty("tone", "dim")
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, _NOTCHES)
        slider.setPageStep(_NOTCHES // 20)
        slider.setAccessibleName(knob.title)
        slider.setTracking(False)
        field = QLineEdit()
        field.setFont(monospaced())
        field.setFixedWidth(_FIELD)
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.setAccessibleName(f"{knob.title}, number")
        for spoken in (title, slider, field):
            spoken.setToolTip(knob.meaning)
        name = knob.name
        slider.valueChanged.connect(lambda notch: self._turn(name, notch))
        slider.sliderMoved.connect(lambda notch: self._preview(name, notch))
        field.returnPressed.connect(lambda: self._enter(name))
        self._rows[name] = (title, slider, field, unit)
        for column, part in enumerate(self._rows[name]):
            self._grid.addWidget(part, place, column)

    def _value(self, name: str, notch: int) -> float:
        knob = self._knobs[name]
        # Full speed is the end of the slider that is off.
        return 0.0 if knob.off and notch >= _NOTCHES else from_notch(knob, notch)

    def _preview(self, name: str, notch: int) -> None:
        value = self._value(name, notch)
        self._rows[name][2].setText("" if self._knobs[name].off and not value else f"{value:g}")

    def _turn(self, name: str, notch: int) -> None:
        self._preview(name, notch)
        self.turned.emit(name, self._value(name, notch))

    def _enter(self, name: str) -> None:
        field = self._rows[name][2]
        try:
            value = float(field.text().replace(",", ".") or 0)
        except ValueError:
            self._show(self._knobs[name])
            return
        field.setModified(False)
        self.turned.emit(name, max(value, 0.0))

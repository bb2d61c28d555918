"""Three pictures beside one another, or two of them in turn at one place."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

BLINK_MS = 700
"""Slow enough to look at, and far from what may harm (three a second)."""
_GAP = 8


class Triptych(QWidget):
    """Holds A, what differs, and B, all of one size.

    Parameters
    ----------
    a, between, b : QWidget
    """

    turned = Signal()
    """Another one of A and B is in front."""

    def __init__(
        self, a: QWidget, between: QWidget, b: QWidget, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._panes = (a, between, b)
        self._blinking = False
        self._front = 0
        self._clock = QTimer(self, interval=BLINK_MS)
        self._clock.timeout.connect(self.turn)
        for pane in self._panes:
            pane.setParent(self)

    @property
    def blinking(self) -> bool:
        """Whether A and B take turns at one place."""
        return self._blinking

    @property
    def in_front(self) -> int:
        """0 while A is seen, 1 while B is; A where both are."""
        return self._front

    def blink(self, blinking: bool, *, steady: bool = True) -> None:
        """Show A and B in turn, by themselves or where asked to ``turn``; or all three again."""
        self._blinking, self._front = blinking, 0
        if blinking and steady:
            self._clock.start()
        else:
            self._clock.stop()
        self._arrange()
        self.turned.emit()

    def turn(self) -> None:
        """Show the other one of A and B."""
        self._front = 1 - self._front
        self._arrange()
        self.turned.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Divide the room."""
        self._arrange()

    def sizeHint(self) -> QSize:
        """Ask for three pictures that can be read."""
        return QSize(960, 360)

    def minimumSizeHint(self) -> QSize:
        """Give way as far as the panes do."""
        least = [pane.minimumSizeHint() for pane in self._panes]
        width = sum(size.width() for size in least) + 2 * _GAP
        return QSize(width, max(size.height() for size in least))

    def _arrange(self) -> None:
        if self._blinking:
            # Both keep their size and place: nothing moves but what differs.
            for pane in (self._panes[0], self._panes[2]):
                pane.setGeometry(self.rect())
                pane.show()
            self._panes[1].hide()
            self._panes[2 * self._front].raise_()
            return
        for pane, place in zip(self._panes, _thirds(self.rect()), strict=True):
            pane.setGeometry(place)
            pane.show()


def _thirds(whole: QRect) -> Sequence[QRect]:
    """Return three places of one size: what they show is compared pixel by pixel."""
    width = (whole.width() - 2 * _GAP) // 3
    return [QRect(at * (width + _GAP), 0, width, whole.height()) for at in range(3)]

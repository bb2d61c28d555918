"""Which part of the map is seen, as part of the session: told when it rests, shown when wanted."""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from inspector.state import Spot
from inspector.views.tile_canvas import TileCanvas

REST_MS = 250
"""A map that stands so long is somewhere to come back to."""


class Spots(QObject):
    """Between the canvas, which moves, and the session, which remembers."""

    moved = Signal(object)
    """A ``Spot``, or None for all of the map."""

    def __init__(self, canvas: TileCanvas, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._wanted: Spot | None = None
        self._pending = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._tell)
        canvas.view_changed.connect(self._on_view_changed)

    @property
    def now(self) -> Spot | None:
        """What the canvas shows."""
        seen = self._canvas.middle
        return None if seen is None else Spot(*seen)

    def want(self, spot: Spot | None, *, fresh: bool) -> None:
        """Show a spot; of a ``fresh`` layer as soon as its picture is there."""
        self._wanted = spot
        self._pending = fresh
        if not fresh and spot != self.now:
            self._go()

    def on_picture(self) -> None:
        """Show what was wanted of a layer whose picture has come."""
        if self._pending:
            self._pending = False
            if self._wanted is not None:
                self._go()

    def release(self) -> None:
        """Tell no more."""
        self._rest.stop()

    def _go(self) -> None:
        if self._wanted is None:
            self._canvas.fit()
        else:
            self._canvas.go_to(self._wanted.zoom, self._wanted.row, self._wanted.column)

    @Slot()
    def _on_view_changed(self) -> None:
        if self._canvas.picture is not None and not self._pending:
            self._rest.start()

    @Slot()
    def _tell(self) -> None:
        if self._canvas.picture is not None and not self._pending and self.now != self._wanted:
            self._wanted = self.now
            self.moved.emit(self._wanted)

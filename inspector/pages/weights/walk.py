"""From one broken group to the next, across layers, as a compiler's errors are walked."""

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from inspector.models.broken_layers import BrokenLayers
from inspector.models.checkpoint_feed import CheckpointFeed
from inspector.models.group_feed import GroupFeed
from sparse_core.messages import Violations

BEYOND = 1 << 40
"""A row behind the last of every layer."""


class Stop(msgspec.Struct, frozen=True):
    """A group that the walk came to: the ``number``-th of ``total``, from 1."""

    tensor: str
    row: int
    column: int
    ordinal: int
    number: int
    total: int

    @property
    def text(self) -> str:
        """Write ``17 of 31``."""
        return f"{self.number:,} of {self.total:,}"


class Walk(QObject):
    """Knows where the user stands and asks for the group beside it.

    Parameters
    ----------
    feed : CheckpointFeed
        Says which layers are broken.
    groups : GroupFeed
        Finds groups within a layer.
    """

    arrived = Signal(object)
    """A ``Stop``."""

    def __init__(
        self, feed: CheckpointFeed, groups: GroupFeed, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._feed = feed
        self._groups = groups
        self._tensor = ""
        self._place: tuple[int, int] | None = None
        self._step = 1
        self._within = False
        self._left = 0
        groups.found.connect(self._on_found)

    def stand(self, tensor: str, place: tuple[int, int] | None = None) -> None:
        """Say where the user stands: a weight of a layer, or nowhere in particular."""
        if tensor != self._tensor or place is not None:
            self._tensor, self._place = tensor, place

    def go(self, step: int, *, within: bool = False) -> None:
        """Go to the next (1) or the previous (-1) broken group, ``within`` the layer or beyond."""
        broken = BrokenLayers(self._feed.table)
        here = self._tensor in broken.names
        if not broken.total or (within and not here):
            return
        self._step, self._within = step, within
        # Every layer once, and the first one a second time, from its other end.
        self._left = 2 if within else len(broken.names) + 1
        if here and self._place is not None:
            self._ask(self._tensor, *self._place)
        elif here:
            self._ask_from_end(self._tensor)
        else:
            self._ask_from_end(broken.beside(self._feed.table.row_of(self._tensor), step))

    def stop_at(self, tensor: str, ordinal: int, row: int, column: int) -> None:
        """Go to a group that is known already: it was chosen in the list."""
        broken = BrokenLayers(self._feed.table)
        self.stand(tensor, (row, column))
        number = broken.number(tensor, ordinal)
        self.arrived.emit(Stop(tensor, row, column, ordinal, number, broken.total))

    def _ask_from_end(self, tensor: str) -> None:
        """Ask for the first of a layer, or going back for the last."""
        self._ask(tensor, *((-1, -1) if self._step > 0 else (BEYOND, 0)))

    def _ask(self, tensor: str, row: int, column: int) -> None:
        self._left -= 1
        self._groups.want_next(tensor, row, column, self._step)

    @Slot(object)
    def _on_found(self, found: Violations) -> None:
        broken = BrokenLayers(self._feed.table)
        if found.tensor not in broken.names:
            return
        if found.places:
            row = int.from_bytes(found.rows[:8], "little")
            column = int.from_bytes(found.columns[:8], "little")
            self.stop_at(found.tensor, found.ordinal, row, column)
        elif self._left > 0:
            row_of = self._feed.table.row_of(found.tensor)
            self._ask_from_end(found.tensor if self._within else broken.beside(row_of, self._step))

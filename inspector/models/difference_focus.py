"""What differs between A and B in one layer: its tiles, and the way from flip to flip."""

from functools import partial
from typing import cast

import msgspec
from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.problem import Problem
from sparse_core.messages import Answer, Failed, FileId, Request, ScanOptions, Tile, TileKey
from sparse_core.messages.comparison import Difference, DifferenceTilesWanted, NextDifference
from sparse_core.messages.vocabulary import ChangePlane


class Pair(msgspec.Struct, frozen=True):
    """One layer of two checkpoints."""

    a: FileId
    b: FileId
    options: ScanOptions
    layer: str


class DifferenceFocus(QObject):
    """Asks for what differs in the layer that is looked at.

    Parameters
    ----------
    view : int
        Number of the view, by which newer requests take the place of older ones.
    """

    tile_arrived = Signal(object)
    found = Signal(object)
    """A ``Difference``."""
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, view: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._link: Asker | None = None
        self._pair: Pair | None = None
        self._waiting = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._waiting > 0

    def show(self, link: Asker | None, pair: Pair | None) -> None:
        """Look at a layer; answers about another are dropped from here on."""
        self._link, self._pair, self._waiting = link, pair, 0

    def want_tiles(self, plane: str, keys: list[TileKey]) -> None:
        """Ask for tiles, nearest first; replaces what was asked before."""
        pair = self._pair
        if pair is not None and keys:
            place = (self._view, pair.a, pair.b, pair.options, pair.layer)
            self._ask(DifferenceTilesWanted(*place, cast("ChangePlane", plane), tuple(keys)))

    def want_next(self, row: int, column: int, step: int) -> None:
        """Ask for the flip after a place (1) or before it (-1)."""
        pair = self._pair
        if pair is not None:
            place = (self._view, pair.a, pair.b, pair.options, pair.layer)
            self._ask(NextDifference(*place, row, column, step))

    def _ask(self, body: Request) -> None:
        assert self._link is not None
        assert self._pair is not None
        self._waiting += 1
        self._link.ask(body, partial(self._on_answer, self._pair))

    def _on_answer(self, pair: Pair, answer: Answer) -> None:
        if pair is not self._pair:
            return
        if answer.last:
            self._waiting -= 1
        body = answer.body
        if isinstance(body, Tile):
            self.tile_arrived.emit(body)
        elif isinstance(body, Difference):
            self.found.emit(body)
        elif isinstance(body, Failed):
            self.failed.emit(Problem(body.sentence, where=pair.layer, details=body.trace))

"""The flips of one layer of a series: its tiles and its worst weights, as the core sends them."""

from functools import partial
from typing import cast

from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.problem import Problem
from inspector.models.series_table import SeriesTable
from sparse_core.messages import Answer, AnyPlane, Failed, Picture, Request, Tile, TileKey
from sparse_core.messages.timeline import (
    Oscillators,
    OscillatorsWanted,
    SeriesId,
    SeriesTile,
    SeriesTilesWanted,
    TimelineOptions,
)
from sparse_core.messages.vocabulary import SeriesPlane

WORST = 12
"""Weights in the list of those that flip most."""


def levels(count: int) -> int:
    """Count the levels of a side: from one weight a cell to one cell."""
    return max(count - 1, 0).bit_length() + 1


def picture_of(view: int, table: SeriesTable, row: int) -> Picture:
    """Describe the picture of a layer's flips."""
    rows, columns = int(table.rows[row]), int(table.columns[row])
    return Picture(
        view=view,
        tensor=table.layers[row],
        rows=rows,
        columns=columns,
        row_levels=levels(rows),
        column_levels=levels(columns),
        row_label="row",
        column_label="column",
        scale=float(table.steps[-1]),
        pattern=None,
        axis=None,
        group_rows=0,
        group_columns=0,
    )


class SeriesFocus(QObject):
    """Asks for tiles and for the worst weights of the layer in focus.

    Parameters
    ----------
    view : int
        Number of the view, by which newer requests take the place of older ones.
    """

    tile_arrived = Signal(object)
    """A ``Tile``."""
    worst_arrived = Signal(object)
    """``Oscillators``."""
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, view: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._token: object = None
        self._asked: tuple[Asker, SeriesId, TimelineOptions, str, int, int] | None = None
        self._waiting = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._waiting > 0

    def show(
        self,
        link: Asker,
        series: SeriesId,
        options: TimelineOptions,
        layer: str,
        before: int,
        after: int,
    ) -> None:
        """Put a layer and two points in focus; answers about others are dropped from here on."""
        other = self._asked is None or self._asked[1:4] != (series, options, layer)
        self._asked = (link, series, options, layer, before, after)
        self._token = object()
        self._waiting = 0
        if other:
            self._ask(OscillatorsWanted(self._view, series, options, layer, WORST))

    def release(self) -> None:
        """Have nothing in focus."""
        self._asked, self._token, self._waiting = None, None, 0

    def want_tiles(self, plane: str, keys: list[TileKey]) -> None:
        """Ask for tiles, nearest first; replaces what was asked before."""
        if self._asked is None or not keys:
            return
        _, series, options, layer, before, after = self._asked
        self._ask(
            SeriesTilesWanted(
                self._view,
                series,
                options,
                layer,
                cast("SeriesPlane", plane),
                before,
                after,
                tuple(keys),
            )
        )

    def _ask(self, body: Request) -> None:
        assert self._asked is not None
        self._waiting += 1
        self._asked[0].ask(body, partial(self._on_answer, self._token, self._asked[3]))

    def _on_answer(self, token: object, layer: str, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Oscillators) and self._asked is not None and self._asked[3] == layer:
            # They are of the whole series: another step changes nothing.
            self.worst_arrived.emit(body)
        if token is not self._token:
            return
        if answer.last:
            self._waiting -= 1
        if isinstance(body, SeriesTile):
            self.tile_arrived.emit(_as_tile(body))
        elif isinstance(body, Failed):
            self.failed.emit(Problem(body.sentence, where=layer, details=body.trace))


def _as_tile(tile: SeriesTile) -> Tile:
    return Tile(
        view=tile.view,
        tensor=tile.layer,
        plane=cast("AnyPlane", tile.plane),
        key=tile.key,
        height=tile.height,
        width=tile.width,
        packed=tile.packed,
        data=tile.data,
    )

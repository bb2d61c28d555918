"""The layer of a series that is looked at: its tiles, worst weights and changes as they come."""

from functools import partial
from typing import cast

import msgspec
import numpy as np
from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.interval import Interval
from inspector.models.problem import Problem
from inspector.models.series_table import SeriesTable
from inspector.models.series_words import Changed, flips_in_words
from sparse_core.messages import Answer, AnyPlane, Cell, Failed, Picture, Request, Tile, TileKey
from sparse_core.messages.timeline import (
    Changes,
    ChangesWanted,
    Oscillators,
    OscillatorsWanted,
    SeriesId,
    SeriesTile,
    SeriesTilesWanted,
    TimelineOptions,
    WeightStory,
    WeightWanted,
)
from sparse_core.messages.vocabulary import SeriesPlane

WORST = 12
"""Weights in the list of those that flip most."""


class Looked(msgspec.Struct, frozen=True):
    """What is looked at.

    Attributes
    ----------
    series, options
        Which masks.
    table : SeriesTable
        Another one where the series was read anew: what was answered before is stale.
    layer : str
    interval : Interval
        The points whose difference is the plane of flips.
    span : (int, int)
        First and last point of the range: last changes and worst weights are those in it.
    """

    series: SeriesId
    options: TimelineOptions
    table: SeriesTable
    layer: str
    interval: Interval
    span: tuple[int, int]

    def ends(self, plane: str) -> tuple[int, int]:
        """Return the two points that a plane is about."""
        return (self.interval.before, self.interval.after) if plane == "flips" else self.span


def levels(count: int) -> int:
    """Count the levels of a side: from one weight a cell to one cell."""
    return max(count - 1, 0).bit_length() + 1


def picture_of(view: int, table: SeriesTable, row: int, last: int) -> Picture:
    """Describe the picture of a layer's flips; ``last`` is the last point of the range."""
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
        scale=float(table.steps[last]),
        pattern=None,
        axis=None,
        group_rows=0,
        group_columns=0,
    )


class SeriesFocus(QObject):
    """Asks for what belongs to the layer and the two points that are looked at.

    Parameters
    ----------
    view : int
        Number of the view, by which newer requests take the place of older ones.
    """

    tile_arrived = Signal(object)
    """A ``Tile``."""
    worst_arrived = Signal(object)
    """``Oscillators``."""
    weight_arrived = Signal(object)
    """A ``Cell`` whose text says when the weight flipped."""
    changes_arrived = Signal()
    """``changed`` is known."""
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, view: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._link: Asker | None = None
        self._looked: Looked | None = None
        self._pending: dict[str, object] = {}
        self.changed: Changed | None = None
        """What changed between the two points, None until it is known."""

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._pending)

    def show(self, link: Asker, looked: Looked) -> None:
        """Look at something; answers about anything else are dropped from here on."""
        before, self._looked, self._link = self._looked, looked, link
        if before == looked:
            return
        same = before is not None and _series_of(before) == _series_of(looked)
        if not same or before is None or (before.layer, before.span) != (looked.layer, looked.span):
            first, last = looked.span
            self._ask(
                "worst",
                OscillatorsWanted(
                    self._view, looked.series, looked.options, looked.layer, WORST, first, last
                ),
            )
        if not same or before is None or before.interval != looked.interval:
            self.changed = None
            self._pending.pop("changes", None)
            ends = looked.interval.before, looked.interval.after
            if not looked.interval.neighbours:
                asked = ChangesWanted(self._view, looked.series, looked.options, *ends)
                self._ask("changes", asked)

    def release(self) -> None:
        """Look at nothing."""
        self._looked, self._link, self.changed = None, None, None
        self._pending.clear()

    def want_tiles(self, plane: str, keys: list[TileKey]) -> None:
        """Ask for tiles, nearest first; replaces what was asked before."""
        looked = self._looked
        if looked is None or not keys:
            return
        self._ask(
            "tiles",
            SeriesTilesWanted(
                self._view,
                looked.series,
                looked.options,
                looked.layer,
                cast("SeriesPlane", plane),
                *looked.ends(plane),
                tuple(keys),
            ),
        )

    def want_weight(self, row: int, column: int) -> None:
        """Ask when a weight flipped."""
        if self._looked is not None:
            looked = self._looked
            asked = (self._view, looked.series, looked.options, looked.layer, row, column)
            self._ask("weight", WeightWanted(*asked))

    def _ask(self, kind: str, body: Request) -> None:
        assert self._link is not None
        assert self._looked is not None
        token = self._pending[kind] = object()
        self._link.ask(body, partial(self._on_answer, kind, token, self._looked))

    def _on_answer(self, kind: str, token: object, asked: Looked, answer: Answer) -> None:
        body, looked = answer.body, self._looked
        newest = self._pending.get(kind) is token
        if answer.last and newest:
            del self._pending[kind]
        if looked is None or _series_of(asked) != _series_of(looked):
            return
        if isinstance(body, SeriesTile):
            ends = looked.ends(body.plane)
            if body.layer == looked.layer and (body.before, body.after) == ends:
                self.tile_arrived.emit(_as_tile(body))
        elif isinstance(body, Failed):
            if newest:
                self.failed.emit(Problem(body.sentence, where=asked.layer, details=body.trace))
        elif isinstance(body, Oscillators) and newest:
            self.worst_arrived.emit(body)
        elif isinstance(body, WeightStory) and newest:
            self.weight_arrived.emit(_as_cell(body))
        elif isinstance(body, Changes) and newest:
            self.changed = Changed(
                *(np.frombuffer(one, "<i8") for one in (body.births, body.deaths))
            )
            self.changes_arrived.emit()


def _series_of(looked: Looked) -> tuple[SeriesId, TimelineOptions, SeriesTable]:
    return looked.series, looked.options, looked.table


def _as_cell(story: WeightStory) -> Cell:
    steps = np.frombuffer(story.flips, "<i8").tolist()
    where = ", ".join(str(at) for at in story.index)
    state = "kept" if story.kept else "dropped"
    text = f"[{where}]  {state} at the end  ·  {flips_in_words(steps)}"
    place = (story.view, story.layer, story.row, story.column)
    return Cell(*place, index=story.index, value=None, kept=story.kept, text=text)


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

"""Pictures: their size, their tiles, the weight under the cursor, the histogram."""

import os
import zlib

import numpy as np
import numpy.typing as npt

from sparse_core.analysis.agenda import Agenda
from sparse_core.analysis.cells import describe, weight_at
from sparse_core.analysis.geometry import group_size, levels, side_labels
from sparse_core.analysis.pyramid import Pyramid, pattern_of
from sparse_core.analysis.scan import ScanStream
from sparse_core.analysis.values import histogram
from sparse_core.messages import (
    Cell,
    CellWanted,
    Done,
    FileId,
    Layer,
    LayerReport,
    LayerWanted,
    Picture,
    PictureWanted,
    ScanOptions,
    Tile,
    TileKey,
    TilesWanted,
    Values,
    ValuesWanted,
)
from sparse_core.patterns import NMPattern
from sparse_core.service.lanes import Job
from sparse_core.service.shelf import Shelf

NARROW = "SSH_CONNECTION" in os.environ
"""Whether tiles travel over a line that is slower than packing them."""


class Pictures:
    """Answers questions about one tensor.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def picture(self, job: Job, wanted: PictureWanted) -> Picture:
        """Give size and facts of a picture.

        Where the largest |w| or the pattern takes a further look at the tensor, a first picture
        without them goes ahead, so that the map of what is kept can already be drawn. A scan that
        came by has seen both.
        """
        pyramid = self._shelf.pyramid(wanted.file, wanted.options, wanted.tensor, job.tick)
        report = self._shelf.report(wanted.file, wanted.options, wanted.tensor)
        scale = pyramid.known_scale()
        if scale is None and report is not None:
            scale = _scale_of(report)
        if scale is None or report is None:
            job.answer(_picture(wanted, pyramid, scale or 0.0, pyramid.known_pattern))
        if scale is None:
            scale = pyramid.scale(job.tick)
        pattern = self._judged(wanted.file, wanted.options, wanted.tensor, pyramid)
        return _picture(wanted, pyramid, scale, pattern)

    def tiles(self, job: Job, wanted: TilesWanted) -> Done:
        """Draw a set of tiles in the order in which they are wanted."""
        pyramid = self._shelf.pyramid(wanted.file, wanted.options, wanted.tensor, job.tick)
        pattern = None
        if wanted.plane == "violation":
            pattern = self._judged(wanted.file, wanted.options, wanted.tensor, pyramid)
        for key in wanted.tiles:
            job.tick()
            cells = pyramid.tile(wanted.plane, key, pattern, job.tick)
            job.answer(_tile(wanted, key, cells))
        return Done()

    def cell(self, job: Job, wanted: CellWanted) -> Cell:
        """Look at one weight; the cursor does not wait for a pattern to be recognised."""
        pyramid = self._shelf.pyramid(wanted.file, wanted.options, wanted.tensor, job.tick)
        report = self._shelf.report(wanted.file, wanted.options, wanted.tensor)
        pattern = pyramid.known_pattern if report is None else pattern_of(report)
        weight = weight_at(pyramid, wanted.row, wanted.column, pattern)
        return Cell(
            view=wanted.view,
            tensor=wanted.tensor,
            row=wanted.row,
            column=wanted.column,
            index=weight.index,
            value=weight.value,
            kept=weight.kept,
            group=weight.group,
            group_kept=weight.group_kept,
            group_first=weight.places[0] if weight.places else (0, 0),
            text=describe(weight, pattern),
        )

    def values(self, job: Job, wanted: ValuesWanted) -> Values:
        """Count values into bins."""
        self._after_the_map(job, wanted)
        checkpoint = self._shelf.checkpoint(wanted.file)
        counted = histogram(checkpoint, wanted.tensor, wanted.bins, job.tick)
        return Values(
            view=wanted.view,
            tensor=wanted.tensor,
            edges=counted.edges.astype("<f8").tobytes(),
            counts=counted.counts.astype("<i8").tobytes(),
            zeros=counted.zeros,
            nan=counted.nan,
            inf=counted.inf,
        )

    def layer(self, job: Job, wanted: LayerWanted) -> Layer:
        """Give all that is known of a tensor; it is read if no scan has come by."""
        report = self._shelf.report(wanted.file, wanted.options, wanted.tensor)
        if report is None:
            self._after_the_map(job, wanted)
            report = self._scanned(job, wanted)
        return Layer(report)

    def _scanned(self, job: Job, wanted: LayerWanted) -> LayerReport:
        """Scan one tensor; the scan is left before it takes one row for the whole file."""
        stream = ScanStream(
            self._shelf.checkpoint(wanted.file),
            wanted.options,
            order=Agenda((wanted.tensor,)),
            cancelled=job.cancelled,
        )
        return next(report for report in stream if report.name == wanted.tensor)

    def _after_the_map(self, job: Job, wanted: LayerWanted | ValuesWanted) -> None:
        """Let the mask be read first: the map of what is kept goes before any statistics."""
        self._shelf.pyramid(wanted.file, wanted.options, wanted.tensor, job.tick)

    def _judged(
        self, file: FileId, options: ScanOptions, tensor: str, pyramid: Pyramid
    ) -> NMPattern | None:
        """Say what the groups of a tensor are judged against."""
        report = self._shelf.report(file, options, tensor)
        return pyramid.pattern if report is None else pattern_of(report)


def _scale_of(report: LayerReport) -> float | None:
    """Give the largest finite |w| if the report says it."""
    if report.min is None or report.max is None:
        return None
    return max(-report.min, report.max)


def _picture(
    wanted: PictureWanted, pyramid: Pyramid, scale: float, pattern: NMPattern | None
) -> Picture:
    """Fill in the facts of a picture."""
    layout = pyramid.mask.layout
    row_label, column_label = side_labels(layout)
    group_rows, group_columns = group_size(layout, pattern)
    return Picture(
        view=wanted.view,
        tensor=wanted.tensor,
        rows=layout.rows,
        columns=layout.columns,
        row_levels=levels(layout.rows),
        column_levels=levels(layout.columns),
        row_label=row_label,
        column_label=column_label,
        scale=scale,
        pattern=None if pattern is None else str(pattern),
        axis=None if pattern is None else pattern.axis,
        group_rows=group_rows,
        group_columns=group_columns,
    )


def _tile(wanted: TilesWanted, key: TileKey, cells: npt.NDArray[np.uint8]) -> Tile:
    """Make a tile travel; what is all one colour, or goes over a narrow line, is packed."""
    height, width = cells.shape
    packed = NARROW or bool((cells == cells[0, 0]).all())
    data = cells.tobytes()
    return Tile(
        view=wanted.view,
        tensor=wanted.tensor,
        plane=wanted.plane,
        key=key,
        height=height,
        width=width,
        packed=packed,
        data=zlib.compress(data, 1) if packed else data,
    )

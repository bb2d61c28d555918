"""Two checkpoints side by side: their layers in numbers, the picture of what differs."""

import zlib
from collections.abc import Iterator

from sparse_core.analysis.compare import Comparison, compare_checkpoints
from sparse_core.analysis.difference import Ordered, difference
from sparse_core.analysis.timeline.flip_picture import flip_tile
from sparse_core.masks import PackedMask
from sparse_core.messages import ROWS_A_FRAME, Done, FileId, ScanOptions, Tile
from sparse_core.messages.comparison import (
    Compared,
    CompareWanted,
    Difference,
    DifferenceTilesWanted,
    NextDifference,
)
from sparse_core.messages.vocabulary import ChangePlane
from sparse_core.service.columns import counts, floats
from sparse_core.service.lanes import Job
from sparse_core.service.shelf import Kept, Shelf

KEPT_BYTES = 64 << 20
"""Masks of differences that are kept."""

_Key = tuple[FileId, FileId, ScanOptions, str, ChangePlane]


class Differences:
    """Answers questions about two checkpoints.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._masks: Kept[_Key, PackedMask] = Kept(KEPT_BYTES, lambda mask: mask.words.nbytes)

    def compare(self, job: Job, wanted: CompareWanted) -> Done:
        """Compare two checkpoints."""
        found = compare_checkpoints(
            self._shelf.checkpoint(wanted.a),
            self._shelf.checkpoint(wanted.b),
            wanted.options,
            progress=job.answer,
            cancelled=job.cancelled,
        )
        for columns in compared_columns(found):
            job.answer(columns)
        return Done()

    def tiles(self, job: Job, wanted: DifferenceTilesWanted) -> Done:
        """Draw a set of tiles in the order in which they are wanted."""
        mask = self._mask(job, wanted, wanted.plane)
        for key in wanted.tiles:
            job.tick()
            cells = flip_tile(mask, key)
            job.answer(
                Tile(
                    view=wanted.view,
                    tensor=wanted.layer,
                    plane=wanted.plane,
                    key=key,
                    height=cells.shape[0],
                    width=cells.shape[1],
                    packed=True,
                    data=zlib.compress(cells.tobytes(), 1),
                )
            )
        return Done()

    def next(self, job: Job, wanted: NextDifference) -> Difference:
        """Find the flip before or after a place."""
        order = Ordered(self._mask(job, wanted, "flips"))
        here = order.ordinal(wanted.row, wanted.column)
        after = order.ordinal(wanted.row, wanted.column + 1) if wanted.row >= 0 else 0
        at = after if wanted.step > 0 else here - 1
        row, column = order.place(at) if 0 <= at < order.total else (-1, -1)
        return Difference(wanted.view, wanted.layer, row, column, at, order.total)

    def _mask(
        self, job: Job, wanted: DifferenceTilesWanted | NextDifference, plane: ChangePlane
    ) -> PackedMask:
        def make() -> PackedMask:
            one, other = (
                self._shelf.pyramid(file, wanted.options, wanted.layer, job.tick).mask
                for file in (wanted.a, wanted.b)
            )
            return difference(one, other, plane)

        # A file without a stamp may be another one by now.
        if not (wanted.a.stamp and wanted.b.stamp):
            return make()
        for file in (wanted.a, wanted.b):
            self._shelf.checkpoint(file)
        return self._masks.get((wanted.a, wanted.b, wanted.options, wanted.layer, plane), make)


def compared_columns(found: Comparison) -> Iterator[Compared]:
    """Turn a comparison into columns, some layers at a time; the total is the last row."""
    rows = (*found.layers, found.total)
    for first in range(0, len(rows), ROWS_A_FRAME):
        some = rows[first : first + ROWS_A_FRAME]
        yield Compared(
            names=tuple(row.layer or "" for row in some),
            patterns=tuple(row.pattern or "" for row in some),
            notes=found.notes if first == 0 else (),
            entries=counts([row.entries for row in some]),
            births=counts([row.births for row in some]),
            deaths=counts([row.deaths for row in some]),
            new_violations=counts([row.new_violations for row in some]),
            healed_violations=counts([row.healed_violations for row in some]),
            jaccard=floats([row.jaccard for row in some]),
            norm_change=floats([row.norm_change for row in some]),
            cosine=floats([row.cosine for row in some]),
        )

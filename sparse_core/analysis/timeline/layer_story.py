"""What one layer did over a series: its history, and its flips between any two checkpoints."""

from collections.abc import Iterator

import numpy as np

from sparse_core.analysis.meter import Meter
from sparse_core.analysis.timeline.history import History
from sparse_core.analysis.timeline.place import place_of
from sparse_core.analysis.timeline.reading import Ask, Reader
from sparse_core.analysis.timeline.result import Timeline
from sparse_core.checkpoints.series import Member, find_series
from sparse_core.errors import SparseError
from sparse_core.masks import PackedMask
from sparse_core.messages.timeline import SeriesId, TimelineOptions


def members_of(series: SeriesId, options: TimelineOptions, line: Timeline) -> tuple[Member, ...]:
    """Find the files behind the points of a timeline."""
    place = place_of(series, options)
    known = {point.path for point in line.points}
    found = find_series(place.sources, series.exclude).members
    return tuple(member for member in found if str(member.path) in known)


class LayerStory:
    """Answers questions about one layer of a series that was read before.

    Its masks come from the analysis cache; where they are no longer there the checkpoints are
    read again.

    Parameters
    ----------
    series : SeriesId
    options : TimelineOptions
    line : Timeline
        What ``read_timeline`` gave for them.
    layer : str
    cancelled : callable, optional
    members : tuple of Member, optional
        What ``members_of`` gave: to look at a thousand files again takes longer than their masks.

    Raises
    ------
    SparseError
        If the timeline has no such layer.
    """

    def __init__(
        self,
        series: SeriesId,
        options: TimelineOptions,
        line: Timeline,
        layer: str,
        cancelled: Ask | None = None,
        members: tuple[Member, ...] | None = None,
    ) -> None:
        names = {one.name for one in line.layers}
        if layer not in names:
            raise SparseError(f"The series has no layer {layer}.")
        self._members = members_of(series, options, line) if members is None else members
        self._reader = Reader(options, Meter(0, None, cancelled))
        self._layer = layer
        self._shape = line.layers[line.of(layer)].layout.shape

    def masks(
        self, before: int | None = None, after: int | None = None
    ) -> Iterator[tuple[Member, PackedMask]]:
        """Give the masks of the layer from one step to another, where it has its last shape."""
        for member in self._members:
            if before is not None and member.step < before:
                continue
            if after is not None and member.step > after:
                continue
            mask = self._reader.mask(member, self._layer)
            if mask is not None and mask.layout.shape == self._shape:
                yield member, mask

    def history(self, before: int | None = None, after: int | None = None) -> History:
        """Look at all steps, or at those from one to another, both included."""
        return History(mask for _, mask in self.masks(before, after))

    def weight(self, row: int, column: int) -> tuple[tuple[int, ...], list[tuple[int, bool]]]:
        """Give the place of a weight in its tensor, and its mask bit at each step.

        Raises
        ------
        SparseError
            If the layer has no such row or column.
        """
        word, bit = divmod(column, 64)
        index: tuple[int, ...] = ()
        bits = []
        for member, mask in self.masks():
            if not (0 <= row < mask.layout.rows and 0 <= column < mask.layout.columns):
                raise SparseError(f"{self._layer} has no weight in row {row}, column {column}.")
            place = np.unravel_index(mask.layout.flat_index(row, column), mask.layout.shape)
            index = tuple(int(one) for one in place)
            bits.append((member.step, bool(int(mask.words[row, word]) >> bit & 1)))
        return index, bits

    def mask_at(self, step: int) -> PackedMask:
        """Give the mask at a step.

        Raises
        ------
        SparseError
            If there is none.
        """
        for member in self._members:
            if member.step == step:
                mask = self._reader.mask(member, self._layer)
                if mask is not None and mask.layout.shape == self._shape:
                    return mask
        raise SparseError(f"{self._layer} has no mask at step {step}.")

    def flips(self, before: int, after: int) -> PackedMask:
        """Give the weights that differ between two steps, True = flipped."""
        one, other = self.mask_at(before), self.mask_at(after)
        return PackedMask(one.words ^ other.words, one.layout)

"""The groups that break a pattern, in order, and which one is the k-th."""

import numpy as np
import numpy.typing as npt

from sparse_core.masks import PackedMask, bad_group_positions
from sparse_core.patterns import NMPattern

BAND_ROWS = 4096
"""Rows that are searched in one go, so that a tensor full of bad groups needs little memory."""

Places = npt.NDArray[np.int64]


class Violations:
    """An index of the bad groups of one mask.

    Kept are counts a memory row; positions are found again when they are asked for, so that a
    hundred million bad groups take no more room than none.

    Parameters
    ----------
    mask : PackedMask
    pattern : NMPattern
    """

    def __init__(self, mask: PackedMask, pattern: NMPattern) -> None:
        self.mask = mask
        self.pattern = pattern
        counts = np.zeros(mask.layout.rows, np.int64)
        for start in range(0, mask.layout.rows, BAND_ROWS):
            stop = min(start + BAND_ROWS, mask.layout.rows)
            rows, _ = self._search(start, stop)
            counts[start:stop] = np.bincount(rows - start, minlength=stop - start)
        self._before = np.concatenate([[0], np.cumsum(counts)])

    @property
    def total(self) -> int:
        """Number of bad groups."""
        return int(self._before[-1])

    def places(self, first: int, count: int) -> tuple[Places, Places]:
        """Find bad groups by their number.

        Parameters
        ----------
        first, count : int
            ``first`` counts from 0 in memory order of a group's first weight.

        Returns
        -------
        rows, columns : ndarray of int64, at most ``(count,)``
            The first weight of each on the memory view.
        """
        first = max(0, first)
        last = min(first + count, self.total)
        if first >= last:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        start, stop = self._row_of(first), self._row_of(last - 1) + 1
        rows, columns = self._search(start, stop)
        skip = first - int(self._before[start])
        return rows[skip : skip + last - first], columns[skip : skip + last - first]

    def ordinal(self, row: int, column: int) -> int:
        """Count the bad groups whose first weight lies before a place."""
        if row < 0:
            return 0
        if row >= self.mask.layout.rows:
            return self.total
        _, columns = self._search(row, row + 1)
        return int(self._before[row]) + int((columns < column).sum())

    def _row_of(self, number: int) -> int:
        """Find the memory row of the bad group with this number."""
        return int(np.searchsorted(self._before, number, side="right")) - 1

    def _search(self, start: int, stop: int) -> tuple[Places, Places]:
        """Find all bad groups whose first weight lies in a range of rows."""
        room = (stop - start) * self.mask.layout.columns
        found = bad_group_positions(self.mask, self.pattern, start, stop, limit=room)
        return found.rows, found.columns

"""Where two masks of one layer differ: as a mask of its own, and the k-th of its bits."""

import numpy as np

from sparse_core.errors import SparseError
from sparse_core.masks import PackedMask
from sparse_core.messages.vocabulary import ChangePlane


def difference(a: PackedMask, b: PackedMask, plane: ChangePlane) -> PackedMask:
    """Give the weights that are kept in one mask only, in B only, or in A only.

    Parameters
    ----------
    a, b : PackedMask
        Of one shape.
    plane : str
        ``flips``, ``born`` (kept in B only) or ``died`` (kept in A only).

    Raises
    ------
    SparseError
        If the shapes differ.
    """
    if a.layout.shape != b.layout.shape:
        raise SparseError(
            f"The shapes differ, {a.layout.shape} and {b.layout.shape}: nothing to compare."
        )
    if plane == "born":
        return PackedMask(b.words & ~a.words, b.layout)
    if plane == "died":
        return PackedMask(a.words & ~b.words, a.layout)
    return PackedMask(a.words ^ b.words, a.layout)


class Ordered:
    """The bits of a mask in memory order.

    Parameters
    ----------
    mask : PackedMask
    """

    def __init__(self, mask: PackedMask) -> None:
        self._mask = mask
        counts = np.bitwise_count(mask.words).sum(axis=1, dtype=np.int64)
        self._before = np.concatenate([[0], np.cumsum(counts)])

    @property
    def total(self) -> int:
        """Number of bits."""
        return int(self._before[-1])

    def ordinal(self, row: int, column: int) -> int:
        """Count the bits before a place."""
        if row < 0:
            return 0
        if row >= self._mask.layout.rows:
            return self.total
        return int(self._before[row]) + int((self._columns(row) < column).sum())

    def place(self, number: int) -> tuple[int, int]:
        """Give row and column of the bit with a number from 0.

        Raises
        ------
        IndexError
            If there is none.
        """
        if not 0 <= number < self.total:
            raise IndexError(number)
        row = int(np.searchsorted(self._before, number, side="right")) - 1
        return row, int(self._columns(row)[number - int(self._before[row])])

    def _columns(self, row: int) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """Find the columns of a row's bits."""
        words = np.ascontiguousarray(self._mask.words[row]).view(np.uint8)
        flags = np.unpackbits(words, bitorder="little")
        return np.flatnonzero(flags[: self._mask.layout.columns])

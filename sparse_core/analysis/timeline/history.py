"""One layer over all steps: which of its weights flip, how often, and when they last did.

Counts are kept as planes of bits, one plane for each binary digit, so that a step costs a few
operations on words, whatever it counts.
"""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.masks import Layout, PackedMask
from sparse_core.native import kernels
from sparse_core.native.kernels import Words

Numbers = npt.NDArray[np.int64]


class Oscillator(msgspec.Struct, frozen=True):
    """A weight that flips: its place in the memory view and in the tensor, and its flips."""

    row: int
    column: int
    index: int
    flips: int


class History:
    """The flips of one layer.

    Parameters
    ----------
    masks : iterable of PackedMask
        The layer at each step, all of one shape. Each is looked at once.
    """

    def __init__(self, masks: Iterable[PackedMask]) -> None:
        self.layout: Layout | None = None
        self.steps = 0
        self._count: list[Words] = []
        self._last: list[Words] = []
        before: Words | None = None
        for mask in masks:
            if before is not None:
                self._flip(mask.words ^ before)
            before, self.layout = mask.words, mask.layout
            self.steps += 1

    def _flip(self, flips: Words) -> None:
        """Count one step's flips."""
        carry = flips
        for place, plane in enumerate(self._count):
            self._count[place], carry = plane ^ carry, plane & carry
        if carry.any():
            self._count.append(carry)
        digits = max(len(self._last), self.steps.bit_length())
        self._last += [np.zeros_like(flips) for _ in range(digits - len(self._last))]
        for place, plane in enumerate(self._last):
            if self.steps >> place & 1:
                plane |= flips
            else:
                plane &= ~flips

    @property
    def bytes(self) -> int:
        """Memory that it holds."""
        return sum(plane.nbytes for plane in (*self._count, *self._last))

    def flips(self) -> Numbers:
        """Count the flips of each weight, in the tensor's shape."""
        return self._numbers(self._count)

    def last_change(self) -> Numbers:
        """Give for each weight the point at which it last flipped, 0 where it never did."""
        return self._numbers(self._last)

    def last_change_in(self, rows: slice) -> Numbers:
        """Give ``last_change`` of some memory rows, ``(rows, columns)``."""
        return self._digits(self._last, rows)

    def _numbers(self, planes: list[Words]) -> Numbers:
        """Put the digits of planes together, in the tensor's shape."""
        shape = (0,) if self.layout is None else self.layout.shape
        return self._digits(planes, slice(None)).reshape(shape)

    def _digits(self, planes: list[Words], rows: slice) -> Numbers:
        """Put the digits of some rows of planes together."""
        if self.layout is None:
            return np.zeros((0, 0), np.int64)
        count = len(range(self.layout.rows)[rows])
        total = np.zeros((count, self.layout.columns), np.int64)
        flags = np.empty(total.size, np.uint8)
        for place, plane in enumerate(planes):
            kernels.unpack(np.ascontiguousarray(plane[rows]), self.layout.columns, flags)
            total += flags.reshape(total.shape).astype(np.int64) << place
        return total

    def worst(self, count: int = 20) -> tuple[Oscillator, ...]:
        """Name the weights that flip most, the worst first, then in memory order."""
        if self.layout is None or not self._count:
            return ()
        chosen = list(_largest(self._count, count))
        found = [self._oscillator(row, column) for row, column in chosen]
        return tuple(sorted(found, key=lambda one: (-one.flips, one.index))[:count])

    def _oscillator(self, row: int, column: int) -> Oscillator:
        assert self.layout is not None
        word, bit = divmod(column, 64)
        digits = [int(plane[row, word]) >> bit & 1 for plane in self._count]
        flips = sum(digit << place for place, digit in enumerate(digits))
        return Oscillator(row, column, self.layout.flat_index(row, column), flips)


def _largest(planes: list[Words], count: int) -> Iterator[tuple[int, int]]:
    """Find at least ``count`` of the largest numbers that are not 0, by their highest digits."""
    above = np.zeros_like(planes[0])
    level = np.bitwise_or.reduce(planes)
    for plane in reversed(planes):
        higher = level & plane
        if _bits(above) + _bits(higher) >= count:
            level = higher
        else:
            above, level = above | higher, level & ~plane
    yield from _places(above, count)
    yield from _places(level, count - _bits(above))


def _places(words: Words, count: int) -> Iterator[tuple[int, int]]:
    """Give row and column of the first ``count`` bits."""
    found = 0
    for row, word in np.argwhere(words).tolist():
        for bit in range(64):
            if found >= count:
                return
            if int(words[row, word]) >> bit & 1:
                found += 1
                yield row, 64 * word + bit


def _bits(words: Words) -> int:
    """Count the bits."""
    return int(np.bitwise_count(words).sum(dtype=np.int64))

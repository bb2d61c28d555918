"""Counts over the words of masks, a piece at a time so that all stay in the cache."""

from collections.abc import Iterator

import msgspec
import numpy as np

from sparse_core.native.kernels import Words

PIECE = 1 << 14
"""Words that are looked at in one go: 128 kB."""


def kept(words: Words) -> int:
    """Count the bits."""
    flat, counter = words.reshape(-1), Counter()
    return sum(counter.count(flat[place]) for place in _pieces(flat.size))


def differing(one: Words, other: Words) -> int:
    """Count the bits that differ: the SAD of two masks."""
    a, b, counter = one.reshape(-1), other.reshape(-1), Counter()
    return sum(counter.xor(a[place], b[place]) for place in _pieces(a.size))


class Counter:
    """Counts the bits of pieces in memory that is used again: fresh memory costs more."""

    def __init__(self) -> None:
        self._counts = np.empty(PIECE, np.uint8)
        self._words = np.empty(PIECE, np.uint64)

    def count(self, words: Words) -> int:
        """Count the bits of a piece."""
        counts = np.bitwise_count(words, out=self._counts[: words.size])
        return int(np.add.reduce(counts, dtype=np.uint32))

    def xor(self, one: Words, other: Words) -> int:
        """Count the bits in which two pieces differ."""
        return self.count(np.bitwise_xor(one, other, out=self._words[: one.size]))

    def both(self, one: Words, other: Words) -> int:
        """Count the bits that two pieces share."""
        return self.count(np.bitwise_and(one, other, out=self._words[: one.size]))


class Step(msgspec.Struct, frozen=True):
    """What one step did to a layer.

    Attributes
    ----------
    kept : int
        Kept weights after it.
    sad : int
        Weights that flipped.
    returned : int
        Of those, weights that had flipped in the step before: they flipped back.
    survivors : int
        Weights that were kept in every mask so far.
    drift : int
        Weights that differ from the first mask.
    """

    kept: int
    sad: int
    returned: int
    survivors: int
    drift: int


class Trail:
    """The masks of one layer so far, in the four bits a weight that the next step needs.

    Parameters
    ----------
    words : ndarray of uint64
        The first mask.
    """

    def __init__(self, words: Words) -> None:
        self.first = words.reshape(-1)
        self.last = self.first
        self._alive = self.first.copy()
        self._flipped = np.zeros_like(self.first)

    def move(self, words: Words) -> Step:
        """Go on to the next mask."""
        now, counter = words.reshape(-1), Counter()
        totals = np.zeros(5, np.int64)
        for place in _pieces(now.size):
            totals += self._move_piece(now[place], place, counter)
        self.last = now
        return Step(*totals.tolist())

    def _move_piece(self, now: Words, place: slice, counter: Counter) -> tuple[int, ...]:
        flips = now ^ self.last[place]
        returned = counter.both(self._flipped[place], flips)
        self._flipped[place] = flips
        alive = self._alive[place]
        alive &= now
        return (
            counter.count(now),
            counter.count(flips),
            returned,
            counter.count(alive),
            counter.xor(now, self.first[place]),
        )


def _pieces(words: int) -> Iterator[slice]:
    """Cut a number of words into pieces."""
    return (slice(start, start + PIECE) for start in range(0, words, PIECE))

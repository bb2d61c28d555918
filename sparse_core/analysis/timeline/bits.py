"""Counts over the words of masks, a piece at a time so that all stay in the cache."""

from collections.abc import Iterator

import msgspec
import numpy as np

from sparse_core.native.kernels import Words

PIECE = 1 << 14
"""Words that are looked at in one go: 128 kB."""


def kept(words: Words) -> int:
    """Count the bits."""
    flat = words.reshape(-1)
    return sum(_count(flat[place]) for place in _pieces(flat.size))


def differing(one: Words, other: Words) -> int:
    """Count the bits that differ: the SAD of two masks."""
    a, b = one.reshape(-1), other.reshape(-1)
    return sum(_count(a[place] ^ b[place]) for place in _pieces(a.size))


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
        now = words.reshape(-1)
        totals = np.zeros(5, np.int64)
        for place in _pieces(now.size):
            totals += self._move_piece(now[place], place)
        self.last = now
        return Step(*totals.tolist())

    def _move_piece(self, now: Words, place: slice) -> tuple[int, ...]:
        flips = now ^ self.last[place]
        alive = self._alive[place]
        alive &= now
        counts = (
            _count(now),
            _count(flips),
            _count(self._flipped[place] & flips),
            _count(alive),
            _count(now ^ self.first[place]),
        )
        self._flipped[place] = flips
        return counts


def _pieces(words: int) -> Iterator[slice]:
    """Cut a number of words into pieces."""
    return (slice(start, start + PIECE) for start in range(0, words, PIECE))


def _count(words: Words) -> int:
    """Count the bits of a piece."""
    return int(np.bitwise_count(words).sum(dtype=np.int64))

"""A group under the loupe: ranks, ties, margins, and what a correct mask would do."""

from collections.abc import Sequence
from math import inf, isfinite, isnan

import msgspec

from sparse_core.patterns import NMPattern


class GroupView(msgspec.Struct, frozen=True):
    """What can be said of the weights of one group.

    ``ranks`` count from 1, the largest magnitude; of equals the later index ranks higher, NaN
    above Inf. ``correct`` keeps ranks up to N. ``margin`` is how far the smallest that stays is
    above the largest that goes, relative to the former; None where no non-zero weight goes.
    """

    ranks: tuple[int, ...]
    tied: tuple[bool, ...]
    correct: tuple[bool, ...]
    margin: float | None
    sentence: str


def look(values: Sequence[float], kept: Sequence[bool], pattern: NMPattern) -> GroupView:
    """Judge a group.

    Parameters
    ----------
    values : sequence of float, ``(m,)``
        The weights as stored.
    kept : sequence of bool, ``(m,)``
        The mask as it is; pruned weights count as zero.
    pattern : NMPattern
    """
    sizes = [_size(value) if keep else 0.0 for value, keep in zip(values, kept, strict=True)]
    order = sorted(range(len(sizes)), key=lambda at: (sizes[at], at), reverse=True)
    ranks = [0] * len(sizes)
    for rank, at in enumerate(order, start=1):
        ranks[at] = rank
    correct = tuple(rank <= pattern.n for rank in ranks)
    goes = [at for at in order[pattern.n :] if kept[at]]
    return GroupView(
        ranks=tuple(ranks),
        tied=tuple(kept[at] and sizes.count(sizes[at]) > 1 for at in range(len(sizes))),
        correct=correct,
        margin=_margin(sizes, order, pattern) if goes else None,
        sentence=_sentence(values, goes, pattern),
    )


def _size(value: float) -> float:
    """Rank a magnitude: NaN above Inf, and Inf above every number."""
    return inf if isnan(value) else min(abs(value), 1.7e308) if isfinite(value) else 1.75e308


def _margin(sizes: Sequence[float], order: Sequence[int], pattern: NMPattern) -> float | None:
    """Compare the two weights on either side of the threshold."""
    stays, goes = sizes[order[pattern.n - 1]], sizes[order[pattern.n]]
    if not 0 < stays < 1.7e308:
        return None
    return (stays - goes) / stays


_WHICH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def _sentence(values: Sequence[float], goes: Sequence[int], pattern: NMPattern) -> str:
    """Say what a correct mask would drop."""
    if not goes:
        return f"Keeps at most {pattern.n} of {pattern.m}: valid."
    dropped = [f"the {_ordinal(at)}: {values[at]:.6g}" for at in sorted(goes)]
    return f"A correct mask drops {', '.join(dropped)}."


def _ordinal(at: int) -> str:
    """Name a position in words up to eight, then as a number."""
    return _WHICH[at] if at < len(_WHICH) else f"{at + 1}th"

"""Which N:M pattern a mask has, told from counts alone.

A tensor *has* a pattern where no group breaks it, at least 10 % of its non-empty groups hold
exactly N, and a random mask of the same density would be expected to break at least 14 of its
groups. Without the second rule a 1:4 mask would also be 2:4; without the third, random 90 %
sparsity would read as 13:32 and a small random layer as anything: a Poisson count of mean 14 is
zero once in a million.

A pattern is *nearly* there where at most 5 % of the groups break it and chance would break five
times as many: it is what the tensor was meant to have.
"""

from collections.abc import Iterator, Sequence
from math import exp, lgamma

import msgspec

from sparse_core.masks import GroupCounts, Layout, PackedMask, count_groups, survey_groups
from sparse_core.patterns import RECOGNISED, Axis, NMPattern

EXACT_SHARE = 0.1
CHANCE_GROUPS = 14
BROKEN_SHARE = 0.05
CHANCE_RATIO = 5


class Recognised(msgspec.Struct, frozen=True):
    """A pattern that was found.

    Attributes
    ----------
    pattern : NMPattern
    counts : GroupCounts
        Its groups; ``counts.bad`` is 0 where the tensor has the pattern.
    ambiguous : bool
        Whether ``in`` and ``kernel`` both hold, so that the axis cannot be told.
    """

    pattern: NMPattern
    counts: GroupCounts
    ambiguous: bool = False


class Occupancy(msgspec.Struct, frozen=True):
    """How full a tensor is.

    Attributes
    ----------
    kept, elements : int
        Non-zero weights, and all.
    whole_lines : bool
        Whether the zeros are whole rows and columns, as structured pruning leaves them. Such a
        mask repeats itself, so that chance makes patterns far more easily: every group must then
        hold exactly N.
    """

    kept: int
    elements: int
    whole_lines: bool = False


class Census:
    """Counts of groups, made when they are asked for.

    The first question along an axis is answered alone, for it is mostly the last: a mask that is
    as dense as its pattern has it at the first try. The second makes all counts of that axis,
    and leaves out what more than ``BROKEN_SHARE`` of the groups break: nobody asks further.

    Parameters
    ----------
    mask : PackedMask
    axes : sequence of str
        The axes to look along.

    Attributes
    ----------
    groups : dict
        (M, axis) -> number of whole groups.
    """

    def __init__(self, mask: PackedMask, axes: Sequence[Axis]) -> None:
        self.axes = tuple(axes)
        self.groups = {
            (m, axis): mask.layout.group_count(NMPattern(1, m, axis))
            for m in sorted({m for _, m in RECOGNISED})
            for axis in axes
        }
        self._mask = mask
        self._first: dict[NMPattern, GroupCounts] = {}
        self._all: dict[Axis, dict[tuple[int, int], GroupCounts]] = {}

    def counts(self, pattern: NMPattern) -> GroupCounts | None:
        """Count the groups of a recognised pattern; None where it is far from holding."""
        if pattern in self._first:
            return self._first[pattern]
        if not any(one.axis == pattern.axis for one in self._first):
            self._first[pattern] = count_groups(self._mask, pattern)
            return self._first[pattern]
        if pattern.axis not in self._all:
            self._all[pattern.axis] = survey_groups(self._mask, pattern.axis, BROKEN_SHARE)
        return self._all[pattern.axis].get((pattern.n, pattern.m))


def chance_to_break(n: int, m: int, occupancy: Occupancy) -> float:
    """Give the probability that a group of ``m`` holds more than ``n`` in a random mask.

    The mask is drawn among all with the same number of kept weights (hypergeometric), so the
    figure is right for small layers too.
    """
    kept, dropped = occupancy.kept, occupancy.elements - occupancy.kept
    if occupancy.elements < m:
        return 0.0
    first, last = max(0, m - dropped), min(m, kept)
    share = exp(_ways(kept, first) + _ways(dropped, m - first) - _ways(occupancy.elements, m))
    chance = 0.0
    for count in range(first, last + 1):
        if count > n:
            chance += share
        share *= (kept - count) * (m - count) / ((count + 1) * (dropped - m + count + 1))
    return min(chance, 1.0)


def _ways(population: int, taken: int) -> float:
    """Give the logarithm of a binomial coefficient."""
    return lgamma(population + 1) - lgamma(taken + 1) - lgamma(population - taken + 1)


def axes_of(layout: Layout, wanted: Axis | None = None) -> tuple[Axis, ...]:
    """Give the axes worth looking along, in the order in which they win.

    They are those that have a whole group of four.
    """
    chosen = layout.axes if wanted is None else (wanted,)
    return tuple(axis for axis in chosen if layout.group_count(NMPattern(1, 4, axis)) > 0)


def recognise(census: Census, occupancy: Occupancy) -> Recognised | None:
    """Find the pattern a tensor has: the tightest, then the smallest M, ``in`` first.

    Parameters
    ----------
    census : Census
    occupancy : Occupancy

    Returns
    -------
    Recognised or None
        None where there is no pattern.
    """
    for pattern in _plausible(census, occupancy, 0.0):
        counts = census.counts(pattern)
        if counts is not None and _holds(counts, occupancy):
            return Recognised(pattern, counts, _holds_both_ways(census, pattern))
    return None


def nearly(census: Census, occupancy: Occupancy) -> Recognised | None:
    """Find the pattern that a tensor was meant to have and breaks in places."""
    for pattern in _plausible(census, occupancy, BROKEN_SHARE):
        counts = census.counts(pattern)
        if counts is None or not _almost_holds(counts, occupancy):
            continue
        chance = chance_to_break(pattern.n, pattern.m, occupancy)
        if counts.groups * chance >= CHANCE_RATIO * counts.bad:
            return Recognised(pattern, counts)
    return None


def _plausible(census: Census, occupancy: Occupancy, broken: float) -> Iterator[NMPattern]:
    """Give the patterns worth counting, the tightest first.

    Those whose groups cannot hold so many weights are left out, even if a share of them is
    ``broken`` and full, and those that chance alone would make.
    """
    for n, m in RECOGNISED:
        for axis in census.axes:
            groups = census.groups[m, axis]
            tails = occupancy.elements - groups * m
            room = groups * (n + broken * (m - n)) + tails
            if groups < CHANCE_GROUPS or occupancy.kept > room:
                continue
            if groups * chance_to_break(n, m, occupancy) >= CHANCE_GROUPS:
                yield NMPattern(n, m, axis)


def _holds(counts: GroupCounts, occupancy: Occupancy) -> bool:
    """Say whether no group breaks a pattern and enough of them fill it."""
    return not counts.bad and _regular(counts, occupancy)


def _almost_holds(counts: GroupCounts, occupancy: Occupancy) -> bool:
    """Say whether few groups break a pattern, and enough of them fill it."""
    return 0 < counts.bad <= BROKEN_SHARE * counts.groups and _regular(counts, occupancy)


def _regular(counts: GroupCounts, occupancy: Occupancy) -> bool:
    """Say whether enough groups hold exactly N."""
    share = 1 - BROKEN_SHARE if occupancy.whole_lines else EXACT_SHARE
    if occupancy.whole_lines and not counts.bad:
        share = 1.0
    return counts.nonempty > 0 and counts.exact >= share * counts.nonempty


def _holds_both_ways(census: Census, pattern: NMPattern) -> bool:
    """Say whether a pattern along ``in`` holds in kernel order too."""
    if pattern.axis != "in" or "kernel" not in census.axes:
        return False
    counts = census.counts(NMPattern(pattern.n, pattern.m, "kernel"))
    if counts is None or counts.bad:
        return False
    return counts.exact >= EXACT_SHARE * counts.nonempty

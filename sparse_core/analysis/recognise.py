"""Which N:M pattern a mask has, told from counts alone.

A tensor *has* a pattern where no group breaks it, at least 10 % of its non-empty groups hold
exactly N, and a random mask of the same density would be expected to break at least 14 of its
groups. Without the second rule a 1:4 mask would also be 2:4; without the third, random 90 %
sparsity would read as 13:32 and a small random layer as anything: a Poisson count of mean 14 is
zero once in a million.

A pattern is *nearly* there where at most 5 % of the groups break it and chance would break five
times as many: it is what the tensor was meant to have.
"""

from collections.abc import Iterator, Mapping

import msgspec

from sparse_core.masks import GroupCounts, Layout
from sparse_core.patterns import RECOGNISED, Axis, NMPattern

Survey = Mapping[tuple[int, int], GroupCounts]

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


def chance_to_break(n: int, m: int, occupancy: Occupancy) -> float:
    """Give the probability that a group of ``m`` holds more than ``n`` in a random mask.

    The mask is drawn among all with the same number of kept weights (hypergeometric), so the
    figure is right for small layers too.
    """
    kept, dropped = occupancy.kept, occupancy.elements - occupancy.kept
    if occupancy.elements < m:
        return 0.0
    chance, ways = 0.0, 1.0
    for count in range(m + 1):
        if count > n:
            chance += ways * _draw(kept, dropped, count, m - count)
        ways = ways * (m - count) / (count + 1)
    return min(chance, 1.0)


def _draw(kept: int, dropped: int, ones: int, noughts: int) -> float:
    """Give the probability of one given order of ``ones`` kept and ``noughts`` dropped weights."""
    chance, left = 1.0, kept + dropped
    for taken in range(ones):
        chance *= (kept - taken) / left
        left -= 1
    for taken in range(noughts):
        chance *= (dropped - taken) / left
        left -= 1
    return max(chance, 0.0)


def axes_of(layout: Layout, wanted: Axis | None = None) -> tuple[Axis, ...]:
    """Give the axes worth looking along: those that have a whole group of four."""
    chosen = layout.axes if wanted is None else (wanted,)
    return tuple(axis for axis in chosen if layout.group_count(NMPattern(1, 4, axis)) > 0)


def possible(kept: int, layout: Layout, axis: Axis) -> bool:
    """Say whether any recognised pattern can hold, or nearly hold, at this density.

    An upper bound: every good group holds M/2, one in twenty is full, and so are all tails.
    """
    for m in sorted({m for _, m in RECOGNISED}):
        groups = layout.group_count(NMPattern(1, m, axis))
        full = groups * BROKEN_SHARE
        most = full * m + (groups - full) * m / 2 + (layout.elements - groups * m)
        if groups and kept <= most:
            return True
    return False


def recognise(surveys: Mapping[Axis, Survey], occupancy: Occupancy) -> Recognised | None:
    """Find the pattern a tensor has: the tightest, then the smallest M, ``in`` first.

    Parameters
    ----------
    surveys : mapping
        Axis -> counts of every recognised pattern along it.
    occupancy : Occupancy

    Returns
    -------
    Recognised or None
        None where there is no pattern; an empty tensor has none.
    """
    for pattern, counts in _tightest_first(surveys):
        if _holds(pattern, counts, occupancy):
            other = surveys.get("kernel", {}).get((pattern.n, pattern.m))
            both = pattern.axis == "in" and other is not None and _regular(other) and not other.bad
            return Recognised(pattern, counts, both)
    return None


def nearly(surveys: Mapping[Axis, Survey], occupancy: Occupancy) -> Recognised | None:
    """Find the pattern that a tensor was meant to have and breaks in places."""
    for pattern, counts in _tightest_first(surveys):
        if not counts.bad or not _regular(counts):
            continue
        if counts.bad > BROKEN_SHARE * counts.groups:
            continue
        expected = counts.groups * chance_to_break(pattern.n, pattern.m, occupancy)
        if expected >= max(CHANCE_GROUPS, CHANCE_RATIO * counts.bad):
            return Recognised(pattern, counts)
    return None


def _holds(pattern: NMPattern, counts: GroupCounts, occupancy: Occupancy) -> bool:
    """Judge one pattern by the three rules."""
    if counts.bad or not _regular(counts):
        return False
    if occupancy.whole_lines and counts.exact < counts.nonempty:
        return False
    chance = chance_to_break(pattern.n, pattern.m, occupancy)
    return counts.groups * chance >= CHANCE_GROUPS


def _regular(counts: GroupCounts) -> bool:
    """Say whether enough groups hold exactly N."""
    return counts.nonempty > 0 and counts.exact >= EXACT_SHARE * counts.nonempty


def _tightest_first(
    surveys: Mapping[Axis, Survey],
) -> Iterator[tuple[NMPattern, GroupCounts]]:
    """Go through all counts in the order in which patterns win."""
    axes = sorted(surveys, key=_axis_rank)
    for n, m in RECOGNISED:
        for axis in axes:
            counts = surveys[axis].get((n, m))
            if counts is not None and counts.groups:
                yield NMPattern(n, m, axis), counts


def _axis_rank(axis: Axis) -> int:
    """Order the axes as they win: in, kernel, out."""
    return {"in": 0, "kernel": 1, "out": 2}[axis]

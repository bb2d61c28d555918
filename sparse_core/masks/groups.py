"""N:M groups: how many there are and how many break a pattern.

Everything is read from one histogram, the number of groups that hold 0, 1, ... M kept weights;
it answers for every N at once. Only whole groups count: the tail of a run belongs to none.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from sparse_core.masks.layout import Layout, Run
from sparse_core.masks.packed import PackedMask, moved
from sparse_core.native import kernels
from sparse_core.native.kernels import Counts, Words
from sparse_core.patterns import RECOGNISED, Axis, NMPattern

PIECE = 1 << 20
"""Elements that are looked at in one go."""


class GroupCounts(msgspec.Struct, frozen=True):
    """How the groups of a tensor stand to one N:M.

    Attributes
    ----------
    groups : int
        Whole groups.
    nonempty : int
        Groups that keep anything.
    exact : int
        Groups that keep exactly N.
    bad : int
        Groups that keep more than N.
    surplus : int
        Weights above N in the bad groups: what a repair would drop.
    """

    groups: int
    nonempty: int
    exact: int
    bad: int
    surplus: int


def across_rows(layout: Layout, run: Run) -> bool:
    """Say whether a run's groups cross memory rows; else they lie inside rows."""
    return run.outer * run.length == layout.rows and run.inner == layout.columns


def _pieces(mask: PackedMask, run: Run, multiple: int) -> Iterator[Words]:
    """Cut a mask into pieces that hold whole groups of any size that divides ``multiple``."""
    layout = mask.layout
    step = max(1, PIECE // max(1, layout.columns))
    if not across_rows(layout, run):
        for row in range(0, layout.rows, step):
            words = mask.words[row : row + step]
            plain = run.inner == 1 and run.length == layout.columns
            yield words if plain else moved(words, layout.columns, run)
        return
    step = -(-step // multiple) * multiple
    for stack in range(run.outer):
        base = stack * run.length
        for row in range(base, base + run.length, step):
            yield mask.words[row : min(row + step, base + run.length)]


def _add_groups(layout: Layout, run: Run, words: Words, m: int, seen: Counts) -> None:
    """Add the groups of a piece to a histogram."""
    words = np.ascontiguousarray(words)
    if across_rows(layout, run):
        kernels.column_histogram(words, run.inner, m, seen)
    else:
        kernels.row_histogram(words, run.length, m, seen)


def group_histogram(mask: PackedMask, axis: Axis, m: int) -> Counts:
    """Count the whole groups of ``m`` along an axis by how many weights they keep.

    Returns
    -------
    ndarray of int64, ``(m + 1,)``
        All zero where there is no whole group.
    """
    seen = np.zeros(m + 1, np.int64)
    run = mask.layout.run(axis)
    if run is not None and run.groups(m):
        for words in _pieces(mask, run, m):
            _add_groups(mask.layout, run, words, m, seen)
    return seen


def _counts(seen: Counts, n: int) -> GroupCounts:
    """Read a histogram for one N."""
    over = seen[n + 1 :]
    return GroupCounts(
        groups=int(seen.sum()),
        nonempty=int(seen[1:].sum()),
        exact=int(seen[n]),
        bad=int(over.sum()),
        surplus=int((over * np.arange(1, over.size + 1)).sum()),
    )


def count_groups(mask: PackedMask, pattern: NMPattern) -> GroupCounts:
    """Count how the groups of a mask stand to a pattern, exactly, for any N:M on any axis."""
    return _counts(group_histogram(mask, pattern.axis, pattern.m), pattern.n)


def survey_groups(
    mask: PackedMask, axis: Axis, tolerance: float = 1.0
) -> dict[tuple[int, int], GroupCounts]:
    """Count the groups for every recognised N:M of an axis.

    Parameters
    ----------
    tolerance : float
        Patterns that more than this share of all groups break are left out. A group size is
        given up as soon as all its patterns are beyond that, so that a survey of a mask that
        has no pattern costs little; what is returned is exact all the same.

    Returns
    -------
    dict of (n, m) to GroupCounts
        The tightest pattern first. With the default, all recognised ones.
    """
    layout, run = mask.layout, mask.layout.run(axis)
    seen = {m: np.zeros(m + 1, np.int64) for m in sorted({m for _, m in RECOGNISED})}
    loosest = {m: max(n for n, other in RECOGNISED if other == m) for m in seen}
    if run is not None:
        room = {m: tolerance * run.groups(m) for m in seen}
        for words in _pieces(mask, run, max(seen)):
            for m in [m for m in seen if run.groups(m)]:
                _add_groups(layout, run, words, m, seen[m])
                if seen[m][loosest[m] + 1 :].sum() > room[m]:
                    del seen[m]
            if not seen:
                break
    counts = {(n, m): _counts(seen[m], n) for n, m in RECOGNISED if m in seen}
    return {nm: found for nm, found in counts.items() if found.bad <= tolerance * found.groups}

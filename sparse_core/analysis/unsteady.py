"""Groups whose mask a little noise could change: what explains masks that move."""

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import DType, Raw
from sparse_core.masks import Layout
from sparse_core.masks.layout import Run
from sparse_core.masks.values import to_double
from sparse_core.patterns import NMPattern

PIECE = 1 << 18
"""Elements that are looked at in one go."""

Places = npt.NDArray[np.int64]


class Unsteady(msgspec.Struct, frozen=True, eq=False):
    """Groups near their threshold.

    ``first`` are the flat indices of the groups' first weights, ``margin`` how far the smallest
    that stays is above the largest that goes, relative to the former; the smallest margin first.
    ``total`` counts all of them, also those beyond the limit.
    """

    first: Places
    margin: npt.NDArray[np.float64]
    total: int


def unsteady_groups(
    raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern, noise: float = 0.01,
    limit: int = 200,
) -> Unsteady:  # fmt: skip
    """Find groups in which a relative ``noise`` could swap a kept and a dropped weight.

    Parameters
    ----------
    raw : ndarray, ``(elements,)``
        The effective weight. Where the largest that would go is zero already, nothing can swap.
    dtype, layout, pattern
    noise : float
        Relative margin below which a group is unsteady.
    limit : int
        At most so many are returned.
    """
    run = layout.run(pattern.axis)
    found: list[tuple[Places, npt.NDArray[np.float64]]] = []
    if run is not None and run.groups(pattern.m) and pattern.n < pattern.m:
        for outer in range(run.outer):
            found.extend(_of_block(raw, dtype, run, pattern, outer, noise))
    first = np.concatenate([np.empty(0, np.int64), *(places for places, _ in found)])
    margin = np.concatenate([np.empty(0), *(margins for _, margins in found)])
    order = np.argsort(margin, kind="stable")[:limit]
    return Unsteady(first[order], margin[order], len(first))


def _of_block(
    raw: Raw, dtype: DType, run: Run, pattern: NMPattern, outer: int, noise: float
) -> list[tuple[Places, npt.NDArray[np.float64]]]:
    """Look at one block of ``(length, inner)``, some groups at a time."""
    m, start = pattern.m, outer * run.length * run.inner
    step = max(1, PIECE // (m * run.inner))
    found = []
    for group in range(0, run.length // m, step):
        last = min(group + step, run.length // m)
        piece = raw[start + group * m * run.inner : start + last * m * run.inner]
        sizes = np.abs(to_double(piece, dtype)).reshape(last - group, m, run.inner)
        ranked = np.sort(np.nan_to_num(sizes, nan=np.inf), axis=1)
        stays, goes = ranked[:, m - pattern.n], ranked[:, m - pattern.n - 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            margin = (stays - goes) / stays
        groups, inner = np.nonzero((goes > 0) & (margin < noise))
        places = start + (group + groups) * m * run.inner + inner
        found.append((places.astype(np.int64), margin[groups, inner]))
    return found

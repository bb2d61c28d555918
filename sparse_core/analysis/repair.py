"""Making a weight keep a pattern: of each group that holds too many, the smallest go."""

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import DType, Raw
from sparse_core.masks import Layout, moments, project, unpack
from sparse_core.masks.values import nonzero, to_double
from sparse_core.patterns import NMPattern

Marks = npt.NDArray[np.bool_]


class Repair(msgspec.Struct, frozen=True):
    """What a repair changes.

    ``weights`` become zero, in ``groups`` groups; ``norm`` is the norm of the tensor before and
    ``dropped_norm`` that of what goes.
    """

    groups: int
    weights: int
    norm: float
    dropped_norm: float

    @property
    def norm_share(self) -> float:
        """Norm of what goes over the norm of the tensor, in [0, 1]."""
        return self.dropped_norm / self.norm if self.norm else 0.0


def repair(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> tuple[Raw, Repair]:
    """Give a weight that keeps a pattern, and what that changes.

    Parameters
    ----------
    raw : ndarray, ``(elements,)``
        The effective weight: pruned entries are zero.
    dtype, layout
        Its format and the meaning of its dimensions.
    pattern : NMPattern
        Groups that keep it already stay bit for bit as they are.

    Returns
    -------
    raw : ndarray, ``(elements,)``
        A copy; dropped weights are +0.
    changes : Repair
    """
    goes = _going(raw, dtype, layout, pattern)
    result = raw.copy()
    result[goes] = np.zeros(1, raw.dtype)[0]
    return result, _changes(raw, dtype, goes, _groups_with(goes, layout, pattern))


def repaired(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> Raw:
    """Give a weight that keeps a pattern; see ``repair``."""
    return repair(raw, dtype, layout, pattern)[0]


def preview(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> Repair:
    """Say what a repair would change, in fp64; see ``repair``."""
    goes = _going(raw, dtype, layout, pattern)
    return _changes(raw, dtype, goes, _groups_with(goes, layout, pattern))


def _going(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> Marks:
    """Mark what a repair drops.

    Zeros that the projection drops stay as they are: a negative zero is no change.
    """
    kept = unpack(project(raw, dtype, layout, pattern)).reshape(-1)
    marks: Marks = ~kept & nonzero(raw, dtype)
    return marks


def _changes(raw: Raw, dtype: DType, goes: Marks, groups: int) -> Repair:
    """Count what goes, and measure it in fp64."""
    dropped = to_double(raw[goes], dtype)
    facts = moments(raw, dtype, 0.0)
    squares = facts.m2 + facts.finite * (facts.mean or 0.0) ** 2 if facts.finite else 0.0
    return Repair(
        groups=groups,
        weights=int(goes.sum()),
        norm=float(np.sqrt(squares)),
        dropped_norm=float(np.sqrt(np.square(dropped[np.isfinite(dropped)]).sum())),
    )


def _groups_with(marked: Marks, layout: Layout, pattern: NMPattern) -> int:
    """Count the groups that hold a marked weight."""
    run = layout.run(pattern.axis)
    if run is None:
        return 0
    whole = run.length // pattern.m * pattern.m
    grid = marked.reshape(run.outer, run.length, run.inner)[:, :whole]
    groups = grid.reshape(run.outer, -1, pattern.m, run.inner)
    return int(groups.any(axis=2).sum())

"""Making a weight keep a pattern: of each group that holds too many, the smallest go."""

import msgspec
import numpy as np

from sparse_core.dtypes import DType, Raw
from sparse_core.masks import Layout, moments, project, unpack
from sparse_core.masks.values import nonzero, to_double
from sparse_core.patterns import NMPattern


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


def repaired(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> Raw:
    """Give a weight that keeps a pattern.

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
    ndarray, ``(elements,)``
        A copy; dropped weights are +0.
    """
    kept = unpack(project(raw, dtype, layout, pattern)).reshape(-1)
    # Zeros that the projection drops stay as they are: a negative zero is no change.
    goes = ~kept & nonzero(raw, dtype)
    result = raw.copy()
    result[goes] = np.zeros(1, raw.dtype)[0]
    return result


def preview(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> Repair:
    """Say what a repair would change, in fp64; see ``repaired``."""
    after = project(raw, dtype, layout, pattern)
    goes = ~unpack(after).reshape(-1) & nonzero(raw, dtype)
    dropped = to_double(raw[goes], dtype)
    facts = moments(raw, dtype, 0.0)
    squares = facts.m2 + facts.finite * (facts.mean or 0.0) ** 2 if facts.finite else 0.0
    return Repair(
        groups=_groups_with(goes, layout, pattern),
        weights=int(goes.sum()),
        norm=float(np.sqrt(squares)),
        dropped_norm=float(np.sqrt(np.square(dropped[np.isfinite(dropped)]).sum())),
    )


def _groups_with(marked: np.ndarray[tuple[int], np.dtype[np.bool_]], layout: Layout,
                 pattern: NMPattern) -> int:  # fmt: skip
    """Count the groups that hold a marked weight."""
    run = layout.run(pattern.axis)
    if run is None:
        return 0
    whole = run.length // pattern.m * pattern.m
    grid = marked.reshape(run.outer, run.length, run.inner)[:, :whole]
    groups = grid.reshape(run.outer, -1, pattern.m, run.inner)
    return int(groups.any(axis=2).sum())

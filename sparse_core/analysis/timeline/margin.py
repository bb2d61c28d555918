"""How far a projected mask is from flipping: the margin of its groups.

In each group the smallest kept |w| is ``k`` and the largest pruned |w| is ``p``; the next weight
to flip is one of these two, and ``(k - p) / (k + p)`` in [0, 1] says how far they are apart.
Groups are sampled evenly, so the figure costs nothing beside reading the weights.
"""

from math import isfinite, nan

import msgspec
import numpy as np

from sparse_core.checkpoints import Checkpoint, TensorInfo
from sparse_core.masks import Layout
from sparse_core.masks.values import Doubles, to_double
from sparse_core.patterns import NMPattern

SAMPLE = 1 << 13
"""Weights a layer that are looked at, more only where one group across rows is larger."""
READS = 8
"""Pieces of a layer in which they lie."""
_LOW = 0.1


class Margin(msgspec.Struct, frozen=True):
    """The margins of a layer's groups; NaN where there are none.

    Attributes
    ----------
    low, median : float
        The margin that a tenth, and half of the groups stay below.
    """

    low: float = nan
    median: float = nan

    @property
    def known(self) -> bool:
        """Whether there is a margin."""
        return isfinite(self.median)


def margin_of(
    checkpoint: Checkpoint, info: TensorInfo, layout: Layout, pattern: NMPattern
) -> Margin:
    """Sample the margins of a layer that is projected.

    Raises
    ------
    CheckpointError
        If the tensor cannot be read.
    """
    run = layout.run(pattern.axis)
    if run is None or not run.groups(pattern.m) or pattern.n == pattern.m:
        return Margin()
    slab, per_run, outer = pattern.m * run.inner, run.length // pattern.m, run.outer
    if run.length % pattern.m == 0:
        # Without tails all groups lie one after the other.
        per_run, outer = per_run * outer, 1
    wide = min(per_run, max(1, SAMPLE // (READS * slab)))
    pieces = per_run // wide
    margins = []
    chosen = np.linspace(0, outer * pieces - 1, min(outer * pieces, READS)).astype(np.int64)
    for first, piece in (divmod(place, pieces) for place in chosen.tolist()):
        start = first * run.length * run.inner + piece * wide * slab
        raw = checkpoint.read(info.name, start, start + wide * slab)
        split = to_double(raw, info.dtype).reshape(wide, pattern.m, run.inner)
        margins.append(split.swapaxes(0, 1).reshape(pattern.m, -1))
    return _summarised(np.abs(np.concatenate(margins, axis=1)), pattern)


def _summarised(sizes: Doubles, pattern: NMPattern) -> Margin:
    """Summarise magnitudes ``(m, groups)``."""
    whole = sizes[:, np.isfinite(sizes).all(axis=0)]
    edge = pattern.m - pattern.n
    ordered = np.partition(whole, (edge - 1, edge), axis=0)
    pruned, kept = ordered[edge - 1], ordered[edge]
    total = kept + pruned
    gaps = (kept - pruned)[total > 0] / total[total > 0]
    if not gaps.size:
        return Margin()
    low, median = np.quantile(gaps, (_LOW, 0.5)).tolist()
    return Margin(low, median)

"""The worst violations: which repair would cost a layer most."""

from math import inf, sqrt

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.loupe import look
from sparse_core.analysis.places import place_of
from sparse_core.analysis.pyramid import pattern_of
from sparse_core.analysis.subject import Subject
from sparse_core.checkpoints import Checkpoint
from sparse_core.masks import Layout, PackedMask, bad_group_positions
from sparse_core.masks.values import to_double
from sparse_core.messages import LayerReport
from sparse_core.patterns import NMPattern

RANKED = 50
"""Groups that a report lists."""

LOOKED_AT = 10_000
"""Bad groups of a layer that are ranked by their values; further ones are counted."""

_BAND_WEIGHTS = 1 << 24

Places = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


class Violation(msgspec.Struct, frozen=True):
    """A group that holds too many weights.

    Attributes
    ----------
    tensor, place : str
        ``fc1.weight`` and ``[117, 332:336]``.
    pattern, axis : str
    values : tuple of float
        Its weights in the order of the axis, pruned ones too.
    kept, correct : tuple of bool
        The mask as it is, and the one that keeps the N largest.
    cost : float
        Norm of what a repair drops, over the root mean square of the layer's weights; infinite
        where a NaN or an Inf would go.
    sentence : str
    """

    tensor: str
    place: str
    pattern: str
    axis: str
    values: tuple[float, ...]
    kept: tuple[bool, ...]
    correct: tuple[bool, ...]
    cost: float
    sentence: str


def worst(
    checkpoint: Checkpoint, report: LayerReport, subject: Subject, mask: PackedMask
) -> tuple[Violation, ...]:
    """Rank the bad groups of a layer.

    Parameters
    ----------
    checkpoint, report, subject, mask
        The layer as it was scanned.

    Returns
    -------
    tuple of Violation
        At most ``RANKED``, the costliest first; of equals the first in memory order.

    Raises
    ------
    CheckpointError
        If the values cannot be read.
    """
    pattern = pattern_of(report)
    run = None if pattern is None else mask.layout.run(pattern.axis)
    if pattern is None or run is None or not report.bad_groups:
        return ()
    firsts = _firsts(mask, pattern)
    members = firsts[:, None] + np.arange(pattern.m) * run.inner
    raw = checkpoint.read(report.name)[members.reshape(-1)]
    values = to_double(raw, subject.info.dtype).reshape(members.shape)
    kept = _kept(mask, members)
    costs = _dropped_norms(values, kept, pattern) / (_typical(report) or 1.0)
    order = np.argsort(-costs, kind="stable")[:RANKED]
    return tuple(
        _violation(report, mask.layout, pattern, int(firsts[at]), values[at], kept[at], costs[at])
        for at in order
    )


def merged(found: dict[str, tuple[Violation, ...]], order: dict[str, int]) -> tuple[Violation, ...]:
    """Rank the worst of all layers together.

    Parameters
    ----------
    found : mapping of str to tuple of Violation
    order : mapping of str to int
        Place of each tensor in the listing, which decides between equals.
    """
    names = sorted(found, key=lambda name: order[name])
    every = [one for name in names for one in found[name]]
    return tuple(sorted(every, key=lambda one: -one.cost)[:RANKED])


def _firsts(mask: PackedMask, pattern: NMPattern) -> Places:
    """Find the first bad groups: the flat index of the first weight of each."""
    layout = mask.layout
    band = max(_BAND_WEIGHTS // layout.columns, pattern.m)
    found: list[Places] = []
    count = 0
    for row in range(0, layout.rows, band):
        part = bad_group_positions(mask, pattern, row, row + band, LOOKED_AT - count)
        found.append(part.rows * layout.columns + part.columns)
        count += part.rows.size
        if count >= LOOKED_AT:
            break
    return np.concatenate(found)


def _kept(mask: PackedMask, members: Places) -> Marks:
    """Look up the mask bits of weights by their flat index."""
    rows, columns = np.divmod(members, mask.layout.columns)
    words = mask.words[rows, columns >> 6]
    bits: Marks = (words >> (columns & 63).astype(np.uint64) & np.uint64(1)).astype(np.bool_)
    return bits


def _dropped_norms(values: Doubles, kept: Marks, pattern: NMPattern) -> Doubles:
    """Measure what a correct mask drops of each group."""
    sizes = np.where(kept, np.abs(values), 0.0)
    sizes[~np.isfinite(sizes)] = inf
    dropped = np.sort(sizes, axis=1)[:, : pattern.m - pattern.n]
    norms: Doubles = np.sqrt(np.square(dropped).sum(axis=1))
    return norms


def _typical(report: LayerReport) -> float:
    """Give the root mean square of a layer's weights."""
    return (report.norm or 0.0) / sqrt(report.elements)


def _violation(  # noqa: PLR0913 - the columns of one row
    report: LayerReport,
    layout: Layout,
    pattern: NMPattern,
    first: int,
    values: Doubles,
    kept: Marks,
    cost: np.float64,
) -> Violation:
    """Put a group under the loupe."""
    weights, bits = tuple(values.tolist()), tuple(kept.tolist())
    seen = look(weights, bits, pattern)
    return Violation(
        tensor=report.name,
        place=place_of(layout, pattern, *layout.position(first)),
        pattern=str(pattern),
        axis=pattern.axis,
        values=weights,
        kept=bits,
        correct=seen.correct,
        cost=float(cost),
        sentence=seen.sentence,
    )

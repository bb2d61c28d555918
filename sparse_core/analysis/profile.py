"""Sums over the rows and columns of a weight, and their pooling to what a pixel stands for."""

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.subject import Subject
from sparse_core.checkpoints import Checkpoint
from sparse_core.masks import Layout, PackedMask
from sparse_core.masks.values import to_double

BLOCK = 1 << 20
"""Elements that are read in one go."""
_MATRIX = 2

Sums = npt.NDArray[np.float64]
Tick = Callable[[int], None]


class Edges(msgspec.Struct, frozen=True, eq=False):
    """A number for each row ``(rows,)`` and each column ``(columns,)``; they may be added up."""

    rows: Sums
    columns: Sums

    @property
    def bytes(self) -> int:
        """Memory it takes."""
        return self.rows.nbytes + self.columns.nbytes


def kept_edges(mask: PackedMask) -> Edges:
    """Count the kept weights of every row and column."""
    return Edges(mask.row_counts().astype(np.float64), mask.column_counts().astype(np.float64))


def square_edges(checkpoint: Checkpoint, subject: Subject, tick: Tick | None = None) -> Edges:
    """Sum the squares of every row and column in fp64; what is not finite counts as nothing.

    Raises
    ------
    SparseError
        If the tensor cannot be read.
    """
    layout = subject.layout
    rows, columns = np.zeros(layout.rows), np.zeros(layout.columns)
    step = max(1, BLOCK // max(1, layout.columns))
    for first in range(0, layout.rows, step):
        last = min(first + step, layout.rows)
        raw = checkpoint.read(subject.name, first * layout.columns, last * layout.columns)
        if tick is not None:
            tick(raw.nbytes)
        values = to_double(raw, subject.info.dtype).reshape(last - first, layout.columns)
        squares = np.square(np.where(np.isfinite(values), values, 0.0))
        rows[first:last] = squares.sum(axis=1)
        columns += squares.sum(axis=0)
    return Edges(rows, columns)


def by_channel(edges: Edges, layout: Layout) -> Edges:
    """Give every column of a convolution the sum of its input channel; others stay."""
    size = int(np.prod(layout.shape[2:])) if len(layout.shape) > _MATRIX else 1
    if size == 1 or len(edges.columns) % size:
        return edges
    channels = edges.columns.reshape(-1, size).sum(axis=1)
    return Edges(edges.rows, np.repeat(channels / size, size))


def pooled(sums: Sums, first: int, step: int, count: int) -> Sums:
    """Add up bins of ``step`` from ``first`` on; the last one may be cut short.

    Parameters
    ----------
    sums : ndarray, ``(n,)``
    first, step, count : int

    Returns
    -------
    ndarray, ``(count,)``
        Bins beyond the end are 0.
    """
    edges = np.clip(first + step * np.arange(count + 1), 0, len(sums))
    before = np.concatenate([[0.0], np.cumsum(sums)])
    result: Sums = before[edges[1:]] - before[edges[:-1]]
    return result

"""Whole rows, columns, filters, channels and kernels that are zero."""

from math import prod

import msgspec
import numpy as np

from sparse_core.masks.layout import Layout, Run
from sparse_core.masks.packed import PackedMask, count_columns, moved
from sparse_core.native.kernels import Counts

PIECE = 1 << 20
"""Elements whose bits are moved in one go."""


class ZeroStructure(msgspec.Struct, frozen=True):
    """How many structures of a weight hold nothing but zeros.

    Attributes
    ----------
    zero_rows, zero_columns : int or None
        Of the GEMM view, for experts of each expert's own; None below two dimensions.
    zero_filters, zero_channels, zero_kernels : int or None
        Output units, input channels and (output, input) pairs of a convolution; else None.
    """

    zero_rows: int | None = None
    zero_columns: int | None = None
    zero_filters: int | None = None
    zero_channels: int | None = None
    zero_kernels: int | None = None


def _zeros(counts: Counts) -> int:
    """Count the zeros of an array of counts."""
    return int(counts.size - np.count_nonzero(counts))


def _lanes(mask: PackedMask, run: Run) -> Counts:
    """Count the kept weights of each run, ``(outer, inner)``."""
    layout = mask.layout
    if not layout.elements:
        return np.zeros((run.outer, run.inner), np.int64)
    if run.inner == layout.columns and run.outer * run.length == layout.rows:
        words = mask.words.reshape(run.outer, run.length, mask.words.shape[1])
        counts = [count_columns(stack, run.inner) for stack in words]
        return np.array(counts, np.int64).reshape(run.outer, run.inner)
    step = max(1, PIECE // max(1, layout.columns))
    parts = [np.empty(0, np.int64)]
    for row in range(0, layout.rows, step):
        words = moved(mask.words[row : row + step], layout.columns, run)
        parts.append(np.bitwise_count(words).sum(axis=1, dtype=np.int64))
    return np.concatenate(parts).reshape(run.outer, run.inner)


def _slices(mask: PackedMask, dim: int, other: int) -> Counts:
    """Count the kept weights of each slice of a dimension, ``(shape[dim],)``.

    ``other`` is a dimension that is summed first; what is left is small.
    """
    layout = mask.layout
    if dim == 0:
        return mask.row_counts()
    if other == 0:
        counts, shape = mask.column_counts(), layout.shape[1:]
    else:
        counts, shape = _lanes(mask, _run(layout, other)).reshape(-1), _without(layout, other)
    place = dim - (dim > other)
    axes = tuple(axis for axis in range(len(shape)) if axis != place)
    total: Counts = counts.reshape(shape).sum(axis=axes)
    return total


def _run(layout: Layout, dim: int) -> Run:
    """Give the runs along a dimension."""
    shape = layout.shape
    return Run(prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :]))


def _without(layout: Layout, dim: int) -> tuple[int, ...]:
    """Give the shape that is left when a dimension is summed."""
    return layout.shape[:dim] + layout.shape[dim + 1 :]


def _zero_kernels(mask: PackedMask, output_dim: int, input_dim: int) -> int:
    """Count the (output, input) pairs of a convolution that are zero at every position."""
    layout = mask.layout
    if layout.kernel == 1:
        return mask.zeros()
    if min(output_dim, input_dim) > 0:
        axes = tuple(
            dim - 1 for dim in range(1, len(layout.shape)) if dim not in (output_dim, input_dim)
        )
        return _zeros(mask.column_counts().reshape(layout.shape[1:]).sum(axis=axes))
    last = max(output_dim, input_dim)
    inner = 1 if last == 1 else layout.shape[last]
    pairs = Run(layout.outputs * layout.inputs // max(1, inner), layout.kernel, inner)
    return _zeros(_lanes(mask, pairs))


def zero_structure(mask: PackedMask) -> ZeroStructure:
    """Count the structures of a mask that keep nothing."""
    layout = mask.layout
    if layout.input_dim is None or layout.output_dim is None:
        return ZeroStructure()
    columns = _zeros(_lanes(mask, _run(layout, layout.output_dim)))
    if layout.kernel == 1 or layout.stacks > 1:
        rows = _zeros(_lanes(mask, _run(layout, layout.input_dim)))
    else:
        rows = _zeros(_slices(mask, layout.output_dim, layout.input_dim))
    if layout.kind != "conv":
        return ZeroStructure(rows, columns)
    return ZeroStructure(
        zero_rows=rows,
        zero_columns=columns,
        zero_filters=rows,
        zero_channels=_zeros(_slices(mask, layout.input_dim, layout.output_dim)),
        zero_kernels=_zero_kernels(mask, layout.output_dim, layout.input_dim),
    )

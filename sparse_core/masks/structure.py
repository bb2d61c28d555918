"""Whole rows, columns, filters, channels and kernels that are zero."""

from math import prod

import msgspec
import numpy as np

from sparse_core.masks.groups import PIECE, across_rows, group_histogram
from sparse_core.masks.layout import Layout, Run
from sparse_core.masks.packed import Flags, PackedMask, moved

LARGEST_GROUP = 64
"""The positions of a kernel that can be counted as a group."""


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


def _zeros(filled: Flags) -> int:
    """Count what is not filled."""
    return int(filled.size - np.count_nonzero(filled))


def _joined(filled: Flags, kept: tuple[int, ...]) -> Flags:
    """Say what is filled anywhere along all but the kept dimensions."""
    others = tuple(axis for axis in range(filled.ndim) if axis not in kept)
    return np.asarray(filled.any(axis=others))


def _lanes(mask: PackedMask, run: Run) -> Flags:
    """Say which runs keep anything, ``(outer, inner)``."""
    layout = mask.layout
    if not layout.elements:
        return np.zeros((run.outer, run.inner), np.bool_)
    if across_rows(layout, run):
        words = mask.words.reshape(run.outer, run.length, mask.words.shape[1])
        bits = np.bitwise_or.reduce(words, axis=1)
        flags = np.unpackbits(bits.view(np.uint8), axis=1, count=run.inner, bitorder="little")
        return flags.view(np.bool_)
    if run.inner == 1 and run.length == layout.columns:
        return mask.words.any(axis=1).reshape(run.outer, 1)
    step = max(1, PIECE // layout.columns)
    parts = [
        moved(mask.words[row : row + step], layout.columns, run).any(axis=1)
        for row in range(0, layout.rows, step)
    ]
    return np.concatenate(parts).reshape(run.outer, run.inner)


def _slices(mask: PackedMask, dim: int, other: int) -> Flags:
    """Say which slices of a dimension keep anything, ``(shape[dim],)``.

    ``other`` is the dimension that is joined first; what is left is small.
    """
    shape = _without(mask.layout, other)
    filled = _lanes(mask, _run(mask.layout, other)).reshape(shape)
    return _joined(filled, (dim - (dim > other),))


def _run(layout: Layout, dim: int) -> Run:
    """Give the runs along a dimension."""
    shape = layout.shape
    return Run(prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :]))


def _without(layout: Layout, dim: int) -> tuple[int, ...]:
    """Give the shape that is left when a dimension is joined."""
    return layout.shape[:dim] + layout.shape[dim + 1 :]


def _zero_kernels(mask: PackedMask, output_dim: int, input_dim: int) -> int:
    """Count the (output, input) pairs of a convolution that are zero at every position."""
    layout = mask.layout
    if layout.kernel == 1:
        return mask.zeros()
    if min(output_dim, input_dim) > 0:
        shape = _without(layout, 0)
        filled = _lanes(mask, _run(layout, 0)).reshape(shape)
        return _zeros(_joined(filled, (output_dim - 1, input_dim - 1)))
    last = max(output_dim, input_dim)
    if last == 1 and layout.kernel <= LARGEST_GROUP:
        return int(group_histogram(mask, "kernel", layout.kernel)[0])
    inner = 1 if last == 1 else layout.shape[last]
    pairs = Run(layout.outputs * layout.inputs // max(1, inner), layout.kernel, inner)
    return _zeros(_lanes(mask, pairs))


def zero_structure(mask: PackedMask) -> ZeroStructure:
    """Count the structures of a mask that keep nothing."""
    layout = mask.layout
    if layout.input_dim is None or layout.output_dim is None:
        return ZeroStructure()
    columns = _zeros(_lanes(mask, _run(layout, layout.output_dim)))
    if layout.kernel == 1:
        rows = _zeros(_lanes(mask, _run(layout, layout.input_dim)))
    elif layout.output_dim == 0:
        rows = _zeros(np.asarray(mask.words.any(axis=1)))
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

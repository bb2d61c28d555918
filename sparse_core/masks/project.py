"""The N:M projection: keep the N largest magnitudes of every M.

Of equal magnitudes the lower index is dropped first, NaN ranks above Inf and is kept, and the
tail of a run that fills no group is kept.
"""

import numpy as np

from sparse_core.dtypes import DType, Raw
from sparse_core.masks.layout import Layout, Run
from sparse_core.masks.packed import PackedMask, empty_words, pack
from sparse_core.masks.values import Ranks, ranks
from sparse_core.native import kernels
from sparse_core.native.kernels import Bytes, Words
from sparse_core.patterns import NMPattern

PIECE = 1 << 18
"""Elements that are projected in one go, so that their bytes stay in the cache."""


def project(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> PackedMask:
    """Make the mask of the N largest magnitudes of every M.

    Parameters
    ----------
    raw : ndarray, ``(elements,)``
        All elements of the tensor in memory order, C-contiguous.
    dtype : DType
        Their format.
    layout : Layout
        Which dimension holds what.
    pattern : NMPattern
        N, M and axis. Where the layout has no such groups everything is kept.

    Raises
    ------
    ValueError
        If there are not as many elements as the layout has.
    """
    if raw.size != layout.elements:
        raise ValueError(f"{raw.size} elements do not fit shape {layout.shape}")
    words = empty_words(layout.rows, layout.columns)
    run = layout.run(pattern.axis)
    if run is None or not run.groups(pattern.m):
        return pack(np.ones(layout.shape, np.bool_), layout)
    if run.inner == layout.columns and run.outer * run.length == layout.rows:
        _project_down(raw, dtype, run, pattern, words)
    else:
        _project_inside(raw, dtype, layout, pattern, words)
    return PackedMask(words, layout)


def _project_piece(raw: Raw, dtype: DType, run: Run, pattern: NMPattern, kept: Bytes) -> None:
    """Write a byte for each element of whole runs."""
    order: Ranks = ranks(raw, dtype)
    shape = (run.outer, run.length, run.inner)
    kernels.project(order.bits, order.mask, order.ceiling, shape, pattern.n, pattern.m, kept)


def _project_inside(
    raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern, words: Words
) -> None:
    """Project where groups lie inside memory rows, some rows at a time."""
    run = layout.run(pattern.axis)
    assert run is not None
    columns = layout.columns
    step = max(1, PIECE // columns)
    kept = np.empty(min(step, layout.rows) * columns, np.uint8)
    for row in range(0, layout.rows, step):
        piece = raw[row * columns : (row + step) * columns]
        runs = Run(piece.size // (run.length * run.inner), run.length, run.inner)
        out = kept[: piece.size]
        _project_piece(piece, dtype, runs, pattern, out)
        kernels.pack_nonzero(out, 0xFF, columns, words[row : row + step])


def _project_down(raw: Raw, dtype: DType, run: Run, pattern: NMPattern, words: Words) -> None:
    """Project where groups cross memory rows, some groups at a time."""
    columns = run.inner
    step = pattern.m * max(1, PIECE // (pattern.m * columns))
    kept = np.empty(min(step, run.length) * columns, np.uint8)
    for stack in range(run.outer):
        base, end = stack * run.length, (stack + 1) * run.length
        for row in range(base, end, step):
            stop = min(row + step, end)
            piece = raw[row * columns : stop * columns]
            out = kept[: piece.size]
            _project_piece(piece, dtype, Run(1, stop - row, columns), pattern, out)
            kernels.pack_nonzero(out, 0xFF, columns, words[row:stop])


def project_straddling(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> PackedMask:
    """Project as the SR-STE code does: groups along the inputs go on across run borders.

    No hardware can use such a mask where M does not divide the inputs; it exists only to
    reproduce that code. The tensor's inputs are moved last and everything is one long run.

    Raises
    ------
    ValueError
        If there are not as many elements as the layout has.
    """
    if raw.size != layout.elements:
        raise ValueError(f"{raw.size} elements do not fit shape {layout.shape}")
    dim = layout.input_dim if layout.input_dim is not None else -1
    tensor = raw.reshape(layout.shape or (1,))
    last = np.ascontiguousarray(np.moveaxis(tensor, dim, -1))
    kept = np.empty(raw.size, np.uint8)
    _project_piece(last.reshape(-1), dtype, Run(1, raw.size, 1), pattern, kept)
    mask = np.moveaxis(kept.view(np.bool_).reshape(last.shape), -1, dim)
    return pack(np.ascontiguousarray(mask).reshape(layout.shape), layout)

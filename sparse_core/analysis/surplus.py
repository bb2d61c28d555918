"""The worst bad group of each cell: by how many weights it exceeds N.

Groups that are consecutive in a row or a column are judged once each, not once a weight; where
they also fit into eight or sixteen columns, a table knows the worst of all of them at once.
"""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

from sparse_core.analysis.geometry import Window, cells
from sparse_core.analysis.measure import Tick
from sparse_core.analysis.pooling import pool
from sparse_core.masks import Layout, PackedMask, surplus_plane
from sparse_core.masks.packed import group_counts_of_columns, group_counts_of_rows
from sparse_core.native.kernels import Bytes, Words
from sparse_core.patterns import NMPattern

PIECE = 1 << 22
"""At most so many weights are looked at in one go."""

BAND_LEVEL = 11
"""At most 2**11 rows are looked at in one go."""

LEAST_LEVEL = 6
"""At least 2**6 rows are: the largest group has 64."""

UNIT = 4
"""The table knows 2**4 columns at a time."""

Levels = tuple[int, int]
Judge = Callable[[PackedMask, NMPattern, Window, Levels], Bytes]


def worst_surplus(
    mask: PackedMask,
    pattern: NMPattern,
    window: Window,
    levels: Levels,
    tick: Tick | None = None,
) -> Bytes:
    """Say by how much the worst group that touches each cell exceeds N.

    Parameters
    ----------
    mask : PackedMask
    pattern : NMPattern
    window : Window
        Begins where a tile begins.
    levels : (row_level, column_level)
    tick : callable, optional
        Called between pieces; raises ``Cancelled`` to stop.

    Returns
    -------
    ndarray of uint8, ``(height, width)``
    """
    row_level, column_level = levels
    band_level = _band_level(window)
    inner = min(row_level, band_level)
    judge = _judge_of(mask.layout, pattern)
    bands = []
    for band in _bands(window, 1 << band_level):
        if tick is not None:
            tick(0)
        bands.append(judge(mask, pattern, band, (inner, column_level)))
    return pool(np.concatenate(bands), row_level - inner, 0, np.maximum)


def _judge_of(layout: Layout, pattern: NMPattern) -> Judge:
    """Choose how the groups of a pattern are judged."""
    run = layout.run(pattern.axis)
    if run is None or pattern.m & (pattern.m - 1):
        return _anywhere
    if run.inner == 1 and run.length == layout.columns:
        return _along_rows
    return _down_columns if run.outer == 1 and run.inner == layout.columns else _anywhere


def _band_level(window: Window) -> int:
    """Say how many rows, as a power of two, are looked at in one go: whole groups, at least."""
    width = max(window.column1 - window.column0, 1)
    return min(max((PIECE // width).bit_length() - 1, LEAST_LEVEL), BAND_LEVEL)


def _bands(window: Window, step: int) -> Iterator[Window]:
    """Cut a window into bands of rows."""
    for row in range(window.row0, window.row1, step):
        yield window._replace(row0=row, row1=min(row + step, window.row1))


def _anywhere(mask: PackedMask, pattern: NMPattern, band: Window, levels: Levels) -> Bytes:
    """Judge groups of any form, a weight at a time."""
    return pool(surplus_plane(mask, pattern, *band), *levels, np.maximum)


def _along_rows(mask: PackedMask, pattern: NMPattern, band: Window, levels: Levels) -> Bytes:
    """Judge groups that are consecutive columns."""
    words = mask.words[band.row0 : band.row1]
    if levels[1] >= UNIT and pattern.m <= 1 << UNIT:
        return pool(
            _looked_up(words, mask.layout, pattern, band), levels[0], levels[1] - UNIT, np.maximum
        )
    width = band.column1 - band.column0
    cut = words[:, band.column0 >> 6 : -(-band.column1 >> 6)]
    if 16 % pattern.m or pattern.m == 1:
        counts = group_counts_of_rows(cut, width, pattern.m)
        surplus = _over(pool(counts, levels[0], 0, np.maximum), pattern.n)
    else:
        each = _group_table(pattern.n, pattern.m)[cut.view("<u2")].view(np.uint8)
        surplus = pool(each[:, : width // pattern.m], levels[0], 0, np.maximum)
    spread = _stretched(surplus, levels[1] - (pattern.m.bit_length() - 1), 1)
    return _padded(spread, spread.shape[0], cells(width, levels[1]))


def _looked_up(words: Words, layout: Layout, pattern: NMPattern, band: Window) -> Bytes:
    """Judge sixteen columns at a time."""
    table = _table(pattern.n, pattern.m)
    first = band.column0 >> UNIT
    sixteens = words.view("<u2")[:, first : -(-band.column1 >> UNIT)]
    worst: Bytes = table[sixteens]
    grouped = layout.columns - layout.columns % pattern.m
    if grouped < band.column1:
        inside = grouped - (first + sixteens.shape[1] - 1 << UNIT)
        worst[:, -1] = table[sixteens[:, -1] & np.uint16((1 << inside) - 1)]
    return worst


def _down_columns(mask: PackedMask, pattern: NMPattern, band: Window, levels: Levels) -> Bytes:
    """Judge groups that are consecutive rows."""
    height, width = band.row1 - band.row0, band.column1 - band.column0
    whole = band.row0 + height - height % pattern.m
    cut = mask.words[band.row0 : whole, band.column0 >> 6 : -(-band.column1 >> 6)]
    surplus = _over(group_counts_of_columns(cut, width, pattern.m), pattern.n)
    spread = _stretched(surplus, levels[0] - (pattern.m.bit_length() - 1), 0)
    spread = pool(spread, 0, levels[1], np.maximum)
    return _padded(spread, cells(height, levels[0]), spread.shape[1])


def _over(counts: Bytes, n: int) -> Bytes:
    """Say by how much groups exceed N."""
    return np.maximum(counts, np.uint8(n)) - np.uint8(n)


def _stretched(surplus: Bytes, level: int, axis: int) -> Bytes:
    """Bring groups to the size of cells: several into one, or one into several."""
    if level >= 0:
        return pool(surplus, *((level, 0) if axis == 0 else (0, level)), np.maximum)
    return np.repeat(surplus, 1 << -level, axis=axis)


def _padded(plane: Bytes, height: int, width: int) -> Bytes:
    """Add the cells that hold no whole group."""
    if plane.shape == (height, width):
        return plane
    padded = np.zeros((height, width), np.uint8)
    padded[: plane.shape[0], : plane.shape[1]] = plane[:height, :width]
    return padded


@cache
def _table(n: int, m: int) -> Bytes:
    """Give the worst surplus of the groups in sixteen bits, ``(65536,)``."""
    bits = np.arange(1 << 16, dtype=np.uint32)
    worst = np.zeros(1 << 16, np.uint8)
    for first in range(0, 1 << UNIT, m):
        counts = np.bitwise_count((bits >> np.uint32(first)) & np.uint32((1 << m) - 1))
        np.maximum(worst, _over(counts, n), out=worst)
    return worst


@cache
def _group_table(n: int, m: int) -> npt.NDArray[np.unsignedinteger]:
    """Give the surplus of each group in sixteen bits, a byte each: ``(65536,)``."""
    bits = np.arange(1 << 16, dtype=np.uint32)
    shifts = np.arange(0, 16, m, dtype=np.uint32)
    counts = np.bitwise_count((bits[:, None] >> shifts) & np.uint32((1 << m) - 1))
    return _over(counts, n).view(f"<u{shifts.size}").reshape(-1)

"""Which weights a cell of a picture stands for.

At level k along an axis a cell covers ``2**k`` weights, the last one what is left of them. Rows
and columns have levels of their own.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sparse_core.errors import SparseError
from sparse_core.masks import Layout
from sparse_core.messages import TILE, TileKey
from sparse_core.patterns import NMPattern


class Window(NamedTuple):
    """The weights ``[row0:row1, column0:column1]`` of the memory view."""

    row0: int
    row1: int
    column0: int
    column1: int


def levels(length: int) -> int:
    """Count the levels of an axis: from one weight a cell to one cell.

    Examples
    --------
    >>> [levels(length) for length in (0, 1, 2, 3, 4096, 4097)]
    [1, 1, 2, 3, 13, 14]
    """
    return max(length - 1, 0).bit_length() + 1


def cells(length: int, level: int) -> int:
    """Count the cells along an axis at a level."""
    return -(-length >> level)


def window_of(layout: Layout, key: TileKey) -> Window:
    """Give the weights of a tile.

    Raises
    ------
    SparseError
        If the picture has no such tile.
    """
    known = 0 <= key.row_level < levels(layout.rows) and (
        0 <= key.column_level < levels(layout.columns)
    )
    row0 = key.row * TILE << key.row_level if known else -1
    column0 = key.column * TILE << key.column_level if known else -1
    if not (0 <= row0 < layout.rows and 0 <= column0 < layout.columns):
        raise SparseError(
            f"A picture of {layout.rows} x {layout.columns} weights has no tile {key.row}, "
            f"{key.column} at level {key.row_level}, {key.column_level}."
        )
    return Window(
        row0,
        min(row0 + (TILE << key.row_level), layout.rows),
        column0,
        min(column0 + (TILE << key.column_level), layout.columns),
    )


def areas(window: Window, row_level: int, column_level: int) -> npt.NDArray[np.int64]:
    """Count the weights of each cell of a window; those at the edge have fewer.

    Returns
    -------
    ndarray of int64, ``(height, width)``
    """
    heights = _extents(window.row1 - window.row0, row_level)
    widths = _extents(window.column1 - window.column0, column_level)
    return np.outer(heights, widths)


def _extents(length: int, level: int) -> npt.NDArray[np.int64]:
    """Say how many weights each cell along an axis has."""
    extents = np.full(cells(length, level), 1 << level, np.int64)
    extents[-1:] -= (extents.size << level) - length
    return extents


def group_size(layout: Layout, pattern: NMPattern | None) -> tuple[int, int]:
    """Give rows and columns of a group on the picture, 0 x 0 where it is not in one piece."""
    run = None if pattern is None else layout.run(pattern.axis)
    if pattern is None or run is None or not run.groups(pattern.m):
        return 0, 0
    if run.inner == 1:
        return 1, pattern.m
    return (pattern.m, 1) if run.inner == layout.columns else (0, 0)


def side_labels(layout: Layout) -> tuple[str, str]:
    """Name what runs along the rows and along the columns of the picture."""
    if layout.input_dim is None:
        return "", "elements"
    if layout.stacks > 1:
        inner = ("outputs", "inputs") if layout.input_dim == 2 else ("inputs", "outputs")
        return f"experts × {inner[0]}", inner[1]
    unit = " channels" if layout.kernel > 1 else "s"
    names = {layout.output_dim: f"output{unit}", layout.input_dim: f"input{unit}"}
    columns = [names.get(dim, str(size)) for dim, size in enumerate(layout.shape)][1:]
    return names.get(0, str(layout.shape[0])), " × ".join(columns)

"""Flips as a picture at every zoom: what a cell shows is a statistic of all its weights."""

import numpy as np
import numpy.typing as npt

from sparse_core.analysis.geometry import areas, window_of
from sparse_core.analysis.pooling import pool
from sparse_core.analysis.pyramid import BAND_ROWS, kept_counts
from sparse_core.analysis.timeline.history import History
from sparse_core.errors import SparseError
from sparse_core.masks import PackedMask
from sparse_core.messages import TileKey

Bytes = npt.NDArray[np.uint8]


def flip_tile(flips: PackedMask, key: TileKey) -> Bytes:
    """Draw the share of each cell's weights that flipped.

    Parameters
    ----------
    flips : PackedMask
        True = flipped.
    key : TileKey

    Returns
    -------
    ndarray of uint8, ``(height, width)``
        ``round(255 * share)``, but at least 1 where any weight flipped.

    Raises
    ------
    SparseError
        If the picture has no such tile.
    """
    window = window_of(flips.layout, key)
    counts = kept_counts(flips, window, key.row_level, key.column_level)
    area = areas(window, key.row_level, key.column_level)
    shares = (510 * counts + area) // (2 * area)
    cells: Bytes = np.maximum(shares, counts > 0).astype(np.uint8)
    return cells


def last_change_tile(history: History, key: TileKey) -> Bytes:
    """Draw when the last of each cell's weights flipped.

    Returns
    -------
    ndarray of uint8, ``(height, width)``
        0 never, else 1 to 255 from the first flips that the history saw to its last.

    Raises
    ------
    SparseError
        If there is no mask, or the picture has no such tile.
    """
    if history.layout is None:
        raise SparseError("The layer has no mask at any step.")
    window = window_of(history.layout, key)
    bands = []
    for row in range(window.row0, window.row1, BAND_ROWS):
        rows = slice(row, min(row + BAND_ROWS, window.row1))
        last = history.last_change_in(rows)[:, window.column0 : window.column1]
        bands.append(pool(last, min(key.row_level, 11), key.column_level, np.maximum))
    latest = pool(np.concatenate(bands), max(key.row_level - 11, 0), 0, np.maximum)
    steps = max(history.steps - 2, 1)
    shades = 1 + (254 * np.maximum(latest - 1, 0) + steps // 2) // steps
    return np.where(latest > 0, shades, 0).astype(np.uint8)

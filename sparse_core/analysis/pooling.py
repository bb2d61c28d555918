"""Many cells into one, exactly: the last of an axis takes what is left."""

from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[Any]


def pool(plane: Plane, row_level: int, column_level: int, combine: np.ufunc) -> Plane:
    """Combine ``2**row_level`` x ``2**column_level`` cells each.

    Parameters
    ----------
    plane : ndarray, ``(height, width)``
    row_level, column_level : int
    combine : ufunc
        ``numpy.add`` or ``numpy.maximum``. The result has the format of ``plane``, which must be
        wide enough for it.

    Returns
    -------
    ndarray, ``(ceil(height / 2**row_level), ceil(width / 2**column_level))``
    """
    return _columns(_rows(plane, row_level, combine), column_level, combine)


def _rows(plane: Plane, level: int, combine: np.ufunc) -> Plane:
    """Combine rows: one reduction, whose inner loop runs along the columns."""
    if level == 0 or plane.shape[0] == 0:
        return plane
    height, width = plane.shape
    whole = height >> level
    parts = []
    if whole:
        cut = plane[: whole << level].reshape(whole, 1 << level, width)
        parts.append(combine.reduce(cut, axis=1, dtype=plane.dtype))
    if whole << level < height:
        rest = plane[whole << level :]
        parts.append(combine.reduce(rest, axis=0, dtype=plane.dtype, keepdims=True))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _columns(plane: Plane, level: int, combine: np.ufunc) -> Plane:
    """Combine columns by halving: far faster than a reduction over short rows."""
    for _ in range(level):
        odd = plane[:, plane.shape[1] & ~1 :]
        paired = combine(plane[:, 0 : plane.shape[1] & ~1 : 2], plane[:, 1::2])
        plane = np.concatenate([paired, odd], axis=1) if odd.shape[1] else paired
    return plane

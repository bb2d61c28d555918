"""Rows that are added to for hours: the place they lie in doubles, so that adding stays cheap."""

from typing import Any

import numpy as np
import numpy.typing as npt

_LEAST = 256


class Growing:
    """An array that grows at its end.

    Parameters
    ----------
    kind : str
        numpy's name of the format.
    width : int
        Columns; 0 for a single one, without a second dimension.
    """

    def __init__(self, kind: str, width: int = 0) -> None:
        self._shape = (width,) if width else ()
        self._place = np.empty((_LEAST, *self._shape), kind)
        self._count = 0

    def __len__(self) -> int:
        """Count the rows."""
        return self._count

    @property
    def rows(self) -> npt.NDArray[Any]:
        """The rows so far; a view that later rows do not change."""
        return self._place[: self._count]

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Add rows at the end."""
        needed = self._count + len(rows)
        if needed > len(self._place):
            size = max(needed, 2 * len(self._place))
            larger = np.empty((size, *self._shape), self._place.dtype)
            larger[: self._count] = self.rows
            self._place = larger
        self._place[self._count : needed] = rows
        self._count = needed

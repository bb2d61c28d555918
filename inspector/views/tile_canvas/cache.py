"""Tiles that have arrived, the least recently used dropped first."""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from sparse_core.messages import AnyPlane, TileKey

Cells = npt.NDArray[np.uint8]
"""Bytes of a plane, ``(rows, columns)``."""

CACHE_BYTES = 96 << 20


class TileCache:
    """Tiles of one picture by plane and key, bounded by their bytes."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._held: OrderedDict[tuple[AnyPlane, TileKey], Cells] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of tiles held."""
        return len(self._held)

    def __contains__(self, place: tuple[AnyPlane, TileKey]) -> bool:
        """Return whether a tile is held, without counting as a use."""
        return place in self._held

    @property
    def bytes(self) -> int:
        """Bytes of all cells held."""
        return self._bytes

    def put(self, plane: AnyPlane, key: TileKey, cells: Cells) -> None:
        """Keep a tile, dropping what was not used for longest where it does not fit."""
        old = self._held.pop((plane, key), None)
        self._bytes += cells.nbytes - (0 if old is None else old.nbytes)
        self._held[plane, key] = cells
        while self._bytes > self._limit_bytes and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= dropped.nbytes

    def get(self, plane: AnyPlane, key: TileKey) -> Cells | None:
        """Return a tile and count it as used, None where it is not held."""
        cells = self._held.get((plane, key))
        if cells is not None:
            self._held.move_to_end((plane, key))
        return cells

    def clear(self) -> None:
        """Drop everything."""
        self._held.clear()
        self._bytes = 0

"""The weight of largest magnitude of each cell, found by comparing bits.

Without its sign, a float's bits are in the order of its magnitude. So the largest positive weight
of a cell is the largest of its bits read as signed integers, the largest negative one the largest
of its bits read as unsigned integers, and nothing is converted before a cell is known.
"""

from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.geometry import Window
from sparse_core.analysis.measure import Tick
from sparse_core.analysis.pooling import pool
from sparse_core.checkpoints import Checkpoint
from sparse_core.dtypes import DType, Raw
from sparse_core.masks import Layout, to_float

BASE = 3
"""Level of the base of values, along both axes: a cell has 8 x 8 weights."""

PIECE_BYTES = 2 << 20
"""Stays in the processor's cache while it is read twice."""

SIGN_AND_MAGNITUDE = frozenset({"float16", "bfloat16", "float32", "float64"})
"""Formats whose bits are compared as they are; others are converted first."""

Keys = npt.NDArray[np.unsignedinteger[Any]]
"""Magnitude bits shifted left by one, the sign in the lowest bit."""


class Extremes(NamedTuple):
    """The weight of largest magnitude of each cell.

    Attributes
    ----------
    values : ndarray of float64, ``(height, width)``
        0 where it is not finite.
    finite : ndarray of bool, ``(height, width)``
    """

    values: npt.NDArray[np.float64]
    finite: npt.NDArray[np.bool_]


class Base(msgspec.Struct, frozen=True, eq=False):
    """The base level of a tensor, and the largest finite |w| of all."""

    keys: Keys
    scale: float


class Values:
    """The stored weights of a tensor, cut into cells.

    Parameters
    ----------
    checkpoint : Checkpoint
    name : str
    layout : Layout
    """

    def __init__(self, checkpoint: Checkpoint, name: str, layout: Layout) -> None:
        self._checkpoint = checkpoint
        self._name = name
        self._layout = layout
        self._dtype = checkpoint.tensors[name].dtype
        self._base: Base | None = None
        self._making = RLock()

    @property
    def bytes(self) -> int:
        """Memory that is held now."""
        return 0 if self._base is None else self._base.keys.nbytes

    def known_scale(self) -> float | None:
        """Give the largest finite |w| if the tensor was already read."""
        return None if self._base is None else self._base.scale

    def extremes(self, tick: Tick | None = None) -> Base:
        """Read the tensor once; then known.

        Raises
        ------
        CheckpointError
            If it cannot be read.
        """
        with self._making:
            if self._base is None:
                self._base = self._read_all(tick)
            return self._base

    def window(
        self, window: Window, row_level: int, column_level: int, tick: Tick | None = None
    ) -> Extremes:
        """Find the weight of largest magnitude in each cell of a window."""
        if row_level >= BASE and column_level >= BASE:
            base = self.extremes(tick).keys
            keys = base[
                window.row0 >> BASE : -(-window.row1 >> BASE),
                window.column0 >> BASE : -(-window.column1 >> BASE),
            ]
            return self._decode(pool(keys, row_level - BASE, column_level - BASE, np.maximum))
        inner = min(row_level, BASE)
        keys = self._pooled(window, inner, column_level, tick)
        return self._decode(pool(keys, row_level - inner, 0, np.maximum))

    def rows(self, window: Window) -> Raw:
        """Read the stored bits of a window, ``(rows, columns)``."""
        self._checkpoint.check_unchanged()
        width = self._layout.columns
        if window.row1 - window.row0 == 1:
            at = window.row0 * width
            raw = self._checkpoint.read(self._name, at + window.column0, at + window.column1)
            return raw.reshape(1, -1)
        raw = self._checkpoint.read(self._name, window.row0 * width, window.row1 * width)
        return raw.reshape(-1, width)[:, window.column0 : window.column1]

    def _read_all(self, tick: Tick | None) -> Base:
        """Make the base level and find the scale, in one pass."""
        if not self._layout.elements:
            return Base(np.zeros((0, 0), np.uint8), 0.0)
        sizes = [0.0]

        def note(keys: Keys, numbers: Raw) -> None:
            sizes.append(self._largest(keys, numbers))

        whole = Window(0, self._layout.rows, 0, self._layout.columns)
        keys = self._pooled(whole, BASE, BASE, tick, note)
        return Base(keys, max(sizes))

    def _pooled(
        self,
        window: Window,
        row_level: int,
        column_level: int,
        tick: Tick | None,
        note: Callable[[Keys, Raw], None] | None = None,
    ) -> Keys:
        """Read a window in pieces and give the key of the largest magnitude of each cell."""
        bands = []
        for band in _bands(window, self._dtype.itemsize, column_level):
            line = []
            for piece in band:
                if tick is not None:
                    tick(0)
                numbers = comparable(self.rows(piece), self._dtype)
                keys = pooled_keys(numbers, row_level, column_level)
                line.append(keys)
                if note is not None:
                    note(keys, numbers)
            bands.append(np.concatenate(line, axis=1))
        return np.concatenate(bands)

    def _largest(self, keys: Keys, numbers: Raw) -> float:
        """Give the largest finite |w| of a block."""
        found = self._decode(keys)
        if found.finite.all():
            return float(np.abs(found.values).max(initial=0.0))
        every = self._decode(pooled_keys(numbers, 0, 0))
        return float(np.abs(every.values).max(initial=0.0))

    def _decode(self, keys: Keys) -> Extremes:
        """Turn keys into numbers."""
        one = keys.dtype.type(1)
        bits: Keys = (keys >> one) | ((keys & one) << keys.dtype.type(8 * keys.itemsize - 1))
        values = _floats(bits, self._dtype)
        finite = np.isfinite(values)
        return Extremes(np.where(finite, values, 0.0), finite)


def comparable(raw: Raw, dtype: DType) -> Raw:
    """Give bits whose magnitudes are in the order of the numbers'."""
    if dtype.name in SIGN_AND_MAGNITUDE:
        return raw
    return to_float(np.ascontiguousarray(raw).reshape(-1), dtype).reshape(raw.shape)


def pooled_keys(numbers: Raw, row_level: int, column_level: int) -> Keys:
    """Give the key of the largest magnitude of each cell.

    Parameters
    ----------
    numbers : ndarray, ``(rows, columns)``
        Floats, or the bits of bf16.
    row_level, column_level : int
    """
    width = numbers.itemsize
    signed, unsigned = numbers.view(f"<i{width}"), numbers.view(f"<u{width}")
    upper = pool(signed, row_level, column_level, np.maximum)
    lower = pool(unsigned, row_level, column_level, np.maximum)
    top = lower.dtype.type(1 << (8 * width - 1))
    one = lower.dtype.type(1)
    positive = np.where(upper >= 0, upper, 0).view(lower.dtype) << one
    negative = np.where(lower >= top, ((lower ^ top) << one) | one, 0).astype(lower.dtype)
    keys: Keys = np.maximum(positive, negative)
    return keys


def _floats(bits: Keys, dtype: DType) -> npt.NDArray[np.float64]:
    """Read bits as numbers; a signalling NaN is no more than a NaN here."""
    with np.errstate(invalid="ignore"):
        if dtype.name == "bfloat16":
            wide = bits.astype(np.uint32) << np.uint32(16)
            return wide.view(np.float32).astype(np.float64)
        return bits.view(f"<f{bits.itemsize}").astype(np.float64)


def _bands(window: Window, itemsize: int, column_level: int) -> Iterator[list[Window]]:
    """Cut a window into bands of pieces that begin where a cell begins."""
    fitting = PIECE_BYTES // itemsize
    cell = 1 << max(column_level, BASE)
    width = max(fitting >> BASE, cell) // cell * cell
    height = max(fitting // min(width, window.column1 - window.column0) >> BASE, 1) << BASE
    for row in range(window.row0, window.row1, height):
        stop = min(row + height, window.row1)
        yield [
            Window(row, stop, column, min(column + width, window.column1))
            for column in range(window.column0, window.column1, width)
        ]

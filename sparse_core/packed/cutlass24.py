"""2:4 as PyTorch's CUTLASS backend lays it out (``SparseSemiStructuredTensorCUTLASS``).

Values: the two kept weights of every group of four, shape ``(rows, columns / 2)``. Metadata: a
nibble ``low | high << 2`` a group with the positions of the two, four to an int16 (eight to an
int32 for int8 weights), then reordered for the tensor cores:

1. within every 32 rows (16 for int8), row ``8 a + b`` goes to ``b * 4 + a`` (``b * 2 + a``);
2. every block of 2 x 2 words is transposed;
3. words are stored by pairs of columns, all rows of a pair one after the other.

fp32 is 1:2 and is laid out as if each weight were two 16-bit halves, which are kept together.
Everything here moves integers: on floats a processor may quieten NaN patterns.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import Raw
from sparse_core.packed.damaged import Damaged

_PAIRS = {
    0b0000: (2, 3),
    0b0001: (0, 2),
    0b0010: (1, 2),
    0b0100: (2, 3),
    0b1000: (2, 3),
    0b0011: (0, 1),
    0b0101: (0, 2),
    0b1001: (0, 3),
    0b0110: (1, 2),
    0b1010: (1, 3),
    0b1100: (2, 3),
}
"""Positions that are stored for each set of kept ones (bit i = position i)."""

_HALVES_OF_FP32 = {0b0000: (2, 3), 0b0011: (0, 1), 0b1100: (2, 3)}
_NIBBLES = frozenset(low | high << 2 for low, high in _PAIRS.values())


Meta = npt.NDArray[np.signedinteger[Any]]


class Cutlass24(msgspec.Struct, frozen=True, eq=False):
    """A packed matrix.

    Attributes
    ----------
    values : numpy.ndarray
        Raw bits, shape ``(rows, columns / 2)``.
    meta : numpy.ndarray
        int16, shape ``(rows, columns / 16)`` (``columns / 8`` for fp32); int32, shape
        ``(rows, columns / 32)`` for int8.
    """

    values: Raw
    meta: Meta


def pack(dense: Raw, kept: npt.NDArray[np.bool_]) -> Cutlass24:
    """Pack a matrix whose mask is 2:4 (1:2 for four-byte weights).

    Parameters
    ----------
    dense : numpy.ndarray
        Raw bits of 1, 2 or 4 bytes, shape ``(rows, columns)``.
    kept : numpy.ndarray of bool
        The mask, same shape. A group may keep fewer; the filler is what lies there.

    Raises
    ------
    Damaged
        If a group keeps more, or the shape does not fit the layout.
    """
    words = _words(dense)
    if dense.dtype.itemsize == 4:
        kept = np.repeat(kept, 2, axis=1)
    rows, columns = words.shape
    _check_shape(rows, columns, words.dtype.itemsize)
    groups = kept.reshape(rows, columns // 4, 4)
    flags = (groups * np.array([1, 2, 4, 8], np.uint8)).sum(axis=2, dtype=np.uint8)
    low, high = (table[flags] for table in _tables(fp32=dense.dtype.itemsize == 4))
    if (low == high).any():
        raise Damaged("a group keeps more weights than the layout holds.")
    pairs = np.stack([low, high], axis=2)
    values = np.take_along_axis(words.reshape(rows, columns // 4, 4), pairs, axis=2)
    nibbles = (low | high << 2).astype(np.uint8)
    meta = _reorder(_join(nibbles, words.dtype.itemsize))
    return Cutlass24(values.reshape(rows, columns // 2).view(dense.dtype), meta)


def to_dense(
    values: Raw,
    meta: Meta,
    start_row: int = 0,
    stop_row: int | None = None,
) -> Raw:
    """Unpack rows ``start_row`` to ``stop_row``.

    Parameters
    ----------
    values : numpy.ndarray
        All values, shape ``(rows, columns / 2)``, raw bits of 1, 2 or 4 bytes.
    meta : numpy.ndarray
        All metadata, as in `Cutlass24`.
    start_row, stop_row : int
        The rows wanted; only the metadata of the blocks that hold them is touched.

    Returns
    -------
    numpy.ndarray
        Raw bits, shape ``(stop_row - start_row, columns)``; +0 where pruned.

    Raises
    ------
    Damaged
        If values and metadata do not fit one another.
    """
    stop_row = len(values) if stop_row is None else stop_row
    words = _words(values)
    rows, kept_columns = words.shape
    size = words.dtype.itemsize
    _check_shape(rows, 2 * kept_columns, size)
    if meta.dtype.itemsize != _word_bytes(size) or meta.shape[0] != rows:
        raise Damaged("its metadata does not have as many rows as its values.")
    if meta.shape[1] * meta.dtype.itemsize * 4 != kept_columns:
        raise Damaged("its metadata does not have as many columns as its values.")
    block = _block_rows(size)
    first, last = start_row // block * block, -(-stop_row // block) * block
    nibbles = _split(_restore(meta, first, last))[start_row - first : stop_row - first]
    low, high = nibbles & 3, nibbles >> 2
    if not np.isin(nibbles, list(_NIBBLES)).all():
        raise Damaged("its metadata names positions that no group has.")
    count = stop_row - start_row
    dense = np.zeros((count, kept_columns // 2, 4), words.dtype)
    pairs = np.stack([low, high], axis=2)
    kept = words[start_row:stop_row].reshape(count, kept_columns // 2, 2)
    np.put_along_axis(dense, pairs, kept, axis=2)
    return dense.reshape(count, 2 * kept_columns).view(values.dtype)


def _words(array: Raw) -> Raw:
    """View a matrix as unsigned integers; four-byte weights as twice as many halves."""
    if array.ndim != 2 or array.dtype.itemsize not in (1, 2, 4):
        raise Damaged("the layout holds matrices of weights of 1, 2 or 4 bytes.")
    return np.ascontiguousarray(array).view(np.uint8 if array.dtype.itemsize == 1 else np.uint16)


def _word_bytes(size: int) -> int:
    return 4 if size == 1 else 2


def _block_rows(size: int) -> int:
    return 16 if size == 1 else 32


def _check_shape(rows: int, columns: int, size: int) -> None:
    # Metadata words are swizzled in 2 x 2 blocks, so there is an even number of columns of them.
    if rows % _block_rows(size) or columns % (16 * _word_bytes(size)):
        raise Damaged(f"the layout has no matrices of {rows} x {columns}.")


def _tables(*, fp32: bool) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Low and high position by flags of kept ones; equal where there is no pair."""
    low, high = np.zeros(16, np.uint8), np.zeros(16, np.uint8)
    for flags, pair in (_HALVES_OF_FP32 if fp32 else _PAIRS).items():
        low[flags], high[flags] = pair
    return low, high


def _join(nibbles: npt.NDArray[np.uint8], size: int) -> Meta:
    """Put nibbles, the first lowest, into metadata words."""
    octets = nibbles[:, 0::2] | nibbles[:, 1::2] << 4
    return np.ascontiguousarray(octets).view(np.int32 if size == 1 else np.int16)


def _split(meta: Meta) -> npt.NDArray[np.uint8]:
    """Undo `_join`."""
    octets = np.ascontiguousarray(meta).view(np.uint8)
    rows, columns = octets.shape
    return np.stack([octets & 15, octets >> 4], axis=2).reshape(rows, 2 * columns)


def _reorder(meta: Meta) -> Meta:
    """Bring metadata words into the order of the tensor cores; same shape."""
    rows, columns = meta.shape
    strips = 4 if meta.dtype.itemsize == 2 else 2
    moved = meta.reshape(-1, strips, 8, columns).swapaxes(1, 2)
    blocks = moved.reshape(rows // 2, 2, columns // 2, 2)
    return np.ascontiguousarray(blocks.transpose(2, 0, 3, 1)).reshape(rows, columns)


def _restore(meta: Meta, first: int, last: int) -> Meta:
    """Undo `_reorder` for rows ``first`` to ``last``, both multiples of the block."""
    rows, columns = meta.shape
    strips = 4 if meta.dtype.itemsize == 2 else 2
    stored = np.ascontiguousarray(meta).reshape(columns // 2, rows // 2, 2, 2)
    blocks = stored[:, first // 2 : last // 2].transpose(1, 3, 0, 2)
    block = 8 * strips
    moved = np.ascontiguousarray(blocks).reshape((last - first) // block, 8, strips, columns)
    return moved.swapaxes(1, 2).reshape(last - first, columns)

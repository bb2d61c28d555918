"""``sparse-bitmask`` of compressed-tensors: kept values in row-major order, and one bit a weight.

The bits of a row are packed in little bit order and padded to whole bytes. The mask
``[0, 1, 0, 0, 1, 0, 0, 1, 1]`` is the bytes ``[146, 1]``.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import Raw
from sparse_core.packed.damaged import Damaged

Bits = npt.NDArray[np.uint8]


class Bitmask(msgspec.Struct, frozen=True, eq=False):
    """A packed matrix.

    Attributes
    ----------
    values : numpy.ndarray
        The kept values, shape ``(kept,)``, raw bits.
    bits : numpy.ndarray of uint8
        The mask, shape ``(rows, ceil(columns / 8))``.
    row_starts : numpy.ndarray of int64
        Where the values of each row begin, shape ``(rows,)``; the format stores it, and it
        follows from ``bits``.
    """

    values: Raw
    bits: Bits
    row_starts: npt.NDArray[np.int64]


def pack(dense: Raw, kept: npt.NDArray[np.bool_]) -> Bitmask:
    """Pack a matrix.

    Parameters
    ----------
    dense : numpy.ndarray
        Raw bits, shape ``(rows, columns)``.
    kept : numpy.ndarray of bool
        The mask, same shape, True = kept.
    """
    bits = np.packbits(kept, axis=1, bitorder="little")
    ends = np.cumsum(np.count_nonzero(kept, axis=1), dtype=np.int64)
    row_starts = np.concatenate([np.zeros(1, np.int64), ends])[: len(kept)]
    return Bitmask(dense[kept], bits, row_starts)


def kept_of(bits: Bits, columns: int) -> npt.NDArray[np.bool_]:
    """Unpack rows of the mask.

    Parameters
    ----------
    bits : numpy.ndarray of uint8
        Shape ``(rows, ceil(columns / 8))``.
    columns : int
        Weights a row.

    Returns
    -------
    numpy.ndarray of bool
        Shape ``(rows, columns)``, True = kept.

    Raises
    ------
    Damaged
        If the width of ``bits`` does not fit.
    """
    if bits.shape[1] != -(-columns // 8):
        raise Damaged("its bitmask does not have as many columns as its shape.")
    flags = np.unpackbits(bits, axis=1, count=columns, bitorder="little")
    return flags.view(np.bool_)


def row_starts(bits: Bits, columns: int) -> npt.NDArray[np.int64]:
    """Count where the values of each row begin: shape ``(rows + 1,)``, the last is their number.

    Bits beyond ``columns`` in the last byte of a row do not count.
    """
    counts = np.bitwise_count(bits)
    surplus = columns % 8
    if surplus and bits.shape[1]:
        counts[:, -1] = np.bitwise_count(bits[:, -1] & np.uint8((1 << surplus) - 1))
    starts = np.zeros(len(bits) + 1, np.int64)
    np.cumsum(counts.sum(axis=1, dtype=np.int64), out=starts[1:])
    return starts


def to_dense(values: Raw, bits: Bits, columns: int) -> Raw:
    """Unpack rows.

    Parameters
    ----------
    values : numpy.ndarray
        The kept values of exactly these rows, shape ``(kept,)``.
    bits : numpy.ndarray of uint8
        Their mask, shape ``(rows, ceil(columns / 8))``.
    columns : int
        Weights a row.

    Returns
    -------
    numpy.ndarray
        Raw bits, shape ``(rows, columns)``; +0 where pruned.

    Raises
    ------
    Damaged
        If there are not as many values as bits.
    """
    kept = kept_of(bits, columns)
    if np.count_nonzero(kept) != len(values):
        raise Damaged("its bitmask does not keep as many weights as there are values.")
    dense = np.zeros(kept.shape, values.dtype)
    dense[kept] = values
    return dense

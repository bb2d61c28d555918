"""``sparse-24-bitmask`` of compressed-tensors: half of the columns as a matrix, one bit a weight.

Exactly two of every four weights of a row are kept, so every row has as many values and needs no
row offsets. Hub checkpoints in this form outlived every tool that wrote them.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import Raw
from sparse_core.packed import bitmask
from sparse_core.packed.bitmask import Bits
from sparse_core.packed.damaged import Damaged


class Bitmask24(msgspec.Struct, frozen=True, eq=False):
    """A packed matrix: ``values`` of shape ``(rows, columns / 2)``, ``bits`` as in `bitmask`."""

    values: Raw
    bits: Bits


def pack(dense: Raw, kept: npt.NDArray[np.bool_]) -> Bitmask24:
    """Pack a matrix of which exactly two of every four weights of a row are kept.

    Parameters
    ----------
    dense : numpy.ndarray
        Raw bits, shape ``(rows, columns)``.
    kept : numpy.ndarray of bool
        The mask, same shape.

    Raises
    ------
    Damaged
        If a group keeps more or less than two.
    """
    rows, columns = dense.shape
    if columns % 4 or not (kept.reshape(rows, columns // 4, 4).sum(axis=2) == 2).all():
        raise Damaged("its mask does not keep exactly two of every four.")
    return Bitmask24(
        dense[kept].reshape(rows, columns // 2), np.packbits(kept, axis=1, bitorder="little")
    )


def to_dense(values: Raw, bits: Bits, columns: int) -> Raw:
    """Unpack rows.

    Parameters
    ----------
    values : numpy.ndarray
        Shape ``(rows, columns / 2)``, raw bits.
    bits : numpy.ndarray of uint8
        Shape ``(rows, ceil(columns / 8))``.
    columns : int
        Weights a row.

    Returns
    -------
    numpy.ndarray
        Raw bits, shape ``(rows, columns)``; +0 where pruned.

    Raises
    ------
    Damaged
        If a row does not keep half of its weights.
    """
    kept = bitmask.kept_of(bits, columns)
    if values.shape != (len(bits), columns // 2) or columns % 2:
        raise Damaged("its values do not have half as many columns as its shape.")
    if not (kept.sum(axis=1) == columns // 2).all():
        raise Damaged("its bitmask does not keep half of every row.")
    dense = np.zeros(kept.shape, values.dtype)
    dense[kept] = values.reshape(-1)
    return dense

"""Our N:M form from and to the 2:4 forms of other tools, exactly.

Every weight comes through bit for bit, NaN payloads and, where the form has room, negative zeros
included. What the other form cannot hold is refused, never dropped.
"""

import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import DType, Raw
from sparse_core.errors import PatternError
from sparse_core.masks.layout import layout_of
from sparse_core.packed import bitmask, bitmask24, cutlass24
from sparse_core.packed.bitmask import Bitmask
from sparse_core.packed.bitmask24 import Bitmask24
from sparse_core.packed.cutlass24 import Cutlass24
from sparse_core.packed.damaged import Damaged
from sparse_core.packed.nm import PackedNM, has_bits, pack_nm, unpack_nm
from sparse_core.patterns import NMPattern

Mask = npt.NDArray[np.bool_]
TWO_FOUR = NMPattern(2, 4)


def to_cutlass24(packed: PackedNM) -> Cutlass24:
    """Give the layout of torch's CUTLASS backend: 2:4, and 1:2 for four-byte weights.

    Raises
    ------
    PatternError
        If the weight is no matrix of that pattern, or has sides that the layout lacks.
    """
    dense = _matrix(packed, "torch's CUTLASS layout")
    try:
        return cutlass24.pack(dense, has_bits(dense))
    except Damaged as error:
        raise PatternError(f"torch's CUTLASS layout cannot hold this weight: {error}") from error


def from_cutlass24(packed: Cutlass24, dtype: DType) -> PackedNM:
    """Read that layout; fp32 becomes 1:2, the shorter formats 2:4.

    Raises
    ------
    Damaged
        If values and metadata do not fit one another.
    """
    dense = cutlass24.to_dense(packed.values, packed.meta)
    return _packed(dense, dtype, NMPattern(1, 2) if dtype.itemsize == 4 else TWO_FOUR)


def to_bitmask(packed: PackedNM) -> Bitmask:
    """Give ``sparse-bitmask``: whatever is not stored as zero bits is kept.

    Raises
    ------
    PatternError
        If the weight is no matrix.
    """
    dense = _matrix(packed, "sparse-bitmask")
    return bitmask.pack(dense, has_bits(dense))


def from_bitmask(packed: Bitmask, columns: int, dtype: DType, pattern: NMPattern) -> PackedNM:
    """Read ``sparse-bitmask``.

    Parameters
    ----------
    packed : Bitmask
    columns : int
        Weights a row, which the form does not say.
    dtype : DType
    pattern : NMPattern
        What the weight must hold.

    Raises
    ------
    Damaged
        If values and bits do not fit one another.
    PatternError
        If a group breaks the pattern; the first is named.
    """
    return _packed(bitmask.to_dense(packed.values, packed.bits, columns), dtype, pattern)


def to_bitmask24(packed: PackedNM) -> Bitmask24:
    """Give ``sparse-24-bitmask``, whose groups hold exactly two: fillers become kept zeros.

    Raises
    ------
    PatternError
        If the weight is no matrix of whole 2:4 groups along its rows.
    """
    dense = _matrix(packed, "sparse-24-bitmask")
    if dense.shape[1] % 4:
        raise PatternError("sparse-24-bitmask cannot hold this weight: 4 does not divide a row.")
    bits = has_bits(dense)
    groups = bits.reshape(len(dense), -1, 4)
    # Places with bits first, then the lowest free ones.
    order = np.argsort(~groups, axis=2, kind="stable")[:, :, :2]
    kept = np.zeros_like(groups)
    np.put_along_axis(kept, order, values=True, axis=2)
    if (groups & ~kept).any():
        raise PatternError("sparse-24-bitmask cannot hold this weight: a group holds more than 2.")
    return bitmask24.pack(dense, kept.reshape(dense.shape))


def from_bitmask24(packed: Bitmask24, dtype: DType) -> PackedNM:
    """Read ``sparse-24-bitmask``.

    Raises
    ------
    Damaged
        If a row does not keep half of its weights.
    PatternError
        If the halves are not two of every four; the first such group is named.
    """
    columns = 2 * packed.values.shape[1]
    return _packed(bitmask24.to_dense(packed.values, packed.bits, columns), dtype, TWO_FOUR)


def _matrix(packed: PackedNM, form: str) -> Raw:
    """Unpack a matrix, or say that the other form holds none but matrices."""
    shape = packed.layout.shape
    if len(shape) != 2:
        raise PatternError(f"{form} holds matrices only, not a weight of shape {shape}.")
    return unpack_nm(packed).reshape(shape)


def _packed(dense: Raw, dtype: DType, pattern: NMPattern) -> PackedNM:
    rows, columns = dense.shape
    return pack_nm(dense.reshape(-1), dtype, layout_of((rows, columns), "linear"), pattern)

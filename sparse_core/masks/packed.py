"""The packed mask: one bit a weight."""

from typing import cast

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import DType, Raw
from sparse_core.errors import SparseError
from sparse_core.masks.layout import Layout, Run, layout_of
from sparse_core.masks.values import bits_of, nonzero, zero_mask
from sparse_core.native import kernels
from sparse_core.native.kernels import Bits, Bytes, Counts, Words, words_a_row

Flags = npt.NDArray[np.bool_]

LAYOUT_VERSION = 1
"""Raised when the meaning of the stored words changes."""
_MAGIC = b"sparsescope-mask"


def empty_words(rows: int, columns: int) -> Words:
    """Make words for a mask, not yet filled.

    Returns
    -------
    ndarray of uint64, ``(rows, words_a_row)``
    """
    return np.empty((rows, words_a_row(columns)), np.uint64)


class _Header(msgspec.Struct, frozen=True, array_like=True):
    """What stands before the words of a stored mask."""

    version: int
    layout: Layout


class PackedMask(msgspec.Struct, frozen=True, eq=False):
    """Bits over the memory view of a tensor, 1 = kept.

    Attributes
    ----------
    words : ndarray of uint64, ``(rows, words_a_row)``
        Little bit order; each row is padded with zero bits to whole words.
    layout : Layout
        What the bits stand for.
    """

    words: Words
    layout: Layout

    def kept(self) -> int:
        """Count the kept weights."""
        return int(np.bitwise_count(self.words).sum(dtype=np.int64))

    def zeros(self) -> int:
        """Count the pruned weights."""
        return self.layout.elements - self.kept()

    def row_counts(self) -> Counts:
        """Count the kept weights of each memory row, ``(rows,)``."""
        counts: Counts = np.bitwise_count(self.words).sum(axis=1, dtype=np.int64)
        return counts

    def column_counts(self) -> Counts:
        """Count the kept weights of each memory column, ``(columns,)``."""
        return count_columns(self.words, self.layout.columns)

    def to_bytes(self) -> bytes:
        """Store the mask; ``from_bytes`` gives it back."""
        header = msgspec.msgpack.encode(_Header(LAYOUT_VERSION, self.layout))
        return b"".join((_MAGIC, len(header).to_bytes(4, "little"), header, self.words.tobytes()))

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> "PackedMask":
        """Read a stored mask without copying it.

        Raises
        ------
        SparseError
            If the bytes are no mask, of another layout version, or too few or too many.
        """
        view = memoryview(data)
        start = len(_MAGIC) + 4
        end = start + int.from_bytes(view[len(_MAGIC) : start], "little")
        if bytes(view[: len(_MAGIC)]) != _MAGIC or end > len(view):
            raise SparseError("These bytes hold no mask: make it again from its checkpoint.")
        try:
            header = msgspec.msgpack.decode(view[start:end], type=_Header)
        except msgspec.DecodeError as error:
            raise SparseError(f"The header of a stored mask is damaged: {error}.") from error
        layout = header.layout
        width = words_a_row(max(0, layout.columns))
        if header.version != LAYOUT_VERSION or len(view) - end != 8 * max(0, layout.rows) * width:
            raise SparseError(
                "A stored mask has another layout or size: make it again from its checkpoint."
            )
        words = np.frombuffer(view[end:], np.uint64)
        return cls(words.reshape(layout.rows, width), layout)


def moved(words: Words, columns: int, run: Run) -> Words:
    """Move the middle dimension of runs inside memory rows last.

    Parameters
    ----------
    words : ndarray of uint64, ``(rows, words_a_row(columns))``
        Any number of memory rows.
    columns : int
        Bits a row.
    run : Run
        Its ``length`` and ``inner`` count.
    """
    stride = run.length * run.inner
    total = words.shape[0] * (columns // stride if stride else 0) * run.inner
    out = empty_words(total, run.length)
    kernels.regroup(np.ascontiguousarray(words), columns, run.length, run.inner, out)
    return out


def count_columns(words: Words, columns: int) -> Counts:
    """Count the bits of each column.

    Parameters
    ----------
    words : ndarray of uint64, ``(rows, words_a_row)``
    columns : int

    Returns
    -------
    ndarray of int64, ``(columns,)``
    """
    total = np.zeros(columns, np.int64)
    step = 64 * max(1, (1 << 20) // max(1, columns))
    for row in range(0, words.shape[0], step):
        piece = np.ascontiguousarray(words[row : row + step])
        whole = piece.shape[0] // 64 * 64
        for part, m in ((piece[:whole], 64), (piece[whole:], piece.shape[0] - whole)):
            if part.size:
                counts = np.empty((part.shape[0] // m, columns), np.uint8)
                kernels.column_group_counts(part, columns, m, counts)
                total += counts.sum(axis=0, dtype=np.int64)
    return total


def pack(mask: npt.ArrayLike, layout: Layout | None = None) -> PackedMask:
    """Pack booleans.

    Parameters
    ----------
    mask : array-like of bool
        True = kept; in the tensor's shape, or any shape with as many elements if a layout is
        given.
    layout : Layout, optional
        Without it the mask is that of a linear layer of its own shape.

    Raises
    ------
    ValueError
        If mask and layout do not have the same number of elements.
    """
    given = np.asarray(mask, np.bool_)
    layout = layout or layout_of(given.shape, "linear")
    if given.size != layout.elements:
        raise ValueError(f"a mask of {given.size} elements does not fit shape {layout.shape}")
    flags = np.ascontiguousarray(given).reshape(-1)
    words = empty_words(layout.rows, layout.columns)
    kernels.pack_nonzero(flags.view(np.uint8), 0xFF, layout.columns, words)
    return PackedMask(words, layout)


def unpack(mask: PackedMask) -> Flags:
    """Unpack to booleans, True = kept, in the tensor's shape."""
    out = np.empty(mask.layout.elements, np.uint8)
    kernels.unpack(np.ascontiguousarray(mask.words), mask.layout.columns, out)
    return out.view(np.bool_).reshape(mask.layout.shape)


def pack_nonzero(raw: Raw, dtype: DType, columns: int, out: Words) -> None:
    """Pack which elements are not zero.

    Parameters
    ----------
    raw : ndarray, ``(rows * columns,)``
        Stored bits of whole memory rows, C-contiguous.
    dtype : DType
        Their format.
    columns : int
        Elements a row.
    out : ndarray of uint64, ``(rows, words_a_row)``
        Gets the bits.

    Raises
    ------
    ValueError
        If the elements do not fill whole rows or ``out`` is of another size.
    """
    mask = zero_mask(dtype) if dtype.itemsize <= 8 else 0
    if mask:
        kernels.pack_nonzero(bits_of(raw), mask, columns, out)
        return
    flags = cast("Bits", nonzero(raw, dtype).view(np.uint8))
    kernels.pack_nonzero(flags, 0xFF, columns, out)


def group_counts_of_rows(words: Words, columns: int, m: int) -> Bytes:
    """Count the bits of each whole group of ``m`` along rows, ``(rows, columns // m)``."""
    counts = np.empty((words.shape[0], columns // m), np.uint8)
    kernels.row_group_counts(np.ascontiguousarray(words), columns, m, counts)
    return counts


def group_counts_of_columns(words: Words, columns: int, m: int) -> Bytes:
    """Count the bits of each whole group of ``m`` rows, ``(rows // m, columns)``."""
    counts = np.empty((words.shape[0] // m, columns), np.uint8)
    kernels.column_group_counts(np.ascontiguousarray(words), columns, m, counts)
    return counts
